//! Known mistakes, each made by swapping or wrapping one part of the correct worker.
//!
//! They prove the checks of the test harness: a check that no defect can fail is worth nothing. Nothing here is to be
//! copied. One file per group; [`all`] is the registry.

mod effect;
mod health;
mod identity;
mod leak;
mod pace;
mod refresh;
mod report;
mod rotation;

use crate::parts::Parts;

/// A mistake that the worker can be told to make with `DEFECT`.
pub struct Defect {
    /// The name in `DEFECT`.
    pub name: &'static str,
    /// What the worker does wrong, in one sentence.
    pub summary: &'static str,
    /// The failure mode that it stands for.
    pub mirrors: &'static str,
    /// The checks that should fail; the first is the one that the defect exists for.
    pub checks: &'static [&'static str],
    /// Makes the worker's parts with the mistake in them.
    pub parts: fn() -> Box<dyn Parts>,
}

/// The groups, in the order of the README's table.
const GROUPS: [&[Defect]; 8] = [
    refresh::DEFECTS,
    report::DEFECTS,
    leak::DEFECTS,
    identity::DEFECTS,
    rotation::DEFECTS,
    effect::DEFECTS,
    pace::DEFECTS,
    health::DEFECTS,
];

/// Every defect.
pub fn all() -> impl Iterator<Item = &'static Defect> {
    GROUPS.into_iter().flatten()
}

/// The defect of this name.
pub fn named(name: &str) -> Option<&'static Defect> {
    all().find(|defect| defect.name == name)
}
