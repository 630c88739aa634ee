//! Makes every small mistake that can be made in the files that ship: each has to be found, at its place.

use std::collections::HashSet;

use tokenlapse::scenario::{At, Diagnostic, Position, Value, scenario_template, target_template, validate};

/// What is known of one place of a file.
struct Place<'a> {
    /// Keys on the way to it; `-` is an item of a list.
    path: Vec<&'a str>,
    at: Position,
    value: &'a Value,
}

/// A file's text and what it holds, read without any model.
struct File {
    name: String,
    text: String,
    root: At<Value>,
}

impl File {
    fn new(name: impl Into<String>, text: String) -> Self {
        let name = name.into();
        let root = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name, text, root }
    }

    fn all() -> Vec<Self> {
        let shipped = tokenlapse_scenarios::scenarios().map(|file| Self::new(file.path, file.text));
        shipped
            .chain([
                Self::new("builtin.yaml", tokenlapse::scenario::builtin_target_text()),
                Self::new("templates/target.yaml", target_template()),
                Self::new("templates/scenario.yaml", scenario_template("my-scenario")),
            ])
            .collect()
    }

    /// Every key with its place.
    fn keys(&self) -> Vec<Place<'_>> {
        let mut keys = Vec::new();
        walk(&self.root, &mut Vec::new(), &mut |place, is_key| keys.extend(is_key.then_some(place)));
        keys
    }

    /// Every single value with its place.
    fn scalars(&self) -> Vec<Place<'_>> {
        let mut values = Vec::new();
        walk(&self.root, &mut Vec::new(), &mut |place, is_key| {
            let single = !is_key && !matches!(place.value, Value::List(_) | Value::Map(_));
            values.extend(single.then_some(place));
        });
        values
    }

    /// The text with something else at a place.
    fn with(&self, at: Position, instead: &str) -> String {
        format!("{}{instead}{}", &self.text[..at.start], &self.text[at.start + at.len..])
    }

    fn line_and_column(&self, at: Position) -> (usize, usize) {
        let before = &self.text[..at.start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// What is said of the text with something else at a place; nothing if it is still good.
    fn complaints(&self, at: Position, instead: &str) -> Vec<Diagnostic> {
        validate(&self.with(at, instead), &self.name).err().unwrap_or_default()
    }
}

fn walk<'a>(value: &'a At<Value>, path: &mut Vec<&'a str>, visit: &mut dyn FnMut(Place<'a>, bool)) {
    visit(Place { path: path.clone(), at: value.at, value: &value.value }, false);
    match &value.value {
        Value::List(items) => {
            path.push("-");
            items.iter().for_each(|item| walk(item, path, visit));
            path.pop();
        }
        Value::Map(entries) => {
            for (key, value) in entries.iter() {
                path.push(&key.value);
                visit(Place { path: path.clone(), at: key.at, value: &value.value }, true);
                walk(value, path, visit);
                path.pop();
            }
        }
        _ => {}
    }
}

/// What users name as they like: keys below these may be any word, values anything.
const FREE: [&[&str]; 3] =
    [&["workload", "input"], &["api", "routes", "-", "respond", "body"], &["faults", "-", "do", "idp.respond", "body"]];

/// Keys that users name as they like, directly below these.
const FREE_KEYS: [&[&str]; 2] = [&["worker", "env"], &["activities"]];

fn is_free(path: &[&str]) -> bool {
    FREE.iter().any(|free| path.starts_with(free))
}

fn is_free_key(path: &[&str]) -> bool {
    is_free(&path[..path.len() - 1])
        || FREE_KEYS.iter().any(|free| path.len() == free.len() + 1 && path.starts_with(free))
}

/// Slips that make another key of the same mapping: what is wrong is its value.
const ANOTHER_KEY: [(&str, &str); 1] = [("clients", "client")];

/// Each letter dropped, each two neighbours swapped.
fn slips(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let dropped = (0..letters.len()).map(|gone| {
        let mut letters = letters.clone();
        letters.remove(gone);
        letters
    });
    let swapped = (1..letters.len()).map(|second| {
        let mut letters = letters.clone();
        letters.swap(second - 1, second);
        letters
    });
    let words = dropped.chain(swapped).map(|letters| letters.into_iter().collect::<String>());
    words.filter(|slip| slip != word && !slip.is_empty()).collect()
}

#[test]
fn a_slip_in_any_key_is_found_with_line_column_and_the_right_word() {
    let (mut keys, mut tried, mut free) = (0, 0, 0);
    let mut known = HashSet::new();
    for file in File::all() {
        for key in file.keys() {
            let word = key.path.last().expect("a key");
            assert_eq!(
                &&file.text[key.at.start..key.at.start + key.at.len],
                word,
                "{}: the walk knows its places",
                file.name
            );
            if is_free_key(&key.path) {
                free += 1;
                continue;
            }
            keys += 1;
            // Every slip in the first file that has such a key, one of them in every other.
            let slips = slips(word);
            let slips = if known.insert(key.path.join(".")) { &slips[..] } else { &slips[tried % slips.len()..][..1] };
            for slip in slips {
                tried += 1;
                let said = file.complaints(key.at, slip);
                if ANOTHER_KEY.contains(&(*word, slip.as_str())) {
                    assert!(!said.is_empty(), "{}: `{slip}` for `{word}`", file.name);
                    continue;
                }
                let place = file.line_and_column(key.at);
                assert!(
                    said.iter().any(|it| (it.line(), it.column()) == place
                        && it.message().contains(&format!("`{slip}`"))
                        && it.hint().is_some_and(|hint| hint.contains(&format!("`{word}`")))),
                    "{} {place:?}: `{slip}` for `{word}` was answered by {said:?}",
                    file.name
                );
            }
        }
    }
    assert!(keys > 1_200 && tried > 3_000 && free > 20, "{tried} slips of {keys} keys tried, {free} keys are free");
}

