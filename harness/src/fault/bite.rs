//! The proof that a fault had an effect on somebody. A fault that fired but did not bite proves nothing of the worker.

use std::collections::BTreeSet;

use crate::journal::{Event, Instance, Record, TokenName};

/// What has to be seen after a fault has fired, for it to have bitten.
#[derive(Debug, Clone, PartialEq)]
pub enum Bite {
    /// A reply was changed by it: known when it happens.
    ReplyChanged,
    /// A token that lived when the fault fired is refused by the API, is presented in vain to the identity provider,
    /// or is renewed before that could happen.
    TokenDied,
    /// Somebody was refused by the API for the time on a clock.
    RefusedForTime,
    /// The identity provider turns a client away.
    ClientTurnedAway,
    /// A worker process ended.
    WorkerExited,
    /// An attempt failed while the link was broken.
    AttemptFailed,
}

/// What was the case when the fault fired.
#[derive(Debug, Clone, Default)]
pub(super) struct Before {
    /// The tokens that lived.
    pub(super) live: BTreeSet<TokenName>,
    /// The worker that the fault aimed at, if at one.
    pub(super) instance: Option<Instance>,
}

impl Bite {
    /// Whether `record`, which came after the firing, proves the bite.
    pub(super) fn is_proved_by(&self, before: &Before, record: &Record) -> bool {
        match (self, &record.event) {
            (Self::TokenDied, Event::ApiResponse(reply)) => {
                reply.status == 401 && reply.request.token.as_ref().is_some_and(|token| before.live.contains(token))
            }
            (Self::TokenDied, Event::IdpResponse(reply)) => {
                reply.request.endpoint == "token"
                    && (!reply.issued.is_empty() || reply.error.as_deref() == Some("invalid_grant"))
            }
            (Self::RefusedForTime, Event::ApiResponse(reply)) => {
                matches!(reply.request.refused.as_deref(), Some("expired" | "not_yet_valid" | "issued_in_future"))
            }
            (Self::ClientTurnedAway, Event::IdpResponse(reply)) => {
                matches!(reply.error.as_deref(), Some("invalid_client" | "unauthorized_client"))
            }
            (Self::WorkerExited, Event::WorkerExited { instance, .. }) => {
                before.instance.as_ref().is_none_or(|aimed| aimed == instance)
            }
            (Self::AttemptFailed, Event::ActivityFailed { .. }) => true,
            _ => false,
        }
    }
}
