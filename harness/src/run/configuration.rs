//! Configurations: what scenarios have in common once their faults are taken away. Each has one control.

use serde_json::Value;

use crate::scenario::{Clocks, Ending, Outcome, Resolved};

/// Id of the scenario that controls are shown as.
pub const CONTROL: &str = "control";

/// The control of a scenario: the same without faults. Clocks that do not start at real time are faults, too.
pub fn control_of(scenario: &Resolved) -> Resolved {
    let mut control = scenario.clone();
    control.scenario = CONTROL.to_owned();
    control.family = CONTROL.to_owned();
    control.title = "The workload completes when nothing goes wrong".to_owned();
    control.mirrors = Vec::new();
    control.proves = Vec::new();
    control.faults = Vec::new();
    control.control_shows = Vec::new();
    control.heal = None;
    control.races = Vec::new();
    control.clocks = Clocks { time: scenario.clocks.time, ..Clocks::default() };
    control.expect.outcome = Outcome::Completed;
    control.expect.ending = Ending::Completed;
    control.expect.within = None;
    control
}

/// What two scenarios have alike if one control serves both.
pub(super) fn key(control: &Resolved) -> String {
    // Serialised with its keys in the order of the model, so that equal ones give equal text.
    serde_json::to_value(control).as_ref().map_or_else(|_| String::new(), Value::to_string)
}
