//! Every workflow ends as the scenario expects.

use super::{Check, Finding, Judgement, Outcome, Policy};
use crate::journal::{Event, Run, WorkflowStatus};

pub(super) struct Recovers;

impl Check for Recovers {
    fn id(&self) -> &'static str {
        "recovers"
    }

    fn doc(&self) -> &'static str {
        "every workflow ends as the scenario expects, once its faults are over"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-08"
    }

    fn judge(&self, run: &Run<'_>, policy: &Policy) -> Judgement {
        let expected = match policy.outcome {
            Outcome::Completed => WorkflowStatus::Completed,
            Outcome::Failed => WorkflowStatus::Failed,
            Outcome::Running => WorkflowStatus::Running,
        };
        let (mut started, mut closed, mut findings) = (0, 0, Vec::new());
        for record in run.records() {
            match &record.event {
                Event::WorkflowStarted { .. } => started += 1,
                Event::WorkflowClosed { workflow, status } => {
                    closed += 1;
                    if *status != expected {
                        findings.push(Finding {
                            what: format!("workflow {workflow} ended as {status:?}").to_lowercase(),
                            expected: format!("{expected:?}").to_lowercase(),
                            events: vec![record.seq],
                        });
                    }
                }
                _ => {}
            }
        }
        match (started, findings.is_empty()) {
            (0, _) => Judgement::NotApplicable("no workflow was started".into()),
            (_, false) => Judgement::Fail(findings),
            (started, true) if closed < started => {
                Judgement::Inconclusive(format!("{} of {started} workflows were not followed", started - closed))
            }
            (_, true) => Judgement::Pass,
        }
    }
}
