//! Values of the wrong kind: text where a number must stand, one word where a list must.
//!
//! What reads the model lets some of them through (to it `7` is text, too), and says of others what it expected in its own
//! terms. The JSON Schema is made of the same model and knows what may stand at each place, so files are held against it
//! first: no key needs words of its own.

use std::collections::BTreeSet;

use mock_idp::file::{At, Complaint, Diagnostic, Position, Source, suggest};
use serde_json::Value as Json;

use super::value::{Entries, Value};

/// A value of the wrong kind.
pub(super) struct Misfit {
    at: Position,
    /// From the key to the value: what else is found wrong in there is the same mistake.
    whole: Position,
    complaint: Complaint,
    /// Whether nothing stands there, which means what no key means where the model has a default.
    pub(super) is_nothing: bool,
}

impl Misfit {
    pub(super) fn told(self, source: &Source) -> Diagnostic {
        Diagnostic::new(source, self.at, self.complaint)
    }

    /// Whether it explains what is found wrong in a line, from 1.
    pub(super) fn explains(&self, line: usize, text: &str) -> bool {
        let line_of = |offset: usize| text.get(..offset).unwrap_or(text).matches('\n').count() + 1;
        (line_of(self.whole.start)..=line_of(self.whole.start + self.whole.len)).contains(&line)
    }
}

/// All values of the wrong kind, in the order of the file.
pub(super) fn misfits(schema: &Json, text: &str, file: &At<Value>) -> Vec<Misfit> {
    let mut found = Vec::new();
    Walk { root: schema, text, found: &mut found }.value(&Place { key: None, chosen: false }, schema, file);
    found
}

/// Where a value stands.
struct Place<'a> {
    /// The nearest key; `None` at the top.
    key: Option<&'a At<String>>,
    /// Whether the user chose the key, as of variables and header fields: what such a one is worth is text in any case.
    chosen: bool,
}

struct Walk<'a> {
    root: &'a Json,
    text: &'a str,
    found: &'a mut Vec<Misfit>,
}

impl<'a> Walk<'a> {
    fn value(&mut self, place: &Place<'_>, schema: &'a Json, value: &At<Value>) {
        let wanted = Wanted::of(self.root, schema);
        if !wanted.takes(&value.value, place.chosen) {
            let key = place.key.map_or(value.at, |key| key.at);
            let whole = Position { start: key.start, len: (value.at.start + value.at.len).saturating_sub(key.start) };
            let name = place.key.map_or("", |key| key.value.as_str());
            // A number as it is written: it may be longer than one that can be kept.
            let written = self.text.get(value.at.start..value.at.start + value.at.len).unwrap_or_default();
            let complaint = wanted.complaint(name, &value.value, written);
            self.found.push(Misfit { at: value.at, whole, complaint, is_nothing: value.value == Value::Null });
            return;
        }
        match &value.value {
            Value::List(items) => {
                let schema = wanted.all.iter().find_map(|schema| schema.get("items"));
                let place = Place { chosen: false, ..*place };
                schema.into_iter().for_each(|schema| items.iter().for_each(|item| self.value(&place, schema, item)));
            }
            Value::Map(entries) => self.entries(&wanted, entries),
            _ => {}
        }
    }

    fn entries(&mut self, wanted: &Wanted<'a>, entries: &Entries<Value>) {
        for (key, value) in entries.iter() {
            let known = wanted.all.iter().find_map(|schema| schema.get("properties")?.get(key.value.as_str()));
            let free =
                || wanted.all.iter().find_map(|schema| schema.get("additionalProperties").filter(|it| it.is_object()));
            // Of an unknown key it is told that it is unknown.
            if let Some(schema) = known.or_else(free) {
                self.value(&Place { key: Some(key), chosen: known.is_none() }, schema, value);
            }
        }
    }
}

/// The schemas of which a value has to fit one.
struct Wanted<'a> {
    root: &'a Json,
    all: Vec<&'a Json>,
}

