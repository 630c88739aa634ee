//! Target and scenario files, format v1: model, reading, errors with line and column, JSON Schema, resolution.
//!
//! A **target** file says what the system under test is and what it promises; a **scenario** file says what goes wrong
//! around it. Neither names the other: any target can run any scenario whose `requires:` it meets.
//!
//! ```
//! # use tokenlapse::scenario::{Facts, Scenario, Target, resolve};
//! let target = Target::parse(
//!     "target: billing\nworker: { command: [./worker] }\nworkload: { workflow: Sync }\npolicy: { refresh: on-retry }\n",
//!     "tokenlapse.yaml",
//! )
//! .expect("valid");
//! let scenario = Scenario::parse(
//!     "scenario: lapse\nfamily: expiry\ntitle: A token expires\nfaults:\n  - when: { event: api.response, nth: 1 }\n    do: { time.pass: { until: token-expiry } }\n",
//!     "lapse.yaml",
//! )
//! .expect("valid");
//! let resolved = resolve(&target, &scenario, &Facts::default()).expect("the target meets all requirements");
//! assert_eq!(resolved.faults[0].id, "f1");
//!
//! let errors = Scenario::parse("scenario: lapse\nfamly: expiry\n", "lapse.yaml").expect_err("a wrong key");
//! assert_eq!(errors[0].to_string(), "lapse.yaml:2:1: unknown key `famly` (did you mean `family`?)");
//! ```
//!
//! Reading has three passes. The first holds the text against the model's schema and finds all values of the wrong kind.
//! The second fits it to the model and stops at the first thing that does not fit; the models therefore hold no
//! untagged, internally tagged or flattened enum, behind which serde forgets places. The third
//! looks at what the model cannot say (references, words of other vocabularies) and finds all errors at once.

mod action;
mod api;
mod catalogue;
mod client;
mod delay;
mod document;
mod failure_mode;
mod gate_action;
mod group;
mod idp_action;
mod model;
mod placeholder;
mod policy;
mod read;
mod requires;
mod resolve;
mod resolved;
mod route;
mod schema;
mod server_action;
mod shape;
mod target;
mod temporal;
mod trigger;
mod validate_scenario;
mod validate_target;
mod value;
mod vocabulary;
mod work_action;

pub use action::*;
pub use api::*;
pub use catalogue::{builtin_target, builtin_target_text, catalogue, duplicates, scenario_template, target_template};
pub use client::{Client, ClientAuth, Grant, Secret, TokenFormat};
pub use delay::{Between, Delay};
pub use document::{Document, validate};
pub use failure_mode::{FailureMode, failure_mode, failure_modes};
pub use gate_action::*;
pub use group::{Group, prescribed_wait};
pub use idp_action::*;
pub use mock_idp::file::{
    At, Complaint, Diagnostic, Duration, Offset, Position, Source, all_nearest, nearest, suggest,
};
pub use model::*;
pub use placeholder::{LabValue, Placeholder, Segment, Template};
pub use policy::{ErrorTypes, OnPermanent, Policy, Refresh};
pub use requires::{Facts, Unmet, unmet};
pub use resolve::resolve;
pub use resolved::*;
pub use route::{PathSegment, RoutePattern};
pub use schema::{scenario_schema, target_schema};
pub use server_action::*;
pub use target::*;
pub use temporal::*;
pub use trigger::{Bite, OneOf, Per, Scalar, Then, Trigger};
pub use value::{Entries, Value};
pub use vocabulary::{CHECKS, CheckWord, check_ids, filters, filters_of, triggers, values_of};
pub use work_action::*;

impl Target {
    /// Reads a target file; `name` stands in front of line and column.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, in the order of the file; where the text does not fit the model, the first thing.
    pub fn parse(text: &str, name: &str) -> Result<Self, Vec<Diagnostic>> {
        let source = Source::new(name, text);
        let target: Self = read::read(text, &source, &read::TARGET)?;
        let mut problems = mock_idp::file::Problems::new(source);
        validate_target::validate(&target, &mut problems);
        problems.finish(target)
    }

    /// Reads what a journal's first record holds.
    ///
    /// # Errors
    ///
    /// What does not fit: another version wrote it.
    pub fn read(recorded: &serde_json::Value) -> Result<Self, String> {
        resolved::read_recorded(recorded)
    }
}

impl Scenario {
    /// Reads a scenario file; `name` stands in front of line and column.
    ///
    /// # Errors
    ///
    /// As [`Target::parse`].
    pub fn parse(text: &str, name: &str) -> Result<Self, Vec<Diagnostic>> {
        let source = Source::new(name, text);
        let scenario: Self = read::read(text, &source, &read::SCENARIO)?;
        let mut problems = mock_idp::file::Problems::new(source);
        validate_scenario::validate(&scenario, &mut problems);
        problems.finish(scenario)
    }
}

