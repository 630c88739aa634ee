//! A failed attempt says what kind of failure it is: by a type that the target declares for the cause
//! (`policy.error_types`), or where it declares none, by any type that is not generic.
//!
//! The cause is what the attempt met last: a refusal or failure of the API, or of the token endpoint while it was under
//! way on the same instance. Where several attempts were, a token request may have been any one's, and all may have
//! waited for it.

use std::collections::BTreeMap;

use super::grants::{is_grant, is_permanent};
use super::judgement::Tally;
use super::{Check, Context, Judgement, Opinion};
use crate::journal::{ApiResponse, Attempt, Attribution, Event, IdpResponse, Live, Run, Seq};
use crate::scenario::{At, ErrorTypes, LinkEnd};

/// Types that SDKs give to whatever they know no better name for.
const GENERIC: &[&str] = &[
    "",
    "ApplicationError",
    "ApplicationFailure",
    "Error",
    "Exception",
    "RuntimeError",
    "RuntimeException",
    "errorString",
    "fundamental",
    "java.lang.Exception",
    "java.lang.RuntimeException",
    "wrapError",
];

pub(super) struct Diagnosable;

/// What an attempt met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// 401 of the API.
    Expired,
    /// 401 of the API for a token that was revoked, which the reply does not tell from one that expired.
    ExpiredOrRevoked,
    /// The token endpoint says that access is gone.
    Revoked,
    /// 403 `insufficient_scope`, or `invalid_scope` of the token endpoint.
    Scope,
    /// 429.
    Rate,
    /// 503 with `Retry-After`.
    RateOrUnavailable,
    /// 5xx, a lost reply, a broken link, an answer that nobody can read.
    Unavailable,
    /// Anything else.
    Other,
}

impl Cause {
    fn of_api(reply: &ApiResponse, lost: bool) -> Option<Self> {
        Some(match (reply.status, reply.error.as_deref()) {
            _ if lost => Self::Unavailable,
            (..=399, _) => return None,
            (401, _) if reply.request.refused.as_deref() == Some("revoked") => Self::ExpiredOrRevoked,
            (401, _) => Self::Expired,
            (403, Some("insufficient_scope")) => Self::Scope,
            (429, _) => Self::Rate,
            (503, _) if reply.retry_after_ms.is_some() => Self::RateOrUnavailable,
            (500.., _) => Self::Unavailable,
            _ => Self::Other,
        })
    }

    fn of_idp(reply: &IdpResponse, lost: bool) -> Option<Self> {
        Some(match (reply.status, reply.error.as_deref()) {
            _ if lost => Self::Unavailable,
            // A success that a fault has changed, or that holds no token, cannot be used.
            (..=299, _) if reply.fault.is_none() && !reply.issued.is_empty() => return None,
            _ if is_permanent(reply) => Self::Revoked,
            (_, Some("invalid_scope")) => Self::Scope,
            (429, _) => Self::Rate,
            (503, _) if reply.retry_after_ms.is_some() => Self::RateOrUnavailable,
            (..=399 | 500.., _) | (_, Some("temporarily_unavailable" | "server_error")) => Self::Unavailable,
            _ => Self::Other,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::ExpiredOrRevoked => "expired or revoked",
            Self::Revoked => "revoked",
            Self::Scope => "scope",
            Self::Rate => "rate",
            Self::RateOrUnavailable => "rate or unavailable",
            Self::Unavailable => "unavailable",
            Self::Other => "other",
        }
    }

    fn declared(self, types: &ErrorTypes) -> Vec<&str> {
        let lists: &[&[At<String>]] = match self {
            Self::Expired => &[&types.expired],
            Self::ExpiredOrRevoked => &[&types.expired, &types.revoked],
            Self::Revoked => &[&types.revoked],
            Self::Scope => &[&types.scope],
            Self::Rate => &[&types.rate],
            Self::RateOrUnavailable => &[&types.rate, &types.unavailable],
            Self::Unavailable => &[&types.unavailable],
            Self::Other => &[],
        };
        lists.iter().flat_map(|list| list.iter()).map(|name| name.value.as_str()).collect()
    }

    fn allows(self, types: &ErrorTypes, failure_type: &str) -> bool {
        let declared = self.declared(types);
        if declared.is_empty() { !is_generic(failure_type) } else { declared.contains(&failure_type) }
    }

    fn expected(self, types: &ErrorTypes) -> String {
        match self.declared(types).as_slice() {
            [] => "a type of its own".to_owned(),
            declared => format!("{} (`policy.error_types`: {})", declared.join(" or "), self.name()),
        }
    }
}

fn is_link_to_call(context: &Context, id: &str) -> bool {
    let fault = context.resolved.faults.iter().find(|fault| fault.id == id);
    fault.and_then(|fault| fault.action.link()).is_some_and(|end| end != LinkEnd::Temporal)
}

fn is_generic(failure_type: &str) -> bool {
    let name = failure_type.rsplit(['*', '&']).next().unwrap_or_default();
    GENERIC.contains(&name) || name.starts_with("errors.") || name.starts_with("fmt.")
}

/// What an attempt that is under way has met.
#[derive(Default)]
struct Met {
    /// Certainly, and last.
    own: Option<(Seq, Cause)>,
    /// Perhaps: each cause once, with its newest event.
    perhaps: BTreeMap<Cause, Seq>,
}

impl Check for Diagnosable {
    fn id(&self) -> &'static str {
        "diagnosable"
    }

