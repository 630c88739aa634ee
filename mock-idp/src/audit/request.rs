//! Recorded requests, and how to choose among them.

use serde::{Deserialize, Serialize};

use super::kept::KeptRequest;
use crate::endpoint::Endpoint;

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It was read whole. Its reply may be held back.
    #[default]
    Arrived,
    /// It was decided, and its reply is about to leave.
    Answered,
    /// Its reply was handed over whole, or lost.
    Done,
}

/// A request, its secrets as fingerprints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
pub struct RequestRecord {
    /// Its number, from 1. A reset does not start again.
    pub number: u64,
    /// When it arrived, in milliseconds since the Unix epoch, by the identity provider's clock.
    pub at_ms: i64,
    /// Name of the listener through which it came.
    pub listener: String,
    /// What it is for.
    pub endpoint: Endpoint,
    /// Method and path, as in `GET /oauth2/jwks`.
    pub target: String,
    /// `grant_type`, as sent.
    pub grant: Option<String>,
    /// The client that it claims to be from.
    pub client: Option<String>,
    /// The token that it presents, if it is one of ours: `A` or `R` and its number.
    pub token: Option<String>,
    /// To whom that token was issued.
    pub token_client: Option<String>,
    /// Parameters of the form, as names and values.
    pub parameters: Vec<(String, String)>,
    /// Header fields, as names and values.
    pub headers: Vec<(String, String)>,
    /// How far it has come.
    pub stage: Stage,
    /// HTTP status of its reply.
    pub status: Option<u16>,
    /// `error` of its reply (RFC 6749 §5.2).
    pub error: Option<String>,
    /// What was wrong with it, in a word: `wrong_secret`.
    pub cause: Option<String>,
    /// Why it was decided so.
    pub reason: Option<String>,
    /// Numbers of the tokens in its reply.
    pub issued: Vec<u64>,
    /// What a fault did to it.
    pub fault: Option<String>,
    /// Whether the whole reply was handed to the connection.
    pub delivered: Option<bool>,
}

/// Which requests are meant. What is left out does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "admin", derive(utoipa::IntoParams))]
#[serde(deny_unknown_fields, default)]
pub struct RequestFilter {
    /// Only those for this endpoint.
    pub endpoint: Option<Endpoint>,
    /// Only those that claim to be from this client.
    pub client: Option<String>,
    /// Only those with this `grant_type`.
    pub grant: Option<String>,
    /// Only those that were answered with this status.
    pub status: Option<u16>,
    /// Only those that were refused with this `error`.
    pub error: Option<String>,
    /// Only those with a higher number.
    pub after: Option<u64>,
    /// Only those that have come so far. Default: all that have arrived.
    pub stage: Option<Stage>,
}

impl RequestFilter {
    /// All requests of one endpoint.
    pub fn on(endpoint: Endpoint) -> Self {
        Self { endpoint: Some(endpoint), ..Self::default() }
    }

    pub(super) fn takes(&self, request: &KeptRequest) -> bool {
        fn is<T: PartialEq + ?Sized>(wanted: Option<&T>, found: Option<&T>) -> bool {
            wanted.is_none() || wanted == found
        }
        let (seen, reply) = (&request.seen, request.reply.as_ref());
        is(self.endpoint.as_ref(), Some(&seen.endpoint))
            && is(self.client.as_deref(), seen.client.as_deref())
            && is(self.grant.as_deref(), seen.grant.as_deref())
            && is(self.status.as_ref(), reply.map(|reply| &reply.status))
            && is(self.error.as_deref(), reply.and_then(|reply| reply.error.as_deref()))
            && self.after.is_none_or(|after| seen.number > after)
            && self.stage.is_none_or(|stage| request.stage >= stage)
    }
}
