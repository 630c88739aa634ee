//! Checks: pure functions from a finished journal to a judgement. A check never talks to a server, so an old run can be
//! judged again.
//!
//! The journal is all that they know: its first record says what scenario was run against what target, and what the
//! control of the same configuration did ([`Context`]).

mod bounded_load;
mod context;
mod control;
mod diagnosable;
mod effect_once;
mod grants;
mod history;
mod honours_retry_after;
mod idp_clock;
mod judgement;
mod lateness;
mod no_refused_reuse;
mod no_secret_leaks;
mod nothing_skipped;
mod persists_on_transient;
mod recovers;
mod refreshes_on_retry;
mod right_identity;
mod single_redemption;
mod stops_on_permanent;
mod truthful_health;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

pub use context::{Context, Unjudged};
pub use judgement::{Finding, Judgement, Opinion, Verdict};
pub use lateness::{Lateness, TooBusy, too_busy};

pub use crate::journal::Attribution;
use crate::journal::Run;

/// One question that a finished journal answers.
pub trait Check: Sync {
    /// `no-refused-reuse`.
    fn id(&self) -> &'static str;

    /// What it asserts, in one sentence.
    fn doc(&self) -> &'static str;

    /// The failure mode behind it.
    fn failure_mode(&self) -> &'static str;

    /// What a scenario and its target must have for it to apply, in words.
    fn requires(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether a machine without time for a worker can make a good one fail: what is late or gives up was not its choice.
    fn hangs_on_time(&self) -> bool {
        false
    }

    /// Judges a run. Linear in the journal's length, but for logarithms.
    fn judge(&self, run: &Run<'_>, context: &Context) -> Opinion;
}

/// Every check.
pub static ALL: &[&dyn Check] = &[
    &recovers::Recovers,
    &no_refused_reuse::NoRefusedReuse,
    &refreshes_on_retry::RefreshesOnRetry,
    &stops_on_permanent::StopsOnPermanent,
    &persists_on_transient::PersistsOnTransient,
    &no_secret_leaks::NoSecretLeaks,
    &right_identity::RightIdentity,
    &single_redemption::SingleRedemption,
    &effect_once::EffectOnce,
    &nothing_skipped::NothingSkipped,
    &honours_retry_after::HonoursRetryAfter,
    &bounded_load::BoundedLoad,
    &diagnosable::Diagnosable,
    &truthful_health::TruthfulHealth,
];

/// What every check says of a run, in the order of [`ALL`]. If the journal does not say what was run, or the lab
/// failed, all are inconclusive.
pub fn judge(run: &Run<'_>) -> Vec<Verdict> {
    let context = Context::of(run);
    let judged = |check: &&dyn Check| {
        let opinion = match &context {
            Ok(context) => judge_one(*check, run, context),
            Err(unjudged) => Opinion::inconclusive(unjudged.to_string()),
        };
        opinion.of_check(check.id())
    };
    ALL.iter().map(judged).collect()
}

/// Until when, counted from the opening of the journal, every workflow that is still open must have ended as the
/// scenario expects: whoever runs a scenario waits so long before it gives up. `None` while no fault has fired, and
/// while a workflow is open that none has met.
///
/// `run` may be unfinished; histories in it, as far as they go, tell retry policies and timeouts. `None`, too, where the
/// first record does not say what was run.
pub fn deadline(run: &Run<'_>) -> Option<Duration> {
    recovers::deadline(run, &Context::of(run).ok()?)
}

/// A check that crashes is inconclusive, never a pass.
fn judge_one(check: &dyn Check, run: &Run<'_>, context: &Context) -> Opinion {
    if let Some(off) = context.setting(check.id()).and_then(|setting| setting.off.as_deref()) {
        return Opinion::not_applicable(format!("turned off: {off}"));
    }
    let judged = || {
        let opinion = check.judge(run, context);
        let may_be_excused = check.hangs_on_time() && matches!(opinion.judgement, Judgement::Fail(_));
        match may_be_excused.then(|| too_busy(run)).flatten() {
            Some(busy) => opinion.excused(busy),
            None => opinion,
        }
    };
    catch_unwind(AssertUnwindSafe(judged))
        .unwrap_or_else(|_| Opinion::inconclusive("the check crashed; please report it with this journal"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::scenario::{CHECKS, check_ids};

    #[test]
    fn each_check_has_an_id_of_its_own_and_says_what_it_is_for() {
        let ids: BTreeSet<_> = ALL.iter().map(|check| check.id()).collect();
        assert_eq!(ids.len(), ALL.len());
        for check in ALL {
            assert!(check.doc().len() > 20, "{}", check.id());
            assert!(check.requires().iter().all(|word| !word.is_empty()), "{}", check.id());
            let number = check.failure_mode().strip_prefix("FM-").and_then(|number| number.parse::<u32>().ok());
            assert!(number.is_some_and(|number| (1..=76).contains(&number)), "{}", check.id());
        }
    }

    #[test]
    fn files_may_name_every_check_and_no_other() {
        let known: BTreeSet<_> = check_ids().collect();
        let registered: BTreeSet<_> = ALL.iter().map(|check| check.id()).collect();
        assert_eq!(known, registered);
        assert_eq!(CHECKS.len(), known.len());
    }
}
