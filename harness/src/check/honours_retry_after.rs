//! Nobody comes back before the time that `Retry-After` says (RFC 9110 §10.2.3).
//!
//! What was asked to wait is the activity whose attempt got the reply, at the place that gave it: an endpoint of the
//! identity provider, or a route of the API. Others on the same instance were not told. A request that no attempt made
//! (a refresh in the background) stands for its instance. The time runs from the moment the reply was decided, before
//! it left; how the worker waits (in the activity, or by the next attempt's delay) makes no difference.

use std::collections::BTreeMap;

use super::judgement::Tally;
use super::{Check, Context, Judgement, Opinion};
use crate::journal::{Activity, Attribution, Call, Candidates, Event, Instance, Live, Run, Seq, WorkflowId};

/// Temporal's timers fire up to 10 ms early in the lab's set-up, and clocks are read in whole milliseconds.
const TOLERANCE_US: u64 = 50_000;

pub(super) struct HonoursRetryAfter;

/// Who was asked to wait.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Activity(Activity),
    Instance(Instance),
}

struct Wait {
    reply: Seq,
    /// When the reply was handed over: requests before that were in flight.
    told: Seq,
    until_us: u64,
    /// Whether it is certain that it was asked.
    certain: bool,
}

impl Check for HonoursRetryAfter {
    fn id(&self) -> &'static str {
        "honours-retry-after"
    }

    fn doc(&self) -> &'static str {
        "an activity that was asked to wait by Retry-After does not call the same endpoint again before that time"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-09"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["a reply with Retry-After"]
    }

    fn judge(&self, run: &Run<'_>, _: &Context) -> Opinion {
        let mut live = Live::default();
        let mut waits: BTreeMap<(Asked, String), Vec<Wait>> = BTreeMap::new();
        // Who sent a request is known when it arrives, not when it is answered.
        let mut senders: BTreeMap<Call, (Vec<Asked>, Attribution)> = BTreeMap::new();
        let (mut tally, mut longest_ms) = (Tally::default(), None);
        for record in run.records() {
            let arrived = match &record.event {
                Event::IdpRequest(request) => {
                    Some((request.call, &request.instance, None, format!("the {} endpoint", request.endpoint)))
                }
                Event::ApiRequest(request) => {
                    let place = request.route.clone().unwrap_or_else(|| request.target.clone());
                    Some((request.call, &request.instance, request.workflow.as_ref(), place))
                }
                _ => None,
            };
            if let Some((call, instance, workflow, place)) = arrived {
                let (by, how) = senders_of(&live, instance, workflow);
                let early: Vec<_> = by
                    .iter()
                    .filter_map(|asked| {
                        let waits = waits.get(&(asked.clone(), place.clone()))?;
                        waits.iter().rev().find(|wait| {
                            wait.told < record.seq && record.at_us.saturating_add(TOLERANCE_US) < wait.until_us
                        })
                    })
                    .collect();
                if let Some(wait) = early.first() {
                    tally.used(how);
                    if early.len() == by.len() && early.iter().all(|wait| wait.certain) {
                        let left = (wait.until_us - record.at_us) as f64 / 1e6;
                        tally.find(
                            format!("{instance} called {place} {left:.2} s too early"),
                            "no further request before the time that Retry-After says",
                            vec![wait.reply, record.seq],
                        );
                    } else {
                        tally.doubt(record.seq);
                    }
                }
                senders.insert(call, (by, how));
            }
            let asked_to_wait = match &record.event {
                Event::IdpResponse(reply) => reply
                    .retry_after_ms
                    .map(|ms| (reply.request.call, ms, format!("the {} endpoint", reply.request.endpoint))),
                Event::ApiResponse(reply) => reply.retry_after_ms.map(|ms| {
                    let place = reply.request.route.clone().unwrap_or_else(|| reply.request.target.clone());
                    (reply.request.call, ms, place)
                }),
                _ => None,
            };
            if let Some((call, ms, place)) = asked_to_wait {
                let delivery = run.delivery(call);
                if delivery.is_none_or(|delivery| delivery.whole) {
                    longest_ms = longest_ms.max(Some(ms));
                    let (by, how) = senders.remove(&call).unwrap_or_default();
                    tally.used(how);
                    for asked in &by {
                        waits.entry((asked.clone(), place.clone())).or_default().push(Wait {
                            reply: record.seq,
                            told: delivery.map_or(record.seq, |delivery| delivery.at),
                            until_us: record.at_us.saturating_add(ms.saturating_mul(1000)),
                            certain: by.len() == 1,
                        });
                    }
                }
            }
            live.follow(record);
        }
        let Some(longest_ms) = longest_ms else {
            return Opinion::not_applicable("no reply asked to wait (`Retry-After`)");
        };
        tally
            .opinion(Judgement::Pass)
            .detail(format!("the longest Retry-After was {:.2} s", longest_ms as f64 / 1000.0))
    }
}

fn senders_of(live: &Live, instance: &Instance, workflow: Option<&WorkflowId>) -> (Vec<Asked>, Attribution) {
    let Candidates { attempts, how } = live.candidates(instance, workflow);
    if attempts.is_empty() {
        return (vec![Asked::Instance(instance.clone())], how);
    }
    let mut by: Vec<_> = attempts.iter().map(|delivered| Asked::Activity(Activity::of(&delivered.attempt))).collect();
    by.sort();
    by.dedup();
    (by, how)
}
