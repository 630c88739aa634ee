//! Whether a JWT is one that was issued here.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Store;
use super::mark::Mark;
use super::record::Record;
use crate::key::SigningKey;
use crate::secret::Digest;
use crate::token::{TokenId, TokenKind};

/// Every key that an identity provider has ever signed with. A clone checks signatures outside of the store's lock.
#[derive(Clone)]
pub(crate) struct Verifier(Arc<[Arc<SigningKey>]>);

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

impl Verifier {
    pub(super) fn new(keys: &[Arc<SigningKey>]) -> Self {
        Self(keys.into())
    }

    /// With another key.
    pub(super) fn with(&self, key: &Arc<SigningKey>) -> Self {
        Self(self.0.iter().chain([key]).cloned().collect())
    }

    /// The claims of a JWT with a good signature (RFC 7515 §5.2). `exp` is not looked at.
    pub(crate) fn claims(&self, jwt: &str) -> Option<Map<String, Value>> {
        let (message, signature) = jwt.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        let header: Header = serde_json::from_slice(&decoded(header)?).ok()?;
        let signature = decoded(signature)?;
        let named = |key: &&Arc<SigningKey>| key.kid == header.kid && key.algorithm().name() == header.alg;
        // Several keys may have had one name.
        self.0.iter().filter(named).find(|key| key.verifies(message.as_bytes(), &signature))?;
        serde_json::from_slice(&decoded(claims)?).ok()
    }
}

impl Store {
    /// What checks signatures of JWTs; `None` if they are known by their digests.
    pub(crate) fn verifier(&self) -> Option<Verifier> {
        self.ledger.is_none().then(|| self.keys.verifier().clone())
    }

    /// The access token that has these claims, whose signature was good. It says who it is by its `jti`.
    pub(super) fn recognise(&self, claims: &Map<String, Value>) -> Option<Record> {
        // Some vendors put letters and a dot in front.
        let mark = Mark::decode(claims.get("jti")?.as_str()?.rsplit('.').next()?)?;
        let terms = self.terms.get(mark.terms)?;
        // Keys are shared in a process: another identity provider's token has a good signature, too.
        let past = |(instance, through): &(u64, TokenId)| *instance == mark.instance && mark.id <= *through;
        let ours = (mark.instance == self.instance && mark.id.0 <= self.issued) || self.past_instances.iter().any(past);
        if !ours || claims.get("iss")?.as_str()? != terms.issuer {
            return None;
        }
        let millis = |name: &str| claims.get(name)?.as_i64()?.checked_mul(1000);
        Some(Record {
            id: mark.id,
            family: mark.family,
            terms: Arc::clone(terms),
            issued_at_ms: millis("iat")?,
            expires_at_ms: millis("exp")?,
            kind: TokenKind::Access,
        })
    }

    /// Whether a token of which something is kept has this digest.
    pub(crate) fn is_known(&self, digest: &Digest) -> bool {
        self.records.get(digest).is_some()
    }

    /// Remembers the token with these claims, whose signature was good, until its time is over: whoever presents it
    /// presents it again, and it need not be verified again.
    pub(crate) fn touch(&mut self, digest: Digest, claims: &Map<String, Value>) {
        if let Some(record) = self.recognise(claims).filter(|record| !self.is_gone(record)) {
            self.records.insert(digest, record, self.gone_ms);
        }
    }
}