#[test]
fn every_key_of_the_wrong_type_is_found_with_line_and_column() {
    let mut tried = 0;
    for file in File::all() {
        for value in file.scalars().into_iter().filter(|value| !is_free(&value.path)) {
            tried += 1;
            // A choice of words may complain of the key inside.
            let wrong = "{ no: { such: type } }";
            let said = file.complaints(value.at, wrong);
            let (line, column) = file.line_and_column(value.at);
            assert!(
                said.iter().any(|it| it.line() == line
                    && (column..column + wrong.len()).contains(&it.column())
                    && it.hint().is_some()),
                "{} {line}:{column} {:?}: a mapping was answered by {said:?}",
                file.name,
                value.path
            );
        }
    }
    assert!(tried > 500, "{tried} values tried");
}

#[test]
fn every_number_that_is_none_is_found_with_line_and_column() {
    let mut tried = 0;
    for file in File::all() {
        for value in file.scalars().into_iter().filter(|value| !is_free(&value.path)) {
            if !matches!(value.value, Value::Number(_) | Value::Bool(_)) {
                continue;
            }
            tried += 1;
            let place = file.line_and_column(value.at);
            let quoted = format!("\"{}\"", &file.text[value.at.start..value.at.start + value.at.len]);
            // Which effect, or whether there is one.
            if value.path.ends_with(&["effect"]) && value.path.contains(&"where") {
                continue;
            }
            for wrong in ["many", quoted.as_str()] {
                let said = file.complaints(value.at, wrong);
                assert!(
                    said.iter().any(|it| (it.line(), it.column()) == place && it.hint().is_some()),
                    "{} {place:?} {:?}: `{wrong}` was answered by {said:?}",
                    file.name,
                    value.path
                );
            }
        }
    }
    assert!(tried > 80, "{tried} numbers tried");
}

/// Where a number is as good as its digits in quotes.
fn takes_numbers_as_text(path: &[&str]) -> bool {
    // A field of an event may hold any words, of which one may be a number.
    ["env", "command", "headers", "where"].iter().any(|key| path.contains(key))
}

#[test]
fn every_text_that_is_a_number_instead_is_found_with_line_and_column() {
    let mut tried = 0;
    for file in File::all() {
        for value in file.scalars().into_iter().filter(|value| !is_free(&value.path)) {
            if !matches!(value.value, Value::Text(_)) {
                continue;
            }
            let said = file.complaints(value.at, "7");
            if takes_numbers_as_text(&value.path) {
                let is_word = said.iter().any(|it| it.message().contains("is a word"));
                assert!(said.is_empty() || is_word, "{} {:?}: {said:?}", file.name, value.path);
                continue;
            }
            tried += 1;
            let place = file.line_and_column(value.at);
            assert!(
                said.iter().any(|it| (it.line(), it.column()) == place && it.hint().is_some()),
                "{} {place:?} {:?}: `7` was answered by {said:?}",
                file.name,
                value.path
            );
        }
    }
    assert!(tried > 400, "{tried} texts tried");
}

#[test]
fn every_duration_without_its_unit_or_with_a_wrong_one_is_found_with_line_and_column() {
    let mut tried = 0;
    for file in File::all() {
        for value in file.scalars().into_iter().filter(|value| !is_free(&value.path)) {
            let Value::Text(text) = value.value else { continue };
            let number = text.trim_end_matches(char::is_alphabetic);
            if number == text || number.trim_start_matches('-').parse::<u64>().is_err() {
                continue;
            }
            for (wrong, hint) in [
                (number.to_owned(), "units are"),
                (format!("{number}q"), "units are"),
                ("99999999999d".to_owned(), "at most `3650d`"),
            ] {
                tried += 1;
                let said = file.complaints(value.at, &wrong);
                let (line, column) = file.line_and_column(value.at);
                assert!(
                    said.iter().any(|it| it.line() == line
                        && (column..column + wrong.len()).contains(&it.column())
                        && it.hint().is_some_and(|it| it.contains(hint))),
                    "{} {line}:{column}: `{wrong}` was answered by {said:?}",
                    file.name
                );
            }
        }
    }
    assert!(tried > 40, "{tried} durations tried");
}

#[test]
fn every_status_that_http_does_not_have_is_found_with_line_and_column() {
    let mut tried = 0;
    for file in File::all() {
        for value in file.scalars().into_iter().filter(|value| value.path.contains(&"status")) {
            if !matches!(value.value, Value::Number(_)) {
                continue;
            }
            for wrong in ["700", "20", "0"] {
                tried += 1;
                let said = file.complaints(value.at, wrong);
                let place = file.line_and_column(value.at);
                assert!(
                    said.iter().any(|it| (it.line(), it.column()) == place && it.hint().is_some()),
                    "{} {place:?} {:?}: `{wrong}` was answered by {said:?}",
                    file.name,
                    value.path
                );
            }
        }
    }
    assert!(tried > 60, "{tried} statuses tried");
}