#[cfg(test)]
mod tests {
    use super::Scenario;

    const HEAD: &str = "scenario: s\nfamily: f\ntitle: t\n";

    fn said(rest: &str) -> Vec<String> {
        let read = Scenario::parse(&format!("{HEAD}{rest}"), "s.yaml");
        read.err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_scenario_without_faults_is_told_so_unless_a_clock_is_wrong() {
        let proves_nothing = "a scenario without faults proves nothing (say under `faults:`";
        for (rest, place) in [("workload: { count: 1 }\nfaults: []\n", "s.yaml:5:9"), ("", "s.yaml:1:11")] {
            let said = said(rest);
            assert!(said.len() == 1 && said[0].starts_with(&format!("{place}: {proves_nothing}")), "{rest}: {said:?}");
        }
        assert_eq!(said("faults: []\nclocks: { api: 5m }\n"), [""; 0]);
        assert_eq!(said("faults: [{ do: { time.pass: { by: 5m } } }]\n"), [""; 0]);
    }

    #[test]
    fn a_delay_is_fixed_or_drawn_between_two() {
        let fault = |delay: &str| format!("faults:\n  - do: {{ api.delay: {{ by: {delay} }} }}\n");
        assert_eq!(said(&fault("{ between: [50ms, 50ms] }")), [""; 0]);
        for (delay, place, what) in [
            ("{ between: [400ms, 50ms] }", "s.yaml:5:47", "nothing lies between 400ms and 50ms"),
            ("{ between: [50ms, 400] }", "s.yaml:5:46", "the duration `400` needs a unit"),
            ("{ between: [50ms] }", "s.yaml:5:", "length"),
            ("{ between: [50ms, 60ms, 70ms] }", "s.yaml:5:", ""),
            ("{ betwen: [50ms, 60ms] }", "s.yaml:5:30", "unknown key `betwen` (did you mean `between`?)"),
            ("{}", "s.yaml:5:", "the key `between` is missing"),
            ("0s", "s.yaml:5:", "a delay of no time changes nothing"),
            ("{ between: [0s, 0s] }", "s.yaml:5:", "a delay of no time changes nothing"),
            ("300", "s.yaml:5:28", "the duration `300` needs a unit (units are"),
            ("0.5", "s.yaml:5:28", "unit"),
            ("[50ms, 400ms]", "s.yaml:5:28", "or `{ between: … }`, not a list (such as `by: { between: … }`)"),
        ] {
            let said = said(&fault(delay));
            assert!(said.len() == 1 && said[0].starts_with(place) && said[0].contains(what), "{delay}: {said:?}");
        }
        let beside = |key: &str| {
            said(&format!("faults:\n  - {{ do: {{ link.refuse: {{ on: api }} }}, {key}: {{ between: [2s, 1s] }} }}\n"))
        };
        for key in ["delay", "for"] {
            assert!(beside(key)[0].contains("nothing lies between 2s and 1s"), "{key}");
        }
        assert!(said(&fault("1s"))[..] == [""; 0][..]);
        let heal = "heal: { when: { event: api.response }, delay: { between: [2s, 1s] } }\n";
        assert!(said(&format!("{}{heal}", fault("1s")))[0].starts_with("s.yaml:6:63: nothing lies between"));
        let never = said("faults:\n  - { do: { link.refuse: { on: api } }, for: { between: [0s, 1s] } }\n");
        assert!(never[0].contains("lasts no time"), "{never:?}");
    }

    #[test]
    fn a_tab_is_told_where_it_stands() {
        for (rest, place) in [
            ("faults:\n\t- do: { time.pass: { by: 5m } }\n", "s.yaml:5:1"),
            ("faults:\n  - id: ä\n \t  do: { time.pass: { by: 5m } }\n", "s.yaml:6:2"),
            ("idp:\n\taccess_token_lifetime: 5m\n", "s.yaml:5:1"),
        ] {
            let hint = "a tab stands where YAML wants spaces (indent with spaces only)";
            assert_eq!(said(rest), [format!("{place}: {hint}")], "{rest}");
        }
    }

    #[test]
    fn what_is_no_yaml_is_told_where_it_stands() {
        for (rest, place) in [("faults: [}\n", "s.yaml:4:9"), ("family: \"open\n", "s.yaml:4")] {
            let said = said(rest);
            assert!(said[0].starts_with(&format!("{place}:")), "{rest}: {said:?}");
        }
    }

    #[test]
    fn the_name_of_runs_without_faults_is_taken() {
        let text = "scenario: control\nfamily: custom\ntitle: x\nfaults: [{ do: { time.pass: { by: 5m } } }]\n";
        let errors = Scenario::parse(text, "c.yaml").expect_err("its journal would be the control's");
        assert!(errors[0].to_string().starts_with("c.yaml:1:11: no scenario can be named `control`"), "{}", errors[0]);
    }
}
