//! ID tokens (OpenID Connect Core §2).

use std::sync::Arc;

use aws_lc_rs::digest::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, Validation};
use serde::{Deserialize, Serialize};

use crate::config::Listener;
use crate::key::SigningKey;
use crate::login::millis;
use crate::secret::Secret;
use crate::store::{Granted, Store};

/// What an ID token says.
#[derive(Debug, Serialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    azp: String,
    exp: i64,
    iat: i64,
    auth_time: i64,
    sid: String,
    /// `1` if a password was checked, else `0`: nothing is certain (§2).
    acr: &'static str,
    /// RFC 8176.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    amr: &'static [&'static str],
    at_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
}

/// An ID token that is not signed yet: signing is slow, and belongs outside of the store's lock.
pub(crate) struct Unsigned {
    claims: Claims,
    key: Arc<SigningKey>,
}

impl Unsigned {
    /// The ID token that goes with this access token.
    pub(crate) fn sign(mut self, access: &Secret) -> String {
        let hash = digest(self.key.algorithm().hash(), access.expose().as_bytes());
        // §3.1.3.6: the left half.
        self.claims.at_hash = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2]);
        self.key.sign("JWT", &self.claims)
    }
}

/// What an ID token that comes back as a hint says.
#[derive(Debug, Deserialize)]
pub(crate) struct Hint {
    pub(crate) sub: String,
    pub(crate) aud: String,
    pub(crate) sid: String,
}

/// The ID token that goes with an access token, if it comes from a user's consent and has the scope `openid`. With the
/// first one goes the nonce (§12.2).
pub(crate) fn prepare(store: &mut Store, listener: &Listener, granted: &Granted, now_ms: i64) -> Option<Unsigned> {
    let access = &granted.access;
    let latest_ms = granted.refresh.as_ref().map_or(0, |refresh| refresh.expires_at_ms).max(access.expires_at_ms);
    let lifetime_ms = millis(store.logins.settings.id_token_lifetime);
    let consent = store.logins.renewed(access.family, latest_ms, now_ms)?;
    let nonce = consent.nonce.take();
    let consent = consent.clone();
    if !access.scopes.iter().any(|scope| scope == "openid") {
        return None;
    }
    let login = consent.authentication;
    let claims = Claims {
        iss: store.issuer(listener),
        sub: login.subject,
        aud: consent.client.clone(),
        azp: consent.client,
        exp: now_ms.saturating_add(lifetime_ms).div_euclid(1000),
        iat: now_ms.div_euclid(1000),
        auth_time: login.at_s,
        sid: login.sid,
        acr: if login.password { "1" } else { "0" },
        amr: if login.password { &["pwd"] } else { &[] },
        at_hash: String::new(),
        nonce,
    };
    Some(Unsigned { claims, key: store.id_token_key() })
}

/// Reads an ID token of ours. It may have expired.
pub(crate) fn read(token: &str, listener: &Listener, store: &Store) -> Option<Hint> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    // An access token says what it is, too (RFC 9068 §2.1).
    if header.typ.as_deref() != Some("JWT") {
        return None;
    }
    let kid = header.kid.as_deref()?;
    let key = store.public_keys().into_iter().find(|key| key.common.key_id.as_deref() == Some(kid))?;
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation.set_issuer(&[store.issuer(listener)]);
    let key = DecodingKey::from_jwk(&key).ok()?;
    jsonwebtoken::decode::<Hint>(token, &key, &validation).ok().map(|token| token.claims)
}
