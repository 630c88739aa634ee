//! A refused token is not sent again by an attempt that began after the refusal was known.
//!
//! An instance has processed the refusal of a token when the refused attempt's failure report arrives, or its next
//! token request after the refusal was delivered. Attempts that were delivered before that are in flight: they may
//! hold the old token. A refusal whose reply was lost is none: the worker never saw it.

use std::collections::{BTreeMap, BTreeSet};

use super::grants::is_grant;
use super::judgement::Tally;
use super::{Check, Context, Judgement, Opinion};
use crate::journal::{ApiRequest, Attempt, Candidates, Delivered, Event, Instance, Live, Run, Seq, TokenName};

pub(super) struct NoRefusedReuse;

/// A refusal that its worker has seen, and perhaps processed.
struct Refusal {
    at: Seq,
    /// When the reply was handed over; its own number where the journal does not say.
    delivered: Seq,
    attempts: BTreeSet<(String, u32)>,
    processed: Option<Seq>,
}

/// The refusals that one instance has met.
#[derive(Default)]
struct Met {
    refusals: BTreeMap<TokenName, Refusal>,
    unprocessed: Vec<TokenName>,
}

impl Met {
    fn process(&mut self, at: Seq, mut is_known: impl FnMut(&mut Refusal) -> bool) {
        let refusals = &mut self.refusals;
        self.unprocessed.retain(|token| {
            let Some(refusal) = refusals.get_mut(token) else { return false };
            let known = is_known(refusal);
            if known {
                refusal.processed = Some(at);
            }
            !known
        });
    }
}

fn key(attempt: &Attempt) -> (String, u32) {
    (format!("{}/{}", attempt.workflow, attempt.activity), attempt.attempt)
}

impl Check for NoRefusedReuse {
    fn id(&self) -> &'static str {
        "no-refused-reuse"
    }

    fn doc(&self) -> &'static str {
        "a worker that knows that a token was refused does not send it again"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-20"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["a token that the API refuses"]
    }

    fn judge(&self, run: &Run<'_>, _: &Context) -> Opinion {
        let mut live = Live::default();
        let mut met: BTreeMap<&Instance, Met> = BTreeMap::new();
        let mut tally = Tally::default();
        for record in run.records() {
            match &record.event {
                Event::ApiRequest(request) => {
                    let Some(token) = &request.token else { continue };
                    let refusal = met.get(&request.instance).and_then(|met| met.refusals.get(token));
                    let Some((refused, processed)) = refusal.and_then(|r| Some((r.at, r.processed?))) else { continue };
                    let Candidates { attempts, how } = live.candidates(&request.instance, request.workflow.as_ref());
                    tally.used(how);
                    let later = attempts.iter().filter(|attempt| attempt.at > processed).count();
                    if later > 0 && later == attempts.len() {
                        let events = vec![refused, processed, record.seq];
                        tally.find(
                            what(request, token, &attempts),
                            "another token from the token endpoint first",
                            events,
                        );
                    } else if later > 0 {
                        tally.doubt(record.seq);
                    }
                }
                Event::ApiResponse(reply) if reply.status == 401 => {
                    let Some(token) = &reply.request.token else { continue };
                    let delivery = run.delivery(reply.request.call);
                    if delivery.is_some_and(|delivery| !delivery.whole) {
                        continue;
                    }
                    let met = met.entry(&reply.request.instance).or_default();
                    if !met.refusals.contains_key(token) {
                        let candidates = live.candidates(&reply.request.instance, reply.request.workflow.as_ref());
                        let refusal = Refusal {
                            at: record.seq,
                            delivered: delivery.map_or(record.seq, |delivery| delivery.at),
                            attempts: candidates.attempts.iter().map(|delivered| key(&delivered.attempt)).collect(),
                            processed: None,
                        };
                        met.refusals.insert(token.clone(), refusal);
                        met.unprocessed.push(token.clone());
                    }
                }
                Event::ActivityFailed { attempt, .. } => {
                    if let Some(met) = met.get_mut(&attempt.instance) {
                        // Of several that it could be, the last to report is certain to have been the one.
                        let key = key(attempt);
                        met.process(record.seq, |refusal| refusal.attempts.remove(&key) && refusal.attempts.is_empty());
                    }
                }
                Event::IdpRequest(request) if is_grant(request) => {
                    if let Some(met) = met.get_mut(&request.instance) {
                        met.process(record.seq, |refusal| refusal.delivered < record.seq);
                    }
                }
                _ => {}
            }
            live.follow(record);
        }
        if met.is_empty() {
            return Opinion::not_applicable("no token was refused");
        }
        tally.opinion(Judgement::Pass)
    }
}

fn what(request: &ApiRequest, token: &TokenName, by: &[Delivered]) -> String {
    let by = by.first().map_or_else(String::new, |delivered| {
        format!("attempt {} of {} ", delivered.attempt.attempt, delivered.attempt.activity_type)
    });
    format!("{by}sent token {token} again to {}, after {} had dealt with its refusal", request.target, request.instance)
}
