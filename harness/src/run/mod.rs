//! A run: one call of the command or of a test suite. Controls, scheduling, verdicts.

mod configuration;
mod experiment;
mod ground;
mod plan;
mod schedule;
mod summary;
mod verdict;

pub use configuration::{CONTROL, control_of};
pub use experiment::{facts_of_control, judge_journal};
pub(crate) use ground::facts_of_processes;
pub use ground::{Choice, Ground, GroundError};
pub(crate) use plan::{Plan, numbered};
pub(crate) use schedule::run_plan;
pub use schedule::{Order, Progress, RunError, run};
pub use summary::{CheckReport, Figures, ScenarioReport, Summary, Totals, VERSION};
pub use verdict::{FaultReport, Judged, Verdict, judge};

/// An id for a run that is made now: when, and something that no other run has.
pub fn new_run_id() -> String {
    let now = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S");
    format!("{now}-{:04x}", rand::random::<u16>())
}
