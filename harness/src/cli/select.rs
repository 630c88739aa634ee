//! Which scenarios run: the words behind `run`.
//!
//! | word | selects |
//! |---|---|
//! | none | the group `quick` |
//! | `quick`, `slow` | the scenarios of the group: see [`Group`] for the rule |
//! | an id | the scenario, slow or not |
//! | a family | its scenarios |
//! | a glob over ids (`*`, `?`, `[…]`, `{a,b}`) | what it matches |
//! | a path that ends in `.yaml` or `.yml` | the scenario in that file |
//!
//! Families and globs leave slow scenarios out unless `--slow` is given, which otherwise adds the group `slow` to
//! the default.

use std::collections::BTreeSet;
use std::path::Path;

use globset::{Glob, GlobMatcher};

use crate::scenario::{Diagnostic, Group, Scenario, duplicates};

/// Why nothing can be run. Wrong usage: exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum Unselected {
    /// A word is no id, family or group.
    #[error("`{word}` is no scenario, family or group: {hint}")]
    Unknown {
        /// The word.
        word: String,
        /// What was probably meant.
        hint: String,
    },
    /// A glob cannot be read.
    #[error("`{glob}` is no pattern: {why}")]
    Glob {
        /// The word.
        glob: String,
        /// What is wrong with it.
        why: String,
    },
    /// A glob matches no id.
    #[error("no scenario is named like `{0}`: `tokenlapse list` shows all names")]
    NoMatch(String),
    /// All that a word stands for is slow.
    #[error("`{0}` stands for slow scenarios only: add --slow")]
    OnlySlow(String),
    /// A scenario file cannot be read.
    #[error("{path}: cannot be read: {error}")]
    Unread {
        /// As it was given.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// A scenario file is wrong.
    #[error("{}", excerpts(.0))]
    Wrong(Vec<Diagnostic>),
    /// Two scenarios of one run have the same id.
    #[error("two scenarios are named `{0}`: give the one in your file another name")]
    Twice(String),
    /// There is no scenario at all.
    #[error("no scenario is selected")]
    Nothing,
}

fn excerpts(problems: &[Diagnostic]) -> String {
    problems.iter().map(Diagnostic::excerpt).collect::<Vec<_>>().join("\n")
}

/// The scenarios that `words` stand for: those of the catalogue in its order, each once, then files in theirs.
///
/// # Errors
///
/// A word that stands for nothing, a file that is wrong, two scenarios with one id.
pub fn select(words: &[String], slow: bool, catalogue: Vec<Scenario>) -> Result<Vec<Scenario>, Unselected> {
    let mut chosen = BTreeSet::new();
    let mut files = Vec::new();
    if words.is_empty() {
        chosen.extend(positions(&catalogue, |scenario| slow || Group::of(scenario) == Group::Quick));
    }
    for word in words {
        if is_file(word) {
            files.push(file(word)?);
        } else {
            chosen.extend(of_catalogue(word, slow, &catalogue)?);
        }
    }
    let catalogue = catalogue.into_iter().enumerate().filter(|(position, _)| chosen.contains(position));
    let selected: Vec<Scenario> = catalogue.map(|(_, scenario)| scenario).chain(files).collect();
    match duplicates(&selected).first() {
        Some(id) => Err(Unselected::Twice((*id).to_owned())),
        None if selected.is_empty() => Err(Unselected::Nothing),
        None => Ok(selected),
    }
}

/// Whether a word is the path of a scenario file.
pub(super) fn is_file(word: &str) -> bool {
    word.ends_with(".yaml") || word.ends_with(".yml")
}

fn positions(catalogue: &[Scenario], wanted: impl Fn(&Scenario) -> bool) -> Vec<usize> {
    let all = catalogue.iter().enumerate();
    all.filter(|(_, scenario)| wanted(scenario)).map(|(position, _)| position).collect()
}

fn of_catalogue(word: &str, slow: bool, catalogue: &[Scenario]) -> Result<Vec<usize>, Unselected> {
    let exact = positions(catalogue, |scenario| scenario.scenario.value == word);
    if !exact.is_empty() {
        return Ok(exact);
    }
    if Group::NAMES.contains(&word) {
        return Ok(positions(catalogue, |scenario| Group::of(scenario).name() == word));
    }
    let matched = if word.contains(['*', '?', '[', '{']) {
        let glob = glob(word)?;
        let matched = positions(catalogue, |scenario| glob.is_match(&scenario.scenario.value));
        if matched.is_empty() {
            return Err(Unselected::NoMatch(word.to_owned()));
        }
        matched
    } else {
        positions(catalogue, |scenario| scenario.family.value == word)
    };
    if matched.is_empty() {
        return Err(Unselected::Unknown { word: word.to_owned(), hint: super::nearest(word, words_of(catalogue)) });
    }
    let quick: Vec<usize> =
        matched.into_iter().filter(|it| slow || Group::of(&catalogue[*it]) == Group::Quick).collect();
    if quick.is_empty() { Err(Unselected::OnlySlow(word.to_owned())) } else { Ok(quick) }
}

fn glob(word: &str) -> Result<GlobMatcher, Unselected> {
    let wrong = |error: globset::Error| Unselected::Glob { glob: word.to_owned(), why: error.kind().to_string() };
    Ok(Glob::new(word).map_err(wrong)?.compile_matcher())
}