    fn doc(&self) -> &'static str {
        "the failure of an attempt has the type that the target declares for its cause, or at least one of its own"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-11"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["an attempt that failed", "for causes: `policy.error_types`"]
    }

    fn hangs_on_time(&self) -> bool {
        true
    }

    fn judge(&self, run: &Run<'_>, context: &Context) -> Opinion {
        let types = &context.resolved.policy.error_types;
        let mut live = Live::default();
        let mut met: BTreeMap<String, Met> = BTreeMap::new();
        let mut broken_links: BTreeMap<&str, Seq> = BTreeMap::new();
        let (mut tally, mut failures) = (Tally::default(), 0);
        for record in run.records() {
            match &record.event {
                // What an attempt calls, not what it is reported to.
                Event::FaultFired { fault, .. } if is_link_to_call(context, fault) => {
                    broken_links.insert(fault, record.seq);
                }
                Event::FaultHealed { fault } => {
                    broken_links.remove(fault.as_str());
                }
                Event::ApiResponse(reply) => {
                    let lost = run.delivery(reply.request.call).is_some_and(|delivery| !delivery.whole);
                    let cause = Cause::of_api(reply, lost);
                    let candidates = live.candidates(&reply.request.instance, reply.request.workflow.as_ref());
                    let certain = candidates.certain().is_some();
                    for delivered in &candidates.attempts {
                        let met = met.entry(key(&delivered.attempt)).or_default();
                        match (cause, certain) {
                            (Some(cause), true) => met.own = Some((record.seq, cause)),
                            // What went well is no reason to fail; what came before it was overcome.
                            (None, true) => met.own = None,
                            (Some(cause), false) => drop(met.perhaps.insert(cause, record.seq)),
                            (None, false) => {}
                        }
                    }
                }
                Event::IdpResponse(reply) if is_grant(&reply.request) => {
                    let lost = run.delivery(reply.request.call).is_some_and(|delivery| !delivery.whole);
                    if let Some(cause) = Cause::of_idp(reply, lost) {
                        let here = live.on(&reply.request.instance);
                        for delivered in here {
                            let met = met.entry(key(&delivered.attempt)).or_default();
                            if here.len() == 1 {
                                met.own = Some((record.seq, cause));
                            } else {
                                met.perhaps.insert(cause, record.seq);
                            }
                        }
                    }
                }
                Event::ActivityFailed { attempt, failure } => {
                    failures += 1;
                    let mut met = met.remove(&key(attempt)).unwrap_or_default();
                    if met.own.is_none()
                        && let Some(broken) = broken_links.values().max()
                    {
                        // Nobody in the lab sees a connection that is refused.
                        met.perhaps.insert(Cause::Unavailable, *broken);
                    }
                    judge_failure(&mut tally, types, attempt, &failure.failure_type, &met, record.seq);
                }
                _ => {}
            }
            live.follow(record);
        }
        let otherwise: Opinion = match failures {
            0 => Opinion::not_applicable("no attempt failed"),
            _ => Judgement::Pass.into(),
        };
        tally.opinion(otherwise).detail(format!("{failures} attempts failed"))
    }
}

fn judge_failure(tally: &mut Tally, types: &ErrorTypes, attempt: &Attempt, named: &str, met: &Met, at: Seq) {
    let who = format!("attempt {} of {}", attempt.attempt, attempt.activity_type);
    let shown = if named.is_empty() { "without a type".to_owned() } else { format!("as {named}") };
    if is_generic(named) {
        let expected = met.own.map_or_else(|| "a type of its own".to_owned(), |(_, cause)| cause.expected(types));
        tally.find(format!("{who} failed {shown}"), expected, vec![at]);
        return;
    }
    if let Some((_, cause)) = met.own {
        tally.used(Attribution::Attempt);
        if cause.allows(types, named) {
            return;
        }
    }
    let possible: Vec<(Cause, Seq)> =
        met.own.iter().map(|(seq, cause)| (*cause, *seq)).chain(met.perhaps.iter().map(|(c, s)| (*c, *s))).collect();
    if possible.is_empty() {
        return;
    }
    if !met.perhaps.is_empty() {
        tally.used(Attribution::Set);
    }
    let allowed = possible.iter().filter(|(cause, _)| cause.allows(types, named)).count();
    if allowed == 0 {
        let (cause, _) = possible[0];
        let events = possible.iter().map(|(_, seq)| *seq).chain([at]).collect();
        tally.find(format!("{who} failed {shown}, but met: {}", cause.name()), cause.expected(types), events);
    } else if allowed < possible.len() {
        tally.doubt(at);
    }
}

fn key(attempt: &Attempt) -> String {
    format!("{}/{}/{}/{}", attempt.instance, attempt.workflow, attempt.activity, attempt.attempt)
}
