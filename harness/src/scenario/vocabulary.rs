//! The words that scenario files may use: kinds of events with their filters, their values, checks.

use super::action::LinkEnd;
use super::idp_action::Endpoint;
use crate::journal::{KIND_DOCS, KindDoc, Moment, kind_doc};

/// A check's id and what it says.
#[derive(Debug, Clone, Copy)]
pub struct CheckWord {
    /// The id.
    pub id: &'static str,
    /// What holds if it passes.
    pub doc: &'static str,
}

const fn check(id: &'static str, doc: &'static str) -> CheckWord {
    CheckWord { id, doc }
}

/// All checks.
pub static CHECKS: &[CheckWord] = &[
    check("recovers", "the expected outcome is reached within the bound after healing"),
    check("no-refused-reuse", "a token that was refused is not sent again"),
    check("refreshes-on-retry", "no token is asked for while the newest one is live and unrefused"),
    check("stops-on-permanent", "access that is gone for good is not asked for again and again"),
    check("persists-on-transient", "no transient fault ends a workflow"),
    check("no-secret-leaks", "no secret reaches history, logs or command lines"),
    check("right-identity", "nobody acts as somebody else"),
    check("single-redemption", "a rotated refresh token is redeemed once"),
    check("effect-once", "an effect happens exactly once"),
    check("nothing-skipped", "what the control asked for is asked for and answered"),
    check("honours-retry-after", "nobody comes back before the time that `Retry-After` says"),
    check("bounded-load", "the identity provider is asked no more often than there is reason to"),
    check("diagnosable", "a failure's type names its cause"),
    check("truthful-health", "a worker that lives polls, and one that cannot work does not pretend"),
];

/// The ids of all checks.
pub fn check_ids() -> impl Iterator<Item = &'static str> + Clone {
    CHECKS.iter().map(|check| check.id)
}

/// Kinds of events that a fault can wait for.
pub fn triggers() -> impl Iterator<Item = &'static str> + Clone {
    KIND_DOCS.iter().filter(|kind| can_trigger(kind)).map(|kind| kind.name)
}

/// Whether a fault can wait for events of this kind: not for what comes afterwards, nor for what faults say themselves
/// (for that there is `after`), nor for what the machine brings about.
pub(super) fn can_trigger(kind: &KindDoc) -> bool {
    let can_not = kind.name.starts_with("fault.") || ["run.ended", "lab.late"].contains(&kind.name);
    kind.moment != Moment::Afterwards && !can_not
}

/// Filters by what a target's route is, which resolving turns into the routes' names. The journal's own field `effect`
/// of `api.response` says that one was committed.
pub(super) const ROUTE_TRAITS: [&str; 2] = ["effect", "paging"];

/// What `where:` may name for a kind of event.
pub fn filters(kind: &KindDoc) -> Vec<&'static str> {
    let mut filters = kind.filters.to_vec();
    if kind.filters.contains(&"route") {
        filters.extend(ROUTE_TRAITS.iter().filter(|name| !kind.filters.contains(name)));
    }
    filters
}

/// What `where:` may name for the kind of this name; `None` if there is no such kind.
pub fn filters_of(event: &str) -> Option<Vec<&'static str>> {
    kind_doc(event).map(filters)
}

/// The values that a filter can have, where they are a closed list.
pub fn values_of(event: &str, filter: &str) -> Option<&'static [&'static str]> {
    Some(match (event, filter) {
        (_, "endpoint") => &Endpoint::NAMES,
        (_, "clock") => &["idp", "api", "worker"],
        (_, "change") => &["issued", "expired", "revoked", "rotated"],
        (_, "token_kind") => &["access", "refresh"],
        (_, "on") => &LinkEnd::NAMES,
        (_, "stream") => &["stdout", "stderr"],
        ("temporal.server", "state") => &["paused", "resumed", "gone", "back", "lost"],
        (_, "operation") => &[
            "activity.pause",
            "activity.unpause",
            "activity.reset",
            "workflow.cancel",
            "workflow.terminate",
            "workflow.reset",
            "workflow.signal",
        ],
        ("workflow.closed", "status") => &["completed", "failed", "cancelled", "terminated", "timed_out", "running"],
        _ => return None,
    })
}