/// Everything that may stand on the command line, families first: a family is the shorter word.
fn words_of(catalogue: &[Scenario]) -> Vec<&str> {
    let families: BTreeSet<&str> = catalogue.iter().map(|scenario| scenario.family.value.as_str()).collect();
    let ids = catalogue.iter().map(|scenario| scenario.scenario.value.as_str());
    families.into_iter().chain(Group::NAMES).chain(ids).collect()
}

fn file(path: &str) -> Result<Scenario, Unselected> {
    let text = std::fs::read_to_string(Path::new(path))
        .map_err(|error| Unselected::Unread { path: path.to_owned(), error })?;
    Scenario::parse(&text, path).map_err(Unselected::Wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: &str = "faults: [{ do: { link.refuse: { on: idp } } }]\n";

    /// Three quick ones, a slow one among them in its family, and a family of slow ones only.
    fn catalogue() -> Vec<Scenario> {
        let slow = "faults: [{ do: { link.refuse: { on: idp } }, for: 1m }]";
        [
            ("expiry-one", "expiry", QUICK),
            ("expiry-two", "expiry", QUICK),
            ("expiry-slow", "expiry", slow),
            ("outage-one", "outage", QUICK),
            ("patience-one", "patience", slow),
        ]
        .map(|(id, family, rest)| {
            Scenario::parse(&format!("scenario: {id}\nfamily: {family}\ntitle: t\n{rest}\n"), id).expect("valid")
        })
        .into()
    }

    fn ids(words: &[&str], slow: bool) -> Result<Vec<String>, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match select(&words, slow, catalogue()) {
            Ok(selected) => Ok(selected.into_iter().map(|scenario| scenario.scenario.value).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn words_stand_for_scenarios_in_the_order_of_the_catalogue() {
        for (words, slow, expected) in [
            (&[][..], false, &["expiry-one", "expiry-two", "outage-one"][..]),
            (&[], true, &["expiry-one", "expiry-two", "expiry-slow", "outage-one", "patience-one"]),
            (&["outage-one", "expiry-one"], false, &["expiry-one", "outage-one"]),
            (&["expiry-slow"], false, &["expiry-slow"]),
            (&["expiry"], false, &["expiry-one", "expiry-two"]),
            (&["expiry"], true, &["expiry-one", "expiry-two", "expiry-slow"]),
            (&["expiry", "expiry-one", "*-one"], false, &["expiry-one", "expiry-two", "outage-one"]),
            (&["{expiry,outage}-one"], false, &["expiry-one", "outage-one"]),
            (&["expiry-t??"], false, &["expiry-two"]),
            (&["quick"], false, &["expiry-one", "expiry-two", "outage-one"]),
            (&["slow"], false, &["expiry-slow", "patience-one"]),
            (&["outage", "slow"], false, &["expiry-slow", "outage-one", "patience-one"]),
        ] {
            let expected: Vec<String> = expected.iter().map(|id| (*id).to_owned()).collect();
            assert_eq!(ids(words, slow), Ok(expected), "{words:?} slow: {slow}");
        }
    }

    #[test]
    fn what_stands_for_nothing_is_told_with_the_nearest_word() {
        for (word, said) in [
            (
                "expirey",
                "`expirey` is no scenario, family or group: did you mean `expiry`? `tokenlapse list` shows all",
            ),
            (
                "outage-on",
                "`outage-on` is no scenario, family or group: did you mean `outage-one`? `tokenlapse list` shows all",
            ),
            ("quik", "`quik` is no scenario, family or group: did you mean `quick`? `tokenlapse list` shows all"),
            ("zzzzzzzz", "`zzzzzzzz` is no scenario, family or group: `tokenlapse list` shows all"),
            ("nothing-*", "no scenario is named like `nothing-*`: `tokenlapse list` shows all names"),
            ("patience", "`patience` stands for slow scenarios only: add --slow"),
            ("expiry-[", "`expiry-[` is no pattern: unclosed character class; missing ']'"),
        ] {
            assert_eq!(ids(&["outage", word], false), Err(said.to_owned()));
        }
        assert_eq!(ids(&["patience"], true), Ok(vec!["patience-one".to_owned()]));
        assert_eq!(select(&[], false, Vec::new()).expect_err("empty").to_string(), "no scenario is selected");
    }

    #[test]
    fn a_file_is_read_and_follows_the_catalogue() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path.display().to_string()
        };
        let mine = write("mine.yaml", &format!("scenario: mine\nfamily: own\ntitle: t\n{QUICK}"));
        assert_eq!(ids(&[&mine, "outage"], false), Ok(vec!["outage-one".to_owned(), "mine".to_owned()]));
        let twice = write("twice.yml", &format!("scenario: outage-one\nfamily: own\ntitle: t\n{QUICK}"));
        assert_eq!(ids(&[&twice], false), Ok(vec!["outage-one".to_owned()]), "alone it is one of that name");
        assert!(
            ids(&[&twice, "outage"], false).is_err_and(|said| said.contains("two scenarios are named `outage-one`"))
        );
        let wrong = write("wrong.yaml", "scenario: w\nfamly: own\n");
        assert!(ids(&[&wrong], false).is_err_and(|said| said.contains("`famly`") && said.contains(":2:1")));
        assert!(ids(&["missing.yaml"], false).is_err_and(|said| said.starts_with("missing.yaml: cannot be read")));
    }
}
