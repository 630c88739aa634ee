//! The scenarios and the target that ship with the command, read like any other file.

use std::collections::BTreeMap;

use mock_idp::file::Diagnostic;

use super::model::Scenario;
use super::target::Target;

/// All scenarios that ship, by family and id.
///
/// # Errors
///
/// What is wrong with them. Tests see to it that nothing is.
pub fn catalogue() -> Result<Vec<Scenario>, Vec<Diagnostic>> {
    let files: Vec<_> = tokenlapse_scenarios::scenarios().collect();
    files.iter().map(|file| Scenario::parse(&file.text, &file.path)).collect()
}

/// The target that needs no set-up: the reference worker inside the command.
///
/// # Errors
///
/// As [`catalogue`].
pub fn builtin_target() -> Result<Target, Vec<Diagnostic>> {
    Target::parse(&builtin_target_text(), "builtin.yaml")
}

/// The text of the built-in target's file.
pub fn builtin_target_text() -> String {
    tokenlapse_scenarios::builtin_target()
}

/// A commented scenario file to start from, named `id`.
pub fn scenario_template(id: &str) -> String {
    tokenlapse_scenarios::scenario_template().replace("my-scenario", id)
}

/// A commented target file to start from.
pub fn target_template() -> String {
    tokenlapse_scenarios::target_template()
}

/// The ids that more than one of these scenarios has: files of one run must not share any.
pub fn duplicates<'a>(scenarios: impl IntoIterator<Item = &'a Scenario>) -> Vec<&'a str> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for scenario in scenarios {
        *count.entry(scenario.scenario.value.as_str()).or_default() += 1;
    }
    count.into_iter().filter(|(_, count)| *count > 1).map(|(id, _)| id).collect()
}
