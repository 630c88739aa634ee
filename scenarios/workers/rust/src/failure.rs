//! What can go wrong, as a closed list: the type that a workflow sees, and whether trying again can help.
//!
//! A [`Failure`] is built from numbers and words of this crate only, never from a URL, a header, a body or another
//! error's text. Failure messages are stored in plain text in the workflow's history (FM-19); with this type a secret
//! cannot get there by accident.

use std::fmt;
use std::time::Duration;

use temporalio_sdk::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;

/// The failure's type as workflows, retry policies and dashboards see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The API refused the access token (401). The token is dropped; the retry gets a new one.
    TokenExpired,
    /// The identity provider says that the grant or the client is no longer good. Only a person can help.
    TokenRevoked,
    /// The token is good, but not for this (RFC 6750 §3.1). A refresh cannot widen it (FM-40).
    InsufficientScope,
    /// The API refused for another reason (403). Proxies and firewalls answer so too, hence retryable.
    Forbidden,
    /// 429, or 503 with `Retry-After` from the token endpoint.
    RateLimited,
    /// The token endpoint gave no usable answer.
    IdpUnavailable,
    /// The API gave no usable answer.
    ApiUnavailable,
    /// The API understood the request and will never accept it.
    ApiRejected,
    /// The refresh token's file cannot be read, locked or written.
    TokenStoreUnavailable,
}

impl Kind {
    /// The kinds that end the workflow; everything else is retried for as long as the retry policy allows.
    pub const PERMANENT: [Self; 3] = [Self::TokenRevoked, Self::InsufficientScope, Self::ApiRejected];

    /// The type name in the application failure; Temporal compares it exactly, with case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TokenExpired => "TokenExpired",
            Self::TokenRevoked => "TokenRevoked",
            Self::InsufficientScope => "InsufficientScope",
            Self::Forbidden => "Forbidden",
            Self::RateLimited => "RateLimited",
            Self::IdpUnavailable => "IdpUnavailable",
            Self::ApiUnavailable => "ApiUnavailable",
            Self::ApiRejected => "ApiRejected",
            Self::TokenStoreUnavailable => "TokenStoreUnavailable",
        }
    }

    /// Whether no retry can help.
    pub fn is_permanent(self) -> bool {
        Self::PERMANENT.contains(&self)
    }
}

/// Who gave the answer that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The identity provider.
    Idp,
    /// The protected API.
    Api,
    /// This machine.
    Local,
}

/// What was seen, in words that cannot hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An HTTP status.
    Status(u16),
    /// An OAuth error code of RFC 6749 §5.2 or RFC 6750 §3.1, from this crate's own list.
    Code(&'static str),
    /// No answer, or one that cannot be used.
    Text(&'static str),
}

/// One failed step of an activity.
///
/// It deliberately is no [`std::error::Error`]: the SDK turns every such error into a *retryable failure without a
/// type* as soon as an activity uses `?` on it (FM-11). So the compiler insists on [`Report`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The type that the workflow sees.
    pub kind: Kind,
    /// Who failed.
    pub party: Party,
    /// What was seen.
    pub cause: Cause,
    /// How long the other side asked to wait before the next attempt (RFC 9110 §10.2.3).
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure without a wish about when to retry.
    pub const fn new(kind: Kind, party: Party, cause: Cause) -> Self {
        Self { kind, party, cause, retry_after: None }
    }

    /// The same, with the delay that the other side asked for.
    pub fn after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// No usable answer came from the token endpoint.
    pub const fn idp(cause: Cause) -> Self {
        Self::new(Kind::IdpUnavailable, Party::Idp, cause)
    }

    /// No usable answer came from the API.
    pub const fn api(cause: Cause) -> Self {
        Self::new(Kind::ApiUnavailable, Party::Api, cause)
    }

    /// The refresh token's file failed.
    pub const fn store(text: &'static str) -> Self {
        Self::new(Kind::TokenStoreUnavailable, Party::Local, Cause::Text(text))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let party = match self.party {
            Party::Idp => "identity provider",
            Party::Api => "API",
            Party::Local => "worker",
        };
        match self.cause {
            Cause::Status(status) => write!(f, "{party}: status {status}"),
            Cause::Code(code) => write!(f, "{party}: {code}"),
            Cause::Text(text) => write!(f, "{party}: {text}"),
        }
    }
}

/// Turns a failure into what Temporal is told.
pub trait Report: Send + Sync {
    /// The activity's error for `failure`.
    fn report(&self, failure: &Failure) -> ActivityError;
}

/// Typed application failures: permanent ones are not retried, the rest is, at the time that the other side asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Typed;

impl Report for Typed {
    fn report(&self, failure: &Failure) -> ActivityError {
        let text = failure.to_string();
        tracing::warn!(failure = failure.kind.name(), "{text}");
        ActivityError::application(
            ApplicationFailure::builder(text)
                .type_name(failure.kind.name().to_owned())
                .non_retryable(failure.kind.is_permanent())
                .maybe_next_retry_delay(failure.retry_after)
                .build(),
        )
    }
}
