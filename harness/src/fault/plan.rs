//! What one scenario run does to its lab.

use crate::scenario::{Ending, Resolved, ResolvedFault, ResolvedHeal, TimeMode};

/// The faults of one scenario run and what bounds them.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// In the order of the file: of two that one event triggers, the first acts first.
    pub faults: Vec<ResolvedFault>,
    /// When environment faults are undone; `None`: when all have fired and bitten.
    pub heal: Option<ResolvedHeal>,
    /// How the workflows have to end. Unless they complete, nothing is undone before that is judged.
    pub ending: Ending,
    /// How time passes until a token expires.
    pub time: TimeMode,
    /// What is left to chance is drawn from it, for each fault from a stream of its own.
    pub seed: u64,
    /// Whether faults fire and change nothing: then none may bite, or its proof proves nothing.
    pub inert: bool,
}

impl Plan {
    /// The plan of a scenario against a target.
    pub fn of(resolved: &Resolved, seed: u64) -> Self {
        Self {
            faults: resolved.faults.clone(),
            heal: resolved.heal.clone(),
            ending: resolved.expect.ending,
            time: resolved.time,
            seed,
            inert: false,
        }
    }

    /// No faults at all: a control.
    pub fn none() -> Self {
        Self { faults: Vec::new(), heal: None, ending: Ending::Completed, time: TimeMode::Moved, seed: 0, inert: false }
    }
}
