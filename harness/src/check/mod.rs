//! Checks: pure functions from a finished journal to a judgement. A check never talks to a server, so an old run can be
//! judged again.

mod attribution;
mod diagnosable;
mod judgement;
mod no_refused_reuse;
mod no_secret_leaks;
mod recovers;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use judgement::{Finding, Judgement, Outcome, Policy, Verdict};

use crate::journal::Run;

/// One question that a finished journal answers.
pub trait Check: Sync {
    /// `no-refused-reuse`.
    fn id(&self) -> &'static str;

    /// What it asserts, in one sentence.
    fn doc(&self) -> &'static str;

    /// The failure mode behind it.
    fn failure_mode(&self) -> &'static str;

    /// Judges a run.
    fn judge(&self, run: &Run<'_>, policy: &Policy) -> Judgement;
}

/// Every check.
pub static ALL: &[&dyn Check] = &[
    &recovers::Recovers,
    &no_refused_reuse::NoRefusedReuse,
    &no_secret_leaks::NoSecretLeaks,
    &diagnosable::Diagnosable,
];

/// What every check says of a run. A check that crashes is inconclusive, never a pass.
pub fn judge(run: &Run<'_>, policy: &Policy) -> Vec<Verdict> {
    let judged = |check: &&dyn Check| {
        let judgement = catch_unwind(AssertUnwindSafe(|| check.judge(run, policy)))
            .unwrap_or_else(|_| Judgement::Inconclusive("the check crashed".into()));
        Verdict { check: check.id(), judgement }
    };
    ALL.iter().map(judged).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_has_an_id_of_its_own_and_says_what_it_is_for() {
        let mut ids: Vec<_> = ALL.iter().map(|check| check.id()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
        for check in ALL {
            assert!(check.failure_mode().starts_with("FM-"), "{}", check.id());
            assert!(check.doc().len() > 20, "{}", check.id());
        }
    }
}
