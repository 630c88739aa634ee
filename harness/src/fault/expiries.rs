//! Which expiries are a firing's own doing: a fault that moves no clock far enough must not be proved by the token that
//! another fault lets expire.

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::{Event, Record, Seq, TokenChange, TokenName};

/// The tokens that expired since one firing, by whose doing.
#[derive(Debug)]
pub(super) struct Expiries {
    /// Id of the fault.
    fault: String,
    turn: Turn,
    /// Its own, with the event while whose recording they came about.
    own: BTreeMap<TokenName, Option<Seq>>,
    /// Those whose clock somebody else moved.
    others: BTreeSet<TokenName>,
}

/// What a firing does to clocks is recorded before the firing itself: of two that one event triggers, the moves and
/// expiries up to `fault.fired` are the first one's, those up to the next `fault.fired` the second one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Its `fault.fired` is not recorded: what comes may be of a fault that acted just before.
    Coming,
    /// No clock was moved since it fired.
    Own,
    /// One was: what expires now does so by that.
    Past,
}

impl Expiries {
    /// Since the firing of `fault`. `expired` are the tokens that had by then.
    pub(super) fn since(fault: String, expired: BTreeSet<TokenName>) -> Self {
        Self { fault, turn: Turn::Coming, own: BTreeMap::new(), others: expired }
    }

    /// A firing is recorded: this one, or somebody else's.
    pub(super) fn fired(&mut self, fault: &str) {
        if self.turn != Turn::Coming {
            return;
        }
        if fault == self.fault {
            self.own.values_mut().for_each(|cause| *cause = None);
            self.turn = Turn::Own;
        } else {
            self.others.extend(std::mem::take(&mut self.own).into_keys());
        }
    }

    pub(super) fn follow(&mut self, record: &Record) {
        match (&record.event, self.turn) {
            (Event::ClockMoved { .. }, Turn::Own) => {
                // The expiries that a move brings about are recorded before it.
                let of_the_move = |cause: &Option<Seq>| cause.is_some() && *cause == record.cause;
                let taken = self.own.extract_if(.., |_, cause| of_the_move(cause));
                self.others.extend(taken.map(|(token, _)| token));
                self.turn = Turn::Past;
            }
            (Event::IdpToken(change), turn) if change.change == TokenChange::Expired => {
                if turn == Turn::Past {
                    self.others.insert(change.token.clone());
                } else {
                    self.own.insert(change.token.clone(), record.cause);
                }
            }
            _ => {}
        }
    }

    /// Whether this one expired by the firing, or as time went by.
    pub(super) fn has(&self, token: &TokenName) -> bool {
        self.own.contains_key(token)
    }

    /// Whether what is refused for the time on a clock is so by the firing, as far as clocks tell.
    pub(super) fn explains_refusal_of(&self, token: Option<&TokenName>) -> bool {
        self.turn != Turn::Past && token.is_none_or(|token| !self.others.contains(token))
    }
}
