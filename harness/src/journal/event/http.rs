//! What the identity provider and the API see: requests, replies, and the lives of tokens.

use serde::{Deserialize, Serialize};

use super::super::id::{Call, Instance, TokenName, WorkflowId};

/// A request at the identity provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdpRequest {
    /// Joins it with its reply.
    pub call: Call,
    /// Which worker instance sent it.
    pub instance: Instance,
    /// `token`, `introspect`, `revoke`, `jwks`, `discovery`.
    pub endpoint: String,
    /// `grant_type`, at the token endpoint.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub grant: Option<String>,
    /// The client that the request names.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client: Option<String>,
    /// The token that it presents, if it is one of the lab's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token: Option<TokenName>,
    /// `scope`, as sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scope: Option<String>,
    /// `audience`, else each `resource` (RFC 8707 §2), as sent, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub audience: Option<String>,
}

/// A reply of the identity provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdpResponse {
    /// The request, once more, so that a filter needs one event only.
    #[serde(flatten)]
    pub request: IdpRequest,
    /// HTTP status.
    pub status: u16,
    /// `error` of RFC 6749 §5.2.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// Why it was decided so, in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The tokens in it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub issued: Vec<TokenName>,
    /// How long `Retry-After` certainly asks to wait, in milliseconds: a date's last second is not counted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after_ms: Option<u64>,
    /// The fault that made this reply what it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fault: Option<String>,
}

/// What became of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenChange {
    /// It was issued.
    Issued,
    /// Its time is over by its issuer's clock.
    Expired,
    /// It was revoked (RFC 7009, by a fault, or by reuse detection).
    Revoked,
    /// A refresh token was replaced by its successor (RFC 6749 §6).
    Rotated,
}

/// Access or refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// An access token.
    Access,
    /// A refresh token.
    Refresh,
}

/// A change in a token's life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdpToken {
    /// Which token.
    pub token: TokenName,
    /// What it is.
    pub token_kind: TokenKind,
    /// What happened to it.
    pub change: TokenChange,
    /// Whose it is.
    pub client: String,
    /// Who it speaks for.
    pub sub: String,
    /// What it allows.
    pub scopes: Vec<String>,
    /// `exp` by the identity provider's clock, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at_ms: Option<i64>,
    /// Why, for a death.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// A request at the protected API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiRequest {
    /// Joins it with its reply.
    pub call: Call,
    /// Which worker instance sent it.
    pub instance: Instance,
    /// Method and template, `GET /orders/{id}`; `None` where the target names no such route.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub route: Option<String>,
    /// Method and concrete path.
    pub target: String,
    /// The bearer token, if it is one of the lab's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token: Option<TokenName>,
    /// Who the token speaks for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sub: Option<String>,
    /// The workflow that the request names, by the target's `api.correlate`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub workflow: Option<WorkflowId>,
    /// Why the token is refused (`expired`, `revoked`, `not_yet_valid`, `missing` …); `None` if it is accepted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refused: Option<String>,
}

/// A reply of the protected API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiResponse {
    /// The request, once more, so that a filter needs one event only.
    #[serde(flatten)]
    pub request: ApiRequest,
    /// HTTP status.
    pub status: u16,
    /// `error` of RFC 6750 §3.1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// The idempotency key of an effect that this request committed; absent when it committed none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effect: Option<String>,
    /// How long `Retry-After` certainly asks to wait, in milliseconds: a date's last second is not counted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after_ms: Option<u64>,
    /// The fault that made this reply what it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fault: Option<String>,
}
