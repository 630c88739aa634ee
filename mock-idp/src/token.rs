//! Tokens: what they say and what became of them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::holder::Holder;
use crate::secret::Secret;

/// Names a token without its value. Numbers follow the order of issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct TokenId(pub u64);

/// Access or refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Presented to APIs.
    Access,
    /// Presented to the token endpoint.
    Refresh,
}

/// How a token died before or at its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Death {
    /// Its lifetime is over.
    Expired,
    /// It was revoked, with the reason.
    Revoked(String),
    /// It was replaced by its successor, in this request.
    Rotated(u64),
}

/// What is known of a token.
#[derive(Debug, Clone)]
pub struct TokenFacts {
    /// Which one.
    pub id: TokenId,
    /// What it is.
    pub kind: TokenKind,
    /// To whom it was issued.
    pub client: String,
    /// Whom it speaks for.
    pub subject: String,
    /// What it allows.
    pub scopes: Vec<String>,
    /// `aud`.
    pub audience: String,
    /// `iss`.
    pub issuer: String,
    /// When it was issued, in milliseconds since the Unix epoch, by the issuer's clock.
    pub issued_at_ms: i64,
    /// When it expires, likewise. Always a whole second, as `exp` is.
    pub expires_at_ms: i64,
    /// How it died, by revocation or rotation. Expiry is whoever judges its own matter: clocks differ.
    pub death: Option<Death>,
    /// Who may present it, if not every bearer, and who acts with it.
    pub holder: Option<Arc<Holder>>,
    /// Its value; empty where it is not kept and the token was not found by it ([`Memory::Needed`](crate::Memory)).
    pub value: Secret,
    /// The address where it was issued.
    pub(crate) origin: String,
    /// The consent that it descends from: all tokens of one family can die together.
    pub family: u64,
    pub(crate) rotated_at_ms: i64,
}

impl TokenFacts {
    /// Whether it is good at `now_ms` by the identity provider's clock.
    pub fn is_live(&self, now_ms: i64) -> bool {
        self.death.is_none() && now_ms < self.expires_at_ms
    }
}

/// Claims of an access token (RFC 9068 §2.2).
#[derive(Serialize)]
pub(crate) struct AccessClaims {
    pub(crate) iss: String,
    pub(crate) exp: i64,
    pub(crate) aud: String,
    pub(crate) sub: String,
    pub(crate) client_id: String,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) jti: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) scope: String,
    /// RFC 7800 §3.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cnf: Option<Value>,
    /// RFC 8693 §4.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) act: Option<Value>,
    /// RFC 8693 §4.4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) may_act: Option<Value>,
}
