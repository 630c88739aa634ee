//! A refused token is not sent again by an attempt that began after the refusal was known.
//!
//! An instance has processed the refusal of a token when the refused attempt's failure report arrives, or its next
//! token request. Attempts that were delivered before that are in flight: they may hold the old token.

use std::collections::{BTreeMap, BTreeSet};

use super::attribution::{Delivered, Live};
use super::{Check, Finding, Judgement, Policy};
use crate::journal::{ApiRequest, Attempt, Event, Instance, Run, Seq, TokenName};

pub(super) struct NoRefusedReuse;

/// A refusal that its worker has seen, and perhaps processed.
struct Refusal {
    at: Seq,
    attempts: BTreeSet<String>,
    processed: Option<Seq>,
}

fn key(attempt: &Attempt) -> String {
    format!("{}/{}/{}", attempt.workflow, attempt.activity, attempt.attempt)
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

    fn judge(&self, run: &Run<'_>, _: &Policy) -> Judgement {
        let mut live = Live::default();
        let mut refusals: BTreeMap<(Instance, TokenName), Refusal> = BTreeMap::new();
        let (mut findings, mut doubtful) = (Vec::new(), Vec::new());
        for record in run.records() {
            match &record.event {
                Event::ApiRequest(request) => {
                    let Some(token) = &request.token else { continue };
                    let refusal = refusals.get(&(request.instance.clone(), token.clone()));
                    let Some((refused, processed)) = refusal.and_then(|r| Some((r.at, r.processed?))) else { continue };
                    let candidates = live.candidates(&request.instance, request.workflow.as_ref());
                    let later = candidates.iter().filter(|attempt| attempt.at > processed).count();
                    if later > 0 && later == candidates.len() {
                        findings.push(finding(request, token, &candidates, [refused, processed, record.seq]));
                    } else if later > 0 {
                        doubtful.push(record.seq);
                    }
                }
                Event::ApiResponse(reply) if reply.status == 401 => {
                    if let Some(token) = &reply.request.token {
                        let attempts = live.candidates(&reply.request.instance, reply.request.workflow.as_ref());
                        refusals.entry((reply.request.instance.clone(), token.clone())).or_insert_with(|| Refusal {
                            at: record.seq,
                            attempts: attempts.iter().map(|delivered| key(&delivered.attempt)).collect(),
                            processed: None,
                        });
                    }
                }
                Event::ActivityFailed { attempt, .. } => {
                    for ((instance, _), refusal) in &mut refusals {
                        // Of several that it could be, the last to report is certain to have been the one.
                        let was_its = *instance == attempt.instance && refusal.attempts.remove(&key(attempt));
                        if was_its && refusal.attempts.is_empty() {
                            refusal.processed.get_or_insert(record.seq);
                        }
                    }
                }
                Event::IdpRequest(request) if request.endpoint == "token" => {
                    for ((instance, _), refusal) in &mut refusals {
                        if *instance == request.instance {
                            refusal.processed.get_or_insert(record.seq);
                        }
                    }
                }
                _ => {}
            }
            live.follow(record);
        }
        if !findings.is_empty() {
            Judgement::Fail(findings)
        } else if !doubtful.is_empty() {
            Judgement::Inconclusive(format!("it cannot be told which attempt sent {doubtful:?}; use `api.correlate`"))
        } else if refusals.is_empty() {
            Judgement::NotApplicable("no token was refused".into())
        } else {
            Judgement::Pass
        }
    }
}

fn finding(request: &ApiRequest, token: &TokenName, by: &[Delivered], events: [Seq; 3]) -> Finding {
    let by = by.first().map_or_else(String::new, |delivered| {
        format!("attempt {} of {} ", delivered.attempt.attempt, delivered.attempt.activity_type)
    });
    Finding {
        what: format!(
            "{by}sent token {token} again to {}, after {} had dealt with its refusal",
            request.target, request.instance
        ),
        expected: "another token from the token endpoint first".into(),
        events: events.into(),
    }
}