impl<'a> Wanted<'a> {
    fn of(root: &'a Json, schema: &'a Json) -> Self {
        if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            let to = root.pointer(reference.trim_start_matches('#'));
            return to.map_or(Self { root, all: Vec::new() }, |to| Self::of(root, to));
        }
        let all = match schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Json::as_array) {
            // Beside a type a choice says more of its keys only.
            Some(choices) if schema.get("type").is_none() => {
                choices.iter().flat_map(|choice| Self::of(root, choice).all).collect()
            }
            _ => vec![schema],
        };
        Self { root, all }
    }

    /// Those of one type.
    fn having(&self, kind: &'a str) -> impl Iterator<Item = &'a Json> {
        self.all.iter().copied().filter(move |schema| has_type(schema, kind))
    }

    fn is(&self, kind: &'a str) -> bool {
        self.having(kind).next().is_some()
    }

    /// Whether a value is of a kind that may stand here. What else is wrong with it, is for others to say: with a word
    /// that is none of those known, or a duration without its unit.
    fn takes(&self, value: &Value, is_chosen: bool) -> bool {
        // Anything may stand here, or it cannot be told what.
        if self.all.is_empty() || self.all.iter().any(|schema| schema.get("type").is_none()) {
            return true;
        }
        // Types that read text themselves say better what is wrong with it.
        let reads_text = is_chosen && self.is("string")
            || self.having("string").any(|schema| schema.get("pattern").is_some() || schema.get("const").is_some());
        match value {
            Value::Null => self.is("null"),
            Value::Bool(_) => self.is("boolean") || reads_text,
            Value::Text(_) => self.is("string"),
            Value::List(_) => self.is("array"),
            Value::Map(_) => self.is("object"),
            Value::Number(number) => {
                self.is("number") || reads_text || self.having("integer").any(|schema| is_in(number, schema))
            }
        }
    }

    fn complaint(&self, key: &str, value: &Value, written: &str) -> Complaint {
        let found = match value {
            Value::Null => String::new(),
            Value::Bool(_) | Value::Number(_) => format!("`{written}`"),
            Value::Text(text) => format!("the text `{text}`"),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        };
        let wanted = self.words();
        let message = match (key, value) {
            ("", _) => format!("a file is {wanted}, not {found}"),
            (key, Value::Null) => format!("`{key}` takes {wanted}, and there is nothing"),
            (key, _) => format!("`{key}` takes {wanted}, not {found}"),
        };
        let complaint = Complaint::new(message);
        match self.hint(key, value) {
            Some(hint) => complaint.hint(hint),
            None => complaint,
        }
    }

    /// What may stand here, in words.
    fn words(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        let constants: Vec<String> = self.constants().map(|word| format!("`{word}`")).collect();
        if !constants.is_empty() {
            words.push(if constants.len() == 1 {
                constants.concat()
            } else {
                format!("one of {}", constants.join(", "))
            });
        }
        for schema in self.having("string").filter(|schema| schema.get("const").is_none()) {
            // Types that are read from text say in the schema what they are.
            let own = schema.get("pattern").and(schema.get("description")).and_then(Json::as_str);
            words.push(own.unwrap_or("text").to_owned());
        }
        words.extend(self.having("integer").map(whole_number));
        words.extend(self.having("number").map(|_| "a number".to_owned()));
        words.extend(self.having("boolean").map(|_| "`true` or `false`".to_owned()));
        words.extend(self.having("array").map(|schema| {
            let items = schema.get("items").map(|items| Wanted::of(self.root, items));
            let are_words =
                items.is_some_and(|items| items.all.len() == 1 && items.is("string") && !items.is("integer"));
            if are_words { "a list of words" } else { "a list" }.to_owned()
        }));
        if let Some(schema) = self.having("object").next() {
            words.push(match example(schema) {
                _ if !self.tags().is_empty() => "a mapping with one key".to_owned(),
                Some(example) if !words.is_empty() => format!("`{example}`"),
                _ => "a mapping".to_owned(),
            });
        }
        let mut seen = BTreeSet::new();
        words.retain(|word| seen.insert(word.clone()));
        words.join(" or ")
    }

    fn constants(&self) -> impl Iterator<Item = &'a str> {
        self.having("string").filter_map(|schema| schema.get("const")?.as_str())
    }

    /// The keys of which exactly one stands here, where it says what the rest is.
    fn tags(&self) -> Vec<&'a str> {
        let objects: Vec<&Json> = self.having("object").collect();
        let tag = |schema: &&'a Json| match schema.get("required")?.as_array()?.as_slice() {
            [only] if schema.get("properties")?.as_object()?.len() == 1 => only.as_str(),
            _ => None,
        };
        let tags: Vec<&str> = objects.iter().filter_map(tag).collect();
        if objects.len() > 1 && tags.len() == objects.len() { tags } else { Vec::new() }
    }

    /// What would be right, made of what is there as far as that can be.
    fn hint(&self, key: &str, value: &Value) -> Option<String> {
        let before = if key.is_empty() { String::new() } else { format!("{key}: ") };
        let as_text = match value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        };
        if let Some(schema) = self.having("integer").chain(self.having("number")).next() {
            let number = as_text.as_deref().and_then(|text| text.parse::<serde_json::Number>().ok());
            return Some(match number.filter(|number| is_in(number, schema)) {
                Some(number) => format!("without quotes it is a number: `{before}{number}`"),
                None => match schema.get("minimum").and_then(Json::as_u64) {
                    _ if as_text.as_deref().is_some_and(|text| is_above(text, schema)) => {
                        format!("at most {}", most(schema).unwrap_or_default())
                    }
                    _ if has_type(schema, "number") => format!("such as `{before}0.5`"),
                    least => format!("such as `{before}{}`", least.unwrap_or(1).max(1)),
                },
            });
        }
        if self.is("boolean") {
            return Some(format!("write `{before}true` or `{before}false`, without quotes"));
        }
        let tags = self.tags();
        if let Some(first) = tags.first() {
            return Some(match &as_text {
                Some(text) if tags.contains(&text.as_str()) => format!("write `{before}{{ {text}: … }}`"),
                Some(text) => suggest(text, tags.iter().copied()),
                None => format!("such as `{before}{{ {first}: … }}`"),
            });
        }
        match (value, as_text) {
            (_, Some(text)) if self.is("array") => {
                let items: Vec<String> = text.split_whitespace().map(item).collect();
                Some(format!("write it as a list: `{before}[{}]`", items.join(", ")))
            }
            (Value::Map(_), _) if self.is("array") => Some("each item of a list begins with `- `".to_owned()),
            (_, Some(text)) if self.is("string") => Some(format!("in quotes it is text: `{before}\"{text}\"`")),
            _ if self.is("string") && !self.is("object") => Some(match self.constants().next() {
                Some(word) => format!("write just the word, such as `{before}{word}`"),
                None => format!(
                    "it stands behind `{}` in one line, in quotes where it begins with a bracket or brace",
                    before.trim_end()
                ),
            }),
            _ => self.having("object").next().map(|schema| keys(schema, &before)),
        }
    }
}

