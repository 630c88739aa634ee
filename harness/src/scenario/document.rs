//! A file of either kind, told apart by its keys.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use mock_idp::file::{Complaint, Diagnostic, Position, Source};
use schemars::Schema;

use super::model::Scenario;
use super::read::{self, is_empty};
use super::schema::{scenario_schema, target_schema};
use super::target::Target;

/// A file of either kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    /// A target file.
    Target(Box<Target>),
    /// A scenario file.
    Scenario(Box<Scenario>),
}

/// Reads a file of either kind. Which one it is, is decided by most of its keys, so that one wrong key is reported as
/// just that.
///
/// # Errors
///
/// As [`Target::parse`].
pub fn validate(text: &str, name: &str) -> Result<Document, Vec<Diagnostic>> {
    if is_empty(text) {
        // Of an empty file nobody knows of which kind it is.
        let hint = format!("{}; {}", read::SCENARIO.begin, read::TARGET.begin);
        let complaint = Complaint::new("the file is empty").hint(hint);
        Err(vec![Diagnostic::new(&Source::new(name, text), Position::default(), complaint)])
    } else if is_target(text) {
        Target::parse(text, name).map(|target| Document::Target(Box::new(target)))
    } else {
        Scenario::parse(text, name).map(|scenario| Document::Scenario(Box::new(scenario)))
    }
}

/// Keys at the top of a target file, and of a scenario file.
static KEYS: LazyLock<[BTreeSet<String>; 2]> = LazyLock::new(|| [target_schema(), scenario_schema()].map(keys));

fn keys(schema: Schema) -> BTreeSet<String> {
    let properties = schema.get("properties").and_then(|properties| properties.as_object());
    properties.into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

fn is_target(text: &str) -> bool {
    let [of_target, of_scenario] = &*KEYS;
    let found: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(':')?.0)).collect();
    let only_in = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
        found.iter().filter(|key| one.contains(**key) && !other.contains(**key)).count()
    };
    let (target, scenario) = (only_in(of_target, of_scenario), only_in(of_scenario, of_target));
    // The shortest target file has but one key that scenarios do not have, and that one may be misspelt.
    target > scenario || (target == scenario && found.contains(&"worker") && found.contains(&"workload"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_keys_decide() {
        let target = "worker: { command: [w] }\nworkload: { workflow: W }\n";
        let scenario = "family: f\ntitle: t\nworker: {}\nworkload: {}\n";
        for (text, expected) in [
            (format!("target: t\n{target}"), true),
            (format!("tagret: t\n{target}"), true),
            (format!("scenario: s\n{scenario}"), false),
            (format!("scenaro: s\n{scenario}"), false),
            (String::new(), false),
        ] {
            assert_eq!(is_target(&text), expected, "{text}");
        }
    }
}
