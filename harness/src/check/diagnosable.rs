//! A failed attempt says what kind of failure it is.

use super::{Check, Finding, Judgement, Policy};
use crate::journal::{Event, Run};

pub(super) struct Diagnosable;

impl Check for Diagnosable {
    fn id(&self) -> &'static str {
        "diagnosable"
    }

    fn doc(&self) -> &'static str {
        "the failure of an attempt has a type, so that retry policies and people can tell causes apart"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-11"
    }

    fn judge(&self, run: &Run<'_>, _: &Policy) -> Judgement {
        let mut failures = 0;
        let mut findings = Vec::new();
        for record in run.records() {
            let Event::ActivityFailed { attempt, failure } = &record.event else { continue };
            failures += 1;
            if failure.failure_type.is_empty() {
                findings.push(Finding {
                    what: format!("attempt {} of {} failed without a type", attempt.attempt, attempt.activity_type),
                    expected: "an application failure with a type of its own".into(),
                    events: vec![record.seq],
                });
            }
        }
        match (failures, findings.is_empty()) {
            (0, _) => Judgement::NotApplicable("no attempt failed".into()),
            (_, true) => Judgement::Pass,
            (_, false) => Judgement::Fail(findings),
        }
    }
}