fn has_type(schema: &Json, kind: &str) -> bool {
    match schema.get("type") {
        Some(Json::String(found)) => found == kind,
        Some(Json::Array(found)) => found.iter().any(|it| it == kind),
        _ => false,
    }
}

/// A word as an item of a list in brackets.
fn item(word: &str) -> String {
    let is_plain = word.chars().all(|c| c.is_alphanumeric() || "./_-".contains(c)) && !word.starts_with('-');
    if is_plain { word.to_owned() } else { format!("{word:?}") }
}

/// The keys of a mapping, those that must be there as an example.
fn keys(schema: &Json, before: &str) -> String {
    if let Some(example) = example(schema) {
        return format!("such as `{before}{example}`");
    }
    let known: Vec<String> = match schema.get("properties").and_then(Json::as_object) {
        Some(properties) => properties.keys().map(|key| format!("`{key}`")).collect(),
        None => return format!("such as `{before}{{ name: … }}`"),
    };
    format!("its keys are {}", known.join(", "))
}

/// A mapping with the keys that must be there, if there are such.
fn example(schema: &Json) -> Option<String> {
    let required = schema.get("required")?.as_array()?.iter().filter_map(Json::as_str);
    let keys: Vec<String> = required.map(|key| format!("{key}: …")).collect();
    (!keys.is_empty()).then(|| format!("{{ {} }}", keys.join(", ")))
}

fn whole_number(schema: &Json) -> String {
    match (schema.get("minimum"), most(schema)) {
        (Some(least), Some(most)) if schema.get("maximum").is_some() => {
            format!("a whole number from {least} to {most}")
        }
        (Some(least), _) => format!("a whole number from {least}"),
        _ => "a whole number".to_owned(),
    }
}

/// The largest number that fits.
fn most(schema: &Json) -> Option<u64> {
    match schema.get("format").and_then(Json::as_str) {
        Some("uint32") => Some(u32::MAX.into()),
        _ => schema.get("maximum").and_then(Json::as_u64),
    }
}

/// Whether it is a whole number that is too large.
fn is_above(text: &str, schema: &Json) -> bool {
    let is_whole = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    is_whole && most(schema).is_some_and(|most| text.parse::<u64>().is_ok_and(|number| number > most))
}

/// Whether a number is whole and within the bounds of the type that takes it. Bounds of meaning, such as those of an HTTP
/// status, are for the model to tell.
fn is_in(number: &serde_json::Number, schema: &Json) -> bool {
    if has_type(schema, "number") {
        return true;
    }
    if number.is_f64() {
        return false;
    }
    if schema.get("format").is_none() {
        return true;
    }
    let least = schema.get("minimum").and_then(Json::as_u64).unwrap_or(0);
    number.as_u64().is_some_and(|number| number >= least && most(schema).is_none_or(|most| number <= most))
}
