//! A run: one call of the command or of a test suite. Controls, scheduling, verdicts.

mod configuration;
mod experiment;
mod ground;
mod known;
mod plan;
mod refused;
mod schedule;
mod scratch;
mod shown;
mod summary;
mod verdict;

pub use configuration::{CONTROL, control_of};
pub use experiment::{facts_of_control, judge_journal};
pub(crate) use ground::facts_of_processes;
pub use ground::{Choice, Ground, GroundError};
pub(crate) use plan::{Plan, numbered};
pub(crate) use schedule::run_plan;
pub use schedule::{Order, Progress, RunError, run};
pub use summary::{CheckReport, Figures, ScenarioReport, Spread, Summary, Totals, VERSION};
pub use verdict::{FaultReport, Judged, Verdict, judge};

/// An id for a run that is made now: when, and something that no other run has.
pub fn new_run_id() -> String {
    let now = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S");
    format!("{now}-{:04x}", rand::random::<u16>())
}

/// The day (UTC) on which a run with this id was made; `None` for an id that [`new_run_id`] did not make.
pub fn day_of(run: &str) -> Option<jiff::civil::Date> {
    jiff::civil::Date::strptime("%Y%m%d", run.get(..8)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_on_which_day_its_run_was_made() {
        assert_eq!(day_of("20261124-181727-00ff"), Some(jiff::civil::date(2026, 11, 24)));
        for other in ["", "r1", "20261324-181727-00ff", "2026112", "ünïcödé-20261124"] {
            assert_eq!(day_of(other), None, "{other}");
        }
        let day = day_of(&new_run_id()).expect("ours");
        let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
        assert!(day == today || day.tomorrow().is_ok_and(|next| next == today), "{day}");
    }
}
