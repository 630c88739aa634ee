//! What a control, a run of the same configuration without faults, leaves for the checks of the runs with faults, and how
//! they take it for their measure.

use std::collections::BTreeSet;

use super::effect_once::Effects;
use super::{Context, Opinion, nothing_skipped};
use crate::journal::{AnswerCount, ControlFacts, EffectCount, Event, Identity, Run, Seq, WorkflowId, WorkflowStatus};

/// The control by which a run is measured, or what a check says without one that completed: of `unknown`, nothing is known.
pub(super) fn measure<'a>(context: &'a Context, unknown: &str) -> Result<&'a ControlFacts, Opinion> {
    match &context.control {
        Some(control) if control.completed => Ok(control),
        Some(_) => Err(Opinion::inconclusive(format!("the control did not complete, so it is not known {unknown}"))),
        None if context.resolved.faults.is_empty() => Err(Opinion::not_applicable("it is the control itself")),
        None => Err(Opinion::inconclusive(format!("the control was not run, so it is not known {unknown}"))),
    }
}

/// Method and path of a request as the same request of another run has them: ids of workflows differ from run to run.
pub(super) fn in_any_run(target: &str, workflow: Option<&WorkflowId>) -> String {
    workflow.map_or_else(|| target.to_owned(), |workflow| target.replace(workflow.as_str(), "{workflow}"))
}

impl ControlFacts {
    /// What `run`, a finished control, did.
    pub fn of(run: &Run<'_>) -> Self {
        let (mut completed, mut identities) = (BTreeSet::new(), BTreeSet::new());
        let (mut began_us, mut ended_us) = (None, None);
        for record in run.records() {
            match &record.event {
                Event::WorkloadStarted { .. } => began_us = Some(record.at_us),
                Event::WorkloadFinished => ended_us = Some(record.at_us),
                Event::WorkflowClosed { workflow, status: WorkflowStatus::Completed } => {
                    completed.insert(workflow);
                }
                Event::ApiRequest(request) => {
                    if let Some(life) = request.token.as_ref().and_then(|token| run.tokens().get(token)) {
                        let (client, sub) = (life.issued.client.clone(), life.issued.sub.clone());
                        identities.insert(Identity { client, sub });
                    }
                }
                _ => {}
            }
        }
        let effects = Effects::of(run).by_place.into_iter().map(|((n, target), events)| EffectCount {
            n,
            target,
            count: counted(&events),
        });
        Self {
            completed: !run.workflows().is_empty()
                && run.workflows().keys().all(|workflow| completed.contains(workflow)),
            effects: effects.collect(),
            answered: nothing_skipped::answered(run)
                .into_iter()
                .map(|(target, events)| AnswerCount { target, count: counted(&events) })
                .collect(),
            identities: identities.into_iter().collect(),
            took_ms: began_us.zip(ended_us).map_or(0, |(began, ended)| ended.saturating_sub(began) / 1000),
        }
    }
}

fn counted(events: &[Seq]) -> u32 {
    u32::try_from(events.len()).unwrap_or(u32::MAX)
}
