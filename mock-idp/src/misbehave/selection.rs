//! Which requests a rule is for.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::probability::Probability;
use crate::endpoint::Endpoint;
use crate::observe::RequestSeen;

/// Which requests a rule is for: those that fit all that is said here. Of what is not said, all fit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// Requests of this endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// Requests that claim to be from this client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Requests with this `grant_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Of the requests that fit so far, counted from when the rule was added, only these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
    /// Of the requests that fit so far, so many, by chance.
    pub probability: Probability,
}

/// Which of the requests that fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// The one with this number, from 1.
    Nth(NonZeroU32),
    /// Those whose number is a multiple of this.
    Every(NonZeroU32),
}

impl Selection {
    pub(super) fn fits(&self, seen: &RequestSeen) -> bool {
        self.endpoint.is_none_or(|endpoint| endpoint == seen.endpoint)
            && self.client.as_ref().is_none_or(|client| seen.client.as_ref() == Some(client))
            && self.grant.as_ref().is_none_or(|grant| seen.grant.as_ref() == Some(grant))
    }
}

impl Turn {
    /// Whether it is the turn of the request with this number.
    pub(super) fn is_due(self, number: u64) -> bool {
        match self {
            Self::Nth(nth) => number == u64::from(nth.get()),
            Self::Every(every) => number.is_multiple_of(u64::from(every.get())),
        }
    }

    /// Whether it can come again after the request with this number.
    pub(super) fn is_over(self, number: u64) -> bool {
        matches!(self, Self::Nth(nth) if number >= u64::from(nth.get()))
    }
}
