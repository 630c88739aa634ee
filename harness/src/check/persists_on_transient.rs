//! What passes by itself ends no workflow: an expired token, an outage, a rate limit, a lost reply.
//!
//! A workflow may fail only for a cause that lasts: its worker was told by the token endpoint that access is gone, or the
//! API refused its request for what it asks and not for the moment (RFC 9110 §15.5).

use std::collections::{BTreeMap, BTreeSet};

use super::grants::is_permanent;
use super::judgement::Tally;
use super::{Check, Context, Judgement, Opinion};
use crate::journal::{ApiResponse, Event, Instance, Live, Run, Seq, WorkflowId, WorkflowStatus};
use crate::scenario::Outcome;

pub(super) struct PersistsOnTransient;

/// Why a workflow may have failed.
#[derive(Default)]
struct Causes {
    lasting: bool,
    perhaps_lasting: bool,
    last_failure: Option<Seq>,
}

impl Check for PersistsOnTransient {
    fn id(&self) -> &'static str {
        "persists-on-transient"
    }

    fn doc(&self) -> &'static str {
        "no workflow fails for a cause that passes by itself: expiry, outage, rate limit, lost reply"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-06"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["a fault, and an expected outcome other than `failed`"]
    }

    fn judge(&self, run: &Run<'_>, context: &Context) -> Opinion {
        if context.resolved.expect.outcome == Outcome::Failed {
            return Opinion::not_applicable("the scenario expects that its workflows fail");
        }
        let mut live = Live::default();
        let mut told: BTreeSet<&Instance> = BTreeSet::new();
        let mut causes: BTreeMap<WorkflowId, Causes> = BTreeMap::new();
        let (mut tally, mut trouble, mut followed) = (Tally::default(), false, 0);
        for record in run.records() {
            match &record.event {
                Event::FaultFired { .. } => trouble = true,
                Event::IdpResponse(reply) if is_permanent(reply) => {
                    told.insert(&reply.request.instance);
                }
                Event::IdpResponse(reply) if reply.request.endpoint == "token" => {
                    trouble |= reply.status >= 400;
                    if !reply.issued.is_empty() {
                        told.remove(&reply.request.instance);
                    }
                }
                Event::ApiResponse(reply) => {
                    trouble |= reply.status >= 400;
                    if lasts(reply) {
                        let request = &reply.request;
                        let candidates = live.candidates(&request.instance, request.workflow.as_ref());
                        tally.used(candidates.how);
                        let certain = candidates.workflow().is_some();
                        for delivered in candidates.attempts {
                            let causes = causes.entry(delivered.attempt.workflow).or_default();
                            causes.lasting |= certain;
                            causes.perhaps_lasting = true;
                        }
                    }
                }
                Event::ActivityFailed { attempt, .. } => {
                    let causes = causes.entry(attempt.workflow.clone()).or_default();
                    causes.lasting |= told.contains(&attempt.instance);
                    causes.last_failure = Some(record.seq);
                }
                Event::WorkflowClosed { workflow, status } => {
                    followed += 1;
                    let of_itself = matches!(status, WorkflowStatus::Failed | WorkflowStatus::TimedOut);
                    let causes = causes.remove(workflow).unwrap_or_default();
                    if trouble && of_itself && !causes.lasting {
                        if causes.perhaps_lasting {
                            tally.doubt(record.seq);
                        } else {
                            tally.find(
                                format!("workflow {workflow} failed, though nothing that it met was for good"),
                                "it goes on trying until the trouble is over",
                                causes.last_failure.into_iter().chain([record.seq]).collect(),
                            );
                        }
                    }
                }
                _ => {}
            }
            live.follow(record);
        }
        let otherwise: Opinion = if !trouble {
            Opinion::not_applicable("nothing went wrong")
        } else if followed == 0 {
            Opinion::not_applicable("no workflow was followed to its end")
        } else {
            Judgement::Pass.into()
        };
        tally.opinion(otherwise)
    }
}

/// Whether the same request would be refused tomorrow as well. 401 means another token; 408, 425 and 429 another time;
/// a 403 may be either (FM-40) and counts as lasting.
fn lasts(reply: &ApiResponse) -> bool {
    (400..500).contains(&reply.status) && !matches!(reply.status, 401 | 408 | 425 | 429)
}
