//! What there is to run: scenario runs with the controls that they rest on, and what cannot run at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::configuration::{CONTROL, control_of, key};
use super::summary::ScenarioReport;
use super::verdict::Verdict;
use crate::journal::{ControlFacts, Journal};
use crate::scenario::{Facts, Resolved, Scenario, Target, TimeMode, Unmet, resolve};

/// A run, not yet begun.
pub(crate) struct Plan {
    /// Those that wait for real time first.
    pub(super) jobs: Vec<Job>,
    /// Reports of what cannot run.
    pub(super) unmet: Vec<ScenarioReport>,
}

/// A scenario run after its control, or, without an experiment, a control alone.
pub(super) struct Job {
    pub(super) experiment: Option<(Resolved, ScenarioReport)>,
    pub(super) control: Arc<Control>,
}

/// A configuration's control: run once, by whoever needs it first.
pub(super) struct Control {
    pub(super) resolved: Resolved,
    number: u32,
    pub(super) outcome: OnceCell<ControlOutcome>,
}

/// What a control that has run is good for.
pub(super) struct ControlOutcome {
    pub(super) facts: ControlFacts,
    /// Its journal; `None` if there was nowhere to write it.
    pub(super) recorded: Option<Journal>,
}

impl Plan {
    /// Plans each scenario so often against a target.
    pub(crate) fn of(target: &Target, scenarios: &[Scenario], facts: &Facts, repeat: u32) -> Self {
        let mut controls: BTreeMap<String, Arc<Control>> = BTreeMap::new();
        let (mut jobs, mut unmet) = (Vec::new(), Vec::new());
        for scenario in scenarios {
            let Scenario { scenario: id, family, title, .. } = scenario;
            let blank = |repeat| ScenarioReport::blank(&id.value, &family.value, &title.value, repeat);
            match resolve(target, scenario, facts) {
                Ok(resolved) => {
                    let control = control_of(&resolved);
                    let number = u32::try_from(controls.len() + 1).unwrap_or(u32::MAX);
                    let control = controls
                        .entry(key(&control))
                        .or_insert_with(|| Arc::new(Control { resolved: control, number, outcome: OnceCell::new() }));
                    for repeat in 1..=repeat.max(1) {
                        let experiment = Some((resolved.clone(), blank(repeat)));
                        jobs.push(Job { experiment, control: Arc::clone(control) });
                    }
                }
                Err(missing) => {
                    let mut report = blank(1);
                    (report.verdict, report.reason) = why_not(&missing);
                    unmet.push(report);
                }
            }
        }
        // Stable: repetitions of one scenario lie far apart, so that they meet different neighbours.
        jobs.sort_by_key(Job::turn);
        Self { jobs, unmet }
    }

    /// Names of its controls, in their order: `control`, `control.2`, ….
    pub(crate) fn controls(&self) -> Vec<String> {
        let controls: BTreeMap<u32, String> =
            self.jobs.iter().map(|job| (job.control.number, job.control.name())).collect();
        controls.into_values().collect()
    }

    /// Leaves out the scenarios and controls whose names are not wanted. A control runs all the same where a scenario
    /// rests on it.
    pub(crate) fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        let controls: BTreeMap<u32, Arc<Control>> =
            self.jobs.iter().map(|job| (job.control.number, Arc::clone(&job.control))).collect();
        self.jobs.retain(|job| job.experiment.as_ref().is_some_and(|(_, report)| wanted(&report.id)));
        self.unmet.retain(|report| wanted(&report.id));
        for control in controls.into_values() {
            if wanted(&control.name()) && !self.jobs.iter().any(|job| Arc::ptr_eq(&job.control, &control)) {
                self.jobs.push(Job { experiment: None, control });
            }
        }
    }

    /// Ids of the scenarios that cannot run.
    pub(crate) fn unmet(&self) -> impl Iterator<Item = &str> {
        self.unmet.iter().map(|report| report.id.as_str())
    }

    /// Whether nothing of it needs a lab.
    pub(crate) fn needs_no_lab(&self) -> bool {
        self.jobs.is_empty()
    }

    /// What it says without a lab.
    pub(crate) fn into_unmet(self) -> Vec<ScenarioReport> {
        self.unmet
    }
}

impl Job {
    fn turn(&self) -> Option<(u32, bool)> {
        self.experiment.as_ref().map(|(resolved, report)| (report.repeat, resolved.time != TimeMode::Real))
    }
}

impl Control {
    pub(super) fn name(&self) -> String {
        numbered(CONTROL, self.number)
    }

    /// Its report before it has run.
    pub(super) fn blank(&self) -> ScenarioReport {
        let Resolved { scenario, family, title, .. } = &self.resolved;
        ScenarioReport::blank(scenario, family, title, self.number)
    }
}

/// The first is named as the scenario, the others with their number.
pub(crate) fn numbered(id: &str, number: u32) -> String {
    if number == 1 { id.to_owned() } else { format!("{id}.{number}") }
}

fn why_not(unmet: &[Unmet]) -> (Verdict, String) {
    let text = |unmet: &Unmet| match unmet {
        Unmet::NotApplicable(reason) | Unmet::Skipped(reason) => reason.clone(),
    };
    let reason = unmet.iter().map(text).collect::<Vec<_>>().join("; ");
    // What the target lacks no other machine would give it.
    let target_lacks = unmet.iter().any(|unmet| matches!(unmet, Unmet::NotApplicable(_)));
    (if target_lacks { Verdict::NotApplicable } else { Verdict::Skipped }, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{builtin_target, catalogue};

    fn plan() -> Plan {
        let (target, catalogue) = (builtin_target().expect("good"), catalogue().expect("good"));
        Plan::of(&target, &catalogue, &Facts::in_process(), 1)
    }

    fn scenarios(plan: &Plan) -> Vec<&str> {
        plan.jobs.iter().filter_map(|job| Some(job.experiment.as_ref()?.1.id.as_str())).collect()
    }

    #[test]
    fn a_control_keeps_its_name_whatever_is_left_out() {
        let all = plan().controls();
        assert!(all.len() > 2 && all[0] == "control" && all[1] == "control.2", "{all:?}");
        let mut one = plan();
        one.keep(|name| name == "control.2");
        assert_eq!(one.controls(), ["control.2"]);
        assert!(scenarios(&one).is_empty(), "a control can be had alone");
    }

    #[test]
    fn what_is_not_wanted_does_not_run_but_for_its_control() {
        let mut plan = plan();
        plan.keep(|name| name == "early-refusal-before-exp");
        assert_eq!(scenarios(&plan), ["early-refusal-before-exp"]);
        assert_eq!(plan.controls().len(), 1);
        assert!(plan.into_unmet().is_empty());
    }

    #[test]
    fn who_is_no_process_cannot_be_killed() {
        let mut plan = plan();
        plan.keep(|name| name == "rotation-restart");
        assert!(plan.needs_no_lab());
        let unmet = plan.into_unmet();
        assert_eq!(unmet[0].verdict, Verdict::NotApplicable);
        assert!(unmet[0].reason.contains("no process of its own"), "{}", unmet[0].reason);
    }
}
