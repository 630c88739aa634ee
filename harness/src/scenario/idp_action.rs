//! Actions on the identity provider.

use std::num::NonZeroU32;

use mock_idp::file::{At, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::{once, yes};
use super::api::Status;
use super::delay::Delay;
use super::value::{Entries, Value};

/// Which tokens `idp.revoke` ends. `client` and `subject` narrow it down.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// Which. Default: `trigger` if the triggering event names a token, else `newest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<At<TokenChoice>>,
    /// Only of this kind. Default: what the triggering event's token is, else access tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<KindOfToken>,
    /// Only those of this client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Only those that speak for this subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// Which of the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TokenChoice {
    /// The triggering event's.
    Trigger,
    /// The one that was issued last and lives.
    Newest,
    /// All that live.
    All,
}

/// Access or refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KindOfToken {
    /// An access token.
    Access,
    /// A refresh token.
    Refresh,
}

/// Which client.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientChoice {
    /// Its id. Default: all of the scenario's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// Endpoints of the identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// RFC 6749 §3.2.
    #[default]
    Token,
    /// RFC 7662.
    Introspect,
    /// RFC 7009.
    Revoke,
    /// RFC 7517.
    Jwks,
    /// OpenID Connect Discovery and RFC 8414.
    Discovery,
}

impl Endpoint {
    /// All names.
    pub const NAMES: [&'static str; 5] = ["token", "introspect", "revoke", "jwks", "discovery"];

    /// As journals and files write it.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// How many seconds, and in which form, `Retry-After` says to wait (RFC 9110 §10.2.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RetryAfter {
    /// `Retry-After: 2`.
    Seconds(u32),
    /// `Retry-After: Tue, 24 Nov 2026 02:00:00 GMT`, so far from the reply's own `Date`, in whole seconds, rounded up.
    Date(Duration),
    /// This text, for answers that no standard allows: `-1`, `0.5`.
    Raw(String),
}

/// What is answered instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdpRespond {
    /// Where.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// Only requests with this `grant_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// HTTP status.
    pub status: Status,
    /// `error` of RFC 6749 §5.2, in a JSON body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<At<String>>,
    /// The body: text as it is, anything else as JSON. Instead of `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<At<Value>>,
    /// `Content-Type`. Default: `application/json`, for text `text/plain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Further header fields.
    #[serde(default)]
    pub headers: Entries<String>,
    /// `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfter>,
    /// How many requests.
    #[serde(default = "once")]
    pub times: NonZeroU32,
}

/// Replies that come later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdpDelay {
    /// Where.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// Only requests with this `grant_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// By how much.
    pub by: Delay,
    /// How many replies.
    #[serde(default = "once")]
    pub times: NonZeroU32,
}

/// Replies of the identity provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdpReplies {
    /// Where.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// Only requests with this `grant_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// How many.
    #[serde(default = "once")]
    pub times: NonZeroU32,
}

/// Changes to JSON bodies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdpAlter {
    /// Where.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// Only requests with this `grant_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Top-level fields that get another value.
    #[serde(default)]
    pub set: Entries<Value>,
    /// Top-level fields that are left out.
    #[serde(default)]
    pub omit: Vec<At<String>>,
    /// How many replies.
    #[serde(default = "once")]
    pub times: NonZeroU32,
}

/// Too many requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Where.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// Only requests with this `grant_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// When to come back. Default: not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfter>,
    /// How many requests.
    #[serde(default = "once")]
    pub times: NonZeroU32,
}

/// How long tokens live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifetime {
    /// The life of access tokens: what `exp` says and validators go by.
    pub access_token: Duration,
    /// What `expires_in` says. Default: the truth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stated: Option<Duration>,
}

/// A new client secret.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateSecret {
    /// For how long the old one is good, too. Default: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Duration>,
}

/// New signing keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKeys {
    /// Whether the old keys stay published, so that tokens signed with them live on. Default: true.
    #[serde(default = "yes")]
    pub keep_old: bool,
}
