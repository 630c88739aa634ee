//! What the journal calls tokens, and how the API judges them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mock_idp::{Clock, Death, Idp, TokenId, TokenKind};

use super::api::{Judged, TokenJudge};
use crate::journal::TokenName;

/// Names tokens in order of issue: `T1`, `T2` for access tokens, `R1` for refresh tokens. Clones share the names.
#[derive(Clone, Default)]
pub struct Names(Arc<Mutex<Named>>);

#[derive(Default)]
struct Named {
    names: BTreeMap<TokenId, TokenName>,
    ids: BTreeMap<TokenName, TokenId>,
    access: u32,
    refresh: u32,
}

impl Names {
    /// The name of a token, given when it is first asked for.
    pub fn name(&self, id: TokenId, kind: TokenKind) -> TokenName {
        let mut named = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = named.names.get(&id) {
            return name.clone();
        }
        let (letter, count) = match kind {
            TokenKind::Access => ('T', &mut named.access),
            TokenKind::Refresh => ('R', &mut named.refresh),
        };
        *count += 1;
        let name = TokenName::new(format!("{letter}{count}"));
        named.ids.insert(name.clone(), id);
        named.names.insert(id, name.clone());
        name
    }

    /// The name of a token that has one.
    pub fn known(&self, id: TokenId) -> Option<TokenName> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).names.get(&id).cloned()
    }

    /// The token with this name.
    pub fn id(&self, name: &TokenName) -> Option<TokenId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ids.get(name).copied()
    }
}

/// How the API finds out whether a token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    /// Offline, against the published keys: a revoked token works until its `exp`, as in most real APIs.
    Jwks,
    /// By asking the identity provider (RFC 7662): a revoked token is dead at once.
    Introspect,
}

/// The API's own view of tokens. Clones share it.
#[derive(Clone)]
pub struct Judge {
    /// Who issued them.
    pub idp: Idp,
    /// What they are called.
    pub names: Names,
    /// The API's clock.
    pub clock: Clock,
    /// How it validates.
    pub validation: Validation,
    /// How far clocks may differ when `exp`, `nbf` and `iat` are judged.
    pub leeway: Duration,
    /// Tokens that it refuses whatever their issuer says (FM-20).
    pub refused: Arc<Mutex<BTreeSet<TokenName>>>,
    /// The keys of the JWKS as it was fetched last. Fetched again when a token names a key that is not there.
    pub keys: Arc<Mutex<BTreeSet<String>>>,
}

impl Judge {
    /// What the journal calls the token with this value, if the identity provider knows it.
    pub fn name_of(&self, token: &str) -> Option<TokenName> {
        let token = self.idp.facts(token)?;
        Some(self.names.name(token.id, token.kind))
    }

    /// Whether the key that signed this token is in the JWKS, as far as the API knows.
    fn knows_key_of(&self, bearer: &str) -> bool {
        // An opaque token is signed by nobody.
        let Some(key) = key_id(bearer) else { return true };
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if !keys.contains(&key) {
            *keys = self.idp.published_keys().into_iter().collect();
        }
        keys.contains(&key)
    }
}

/// `kid` in the header of a JWT (RFC 7515 §4.1.4).
fn key_id(token: &str) -> Option<String> {
    let header = URL_SAFE_NO_PAD.decode(token.split_once('.')?.0).ok()?;
    let header: serde_json::Value = serde_json::from_slice(&header).ok()?;
    header["kid"].as_str().map(str::to_owned)
}

impl TokenJudge for Judge {
    fn judge(&self, bearer: &str) -> Judged {
        let Some(token) = self.idp.facts(bearer) else {
            return Judged { refused: Some("unknown".into()), ..Judged::default() };
        };
        let name = self.names.name(token.id, token.kind);
        let now_s = self.clock.now_s();
        let leeway_s = i64::try_from(self.leeway.as_secs()).unwrap_or(i64::MAX);
        let refused_early = self.refused.lock().unwrap_or_else(PoisonError::into_inner).contains(&name);
        let refused = if token.kind != TokenKind::Access {
            Some("not_an_access_token")
        } else if refused_early {
            Some("refused_early")
        } else if self.validation == Validation::Introspect && matches!(token.death, Some(Death::Revoked(_))) {
            Some("revoked")
        } else if self.validation == Validation::Jwks && !self.knows_key_of(bearer) {
            Some("unknown_key")
        } else if (now_s - leeway_s) * 1000 >= token.expires_at_ms {
            Some("expired")
        } else if now_s + leeway_s < token.issued_at_ms.div_euclid(1000) {
            // `nbf` and `iat` are the second of issue.
            Some("not_yet_valid")
        } else {
            None
        };
        Judged {
            token: Some(name),
            sub: Some(token.subject),
            scopes: token.scopes,
            refused: refused.map(str::to_owned),
        }
    }
}
