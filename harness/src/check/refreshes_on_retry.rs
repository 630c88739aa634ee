//! A token is replaced when it was refused or is over, and not before.
//!
//! Only a target whose policy is `on-retry` promises that; of others, what was replaced early is told as a note.

use std::collections::{BTreeMap, BTreeSet};

use super::grants::{Grant, Key, grants};
use super::idp_clock::IdpClock;
use super::judgement::Tally;
use super::{Check, Context, Judgement, Opinion};
use crate::journal::{Call, Event, Run, TokenName};
use crate::scenario::Refresh;

pub(super) struct RefreshesOnRetry;

impl Check for RefreshesOnRetry {
    fn id(&self) -> &'static str {
        "refreshes-on-retry"
    }

    fn doc(&self) -> &'static str {
        "no token is asked for while the newest one that the worker has for the same purpose is live and unrefused"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-37"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["policy.refresh: on-retry"]
    }

    fn judge(&self, run: &Run<'_>, context: &Context) -> Opinion {
        let grants = grants(run);
        let by_call: BTreeMap<Call, &Grant<'_>> = grants.iter().map(|grant| (grant.request.call, grant)).collect();
        let clock = IdpClock::of(run, context);
        let mut newest: BTreeMap<Key, &TokenName> = BTreeMap::new();
        let mut refused: BTreeSet<&TokenName> = BTreeSet::new();
        let mut tally = Tally::default();
        for record in run.records() {
            match &record.event {
                Event::ApiResponse(reply) if reply.status == 401 => refused.extend(&reply.request.token),
                // A worker has a token when the whole reply was handed over.
                Event::HttpDone { call, delivered: true, .. } => {
                    let Some(grant) = by_call.get(call).filter(|grant| grant.succeeded() == Some(record.seq)) else {
                        continue;
                    };
                    if let Some(token) = grant.access(run) {
                        newest.insert(Key::of(grant.request), token);
                    }
                }
                Event::IdpRequest(request) => {
                    let Some(grant) = by_call.get(&request.call).filter(|grant| grant.at() == record.seq) else {
                        continue;
                    };
                    let Some(held) = newest.get(&Key::of(grant.request)) else { continue };
                    let Some(life) = run.tokens().get(*held) else { continue };
                    if !refused.contains(*held) && !clock.is_over(life, record, 0) {
                        tally.find(
                            format!("{} asked for a token while {held} was live and unrefused", request.instance),
                            format!("{held} is used until it is refused"),
                            vec![life.born, record.seq],
                        );
                    }
                }
                _ => {}
            }
        }
        let early = tally.findings.len();
        if context.resolved.policy.refresh != Refresh::OnRetry {
            let events = tally.findings.iter().flat_map(|finding| finding.events.clone()).collect();
            let reason = match early {
                0 => "the target does not promise to refresh on retry only; nothing was refreshed early".to_owned(),
                _ => format!("the target does not promise to refresh on retry only; note: {early} refreshed early"),
            };
            return Opinion::not_applicable(reason).resting_on(events);
        }
        if grants.is_empty() {
            return Opinion::not_applicable("no token was asked for");
        }
        tally.opinion(Judgement::Pass).detail(format!("{} token requests, {early} of them early", grants.len()))
    }
}
