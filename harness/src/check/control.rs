//! What a control, a run of the same configuration without faults, leaves for the checks of the runs with faults.

use std::collections::BTreeSet;

use super::effect_once::Effects;
use super::nothing_skipped;
use crate::journal::{AnswerCount, ControlFacts, EffectCount, Event, Identity, Run, Seq, WorkflowStatus};

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
