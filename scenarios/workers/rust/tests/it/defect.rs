//! The registry of known mistakes.

use std::collections::HashSet;

use reference_worker::defect::all;

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
        "nothing-skipped",
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
        let row =
            format!("| `{}` | {} | {} | {} |", defect.name, defect.summary, defect.mirrors, defect.checks.join(", "));
        assert!(readme.contains(&row), "README.md lacks the row\n{row}");
    }
}
