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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_every_defect_is_told() {
        let mut names = HashSet::new();
        for defect in all() {
            assert!(names.insert(defect.name), "{} twice", defect.name);
            assert!(defect.summary.ends_with('.'), "{}", defect.name);
            assert!(defect.mirrors.starts_with("FM-"), "{}", defect.name);
            assert!(!defect.checks.is_empty(), "{}", defect.name);
        }
        assert!(names.len() >= 18);
    }

    #[test]
    fn every_check_has_a_defect_that_should_fail_it() {
        let covered: HashSet<_> = all().filter_map(|defect| defect.checks.first()).collect();
        for check in [
            "recovers",
            "no-refused-reuse",
            "refreshes-on-retry",
            "stops-on-permanent",
            "persists-on-transient",
            "no-secret-leaks",
            "right-identity",
            "single-redemption",
            "effect-once",
            "honours-retry-after",
            "bounded-load",
            "diagnosable",
            "truthful-health",
        ] {
            assert!(covered.contains(&check), "no defect for {check}");
        }
    }

    #[test]
    fn the_readme_lists_every_defect() {
        let readme = include_str!("../../README.md");
        for defect in all() {
            let row = format!(
                "| `{}` | {} | {} | {} |",
                defect.name,
                defect.summary,
                defect.mirrors,
                defect.checks.join(", ")
            );
            assert!(readme.contains(&row), "README.md lacks the row\n{row}");
        }
    }
}
