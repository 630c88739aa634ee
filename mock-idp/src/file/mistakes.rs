//! All that does not fit a model: what is wrong is left out, and the rest is read again.

use serde::de::DeserializeOwned;

use super::diagnostic::{Diagnostic, Mistake, Source, read};

/// So many mistakes are told of one file.
const MOST: usize = 50;

/// Reads YAML into a model, and tells each place that does not fit.
///
/// One mistake is told of an entry that stands on a line of its own, and none that only follows from another one: that a
/// key is missing is not told where one of the same mapping is wrong.
///
/// # Errors
///
/// All that does not fit, in the order of the file; of what is no YAML at all the first thing.
pub fn parse_all<T: DeserializeOwned>(text: &str, source: &Source) -> Result<T, Vec<Diagnostic>> {
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut rest = Rest::of(text);
    while found.len() < MOST {
        let (error, mistake) = match read(&rest.text(), source) {
            Ok(value) if found.is_empty() => return Ok(value),
            Ok(_) => break,
            Err(error) => error,
        };
        let line = error.line() - 1;
        let left_out = match mistake {
            // Once something is left out, that may be why.
            Mistake::NoYaml if !found.is_empty() => break,
            Mistake::NoYaml => return Err(vec![error]),
            Mistake::Missing => {
                if !rest.lost_something_beside(line) {
                    found.push(error);
                }
                rest.leave_out_mapping(line)
            }
            Mistake::Wrong => {
                found.push(error);
                rest.leave_out(line)
            }
        };
        if !left_out {
            break;
        }
    }
    found.sort_by_key(|error| (error.line(), error.column()));
    Err(found)
}

/// What is left of a text. Places stay what they are: what is left out becomes spaces.
struct Rest<'a> {
    lines: Vec<Line<'a>>,
}

/// A line, and how much of it is left.
struct Line<'a> {
    text: &'a str,
    /// Before the first word; `None` of a line without one, such as a comment.
    indent: Option<usize>,
    /// Where the entry begins: behind the dash of an item.
    key: usize,
    /// From here on nothing is left.
    until: usize,
}

impl<'a> Line<'a> {
    fn of(text: &'a str) -> Self {
        let code = text.trim_start_matches(' ');
        let indent = text.len() - code.len();
        let has_word = !code.trim_end().is_empty() && !code.starts_with('#');
        let inside = code.strip_prefix("- ").map_or(code, |rest| rest.trim_start_matches(' '));
        Self { text, indent: has_word.then_some(indent), key: text.len() - inside.len(), until: text.len() }
    }

    fn is_item(&self) -> bool {
        self.indent.is_some_and(|indent| self.text[indent..].starts_with("- "))
    }

    /// Whether a word is left.
    fn is_left(&self) -> bool {
        self.indent.is_some_and(|indent| self.until > indent)
    }

    /// Whether what belongs to it must stand below.
    fn is_bare(&self) -> bool {
        let code = self.text[..self.until].split(" #").next().unwrap_or_default().trim_end();
        code.ends_with(':') || code.trim_start() == "-"
    }
}

impl<'a> Rest<'a> {
    fn of(text: &'a str) -> Self {
        Self { lines: text.split_inclusive('\n').map(Line::of).collect() }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            text += &line.text[..line.until];
            text.extend(line.text[line.until..].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        }
        text
    }

    /// The line behind an entry and all that belongs to it.
    fn end(&self, line: usize, indent: usize) -> usize {
        let deeper = |below: &Line<'_>| below.indent.is_none_or(|own| own > indent);
        let same = self.lines[line + 1..].iter().take_while(|below| deeper(below)).count();
        line + 1 + same
    }

    /// Leaves out an entry. Gives whether anything was there, and what is left can still be read.
    fn leave_out(&mut self, line: usize) -> bool {
        let Some(found) = self.lines.get(line).filter(|line| line.is_left()) else { return false };
        let (key, is_item) = (found.key, found.is_item());
        let mut end = self.end(line, key);
        // A list may stand as deep as its key.
        while !is_item && self.lines.get(end).is_some_and(|below| below.is_item() && below.indent == Some(key)) {
            end = self.end(end, key);
        }
        let below = self.lines[end..].iter().find(|below| below.is_left()).and_then(|below| below.indent);
        let goes_on = is_item && below == Some(key);
        let gone: String = self.lines[line..end].iter().map(|line| &line.text[..line.until]).collect();
        // Part of a collection over several lines: what is left of it could not be read.
        if gone.matches(['[', '{']).count() != gone.matches([']', '}']).count() {
            return false;
        }
        self.lines[line].until = if goes_on { key } else { 0 };
        self.lines[line + 1..end].iter_mut().for_each(|line| line.until = 0);
        self.leave_out_bare(line);
        true
    }

    /// What has nothing below it any more is left out, too: it would be no list or mapping.
    fn leave_out_bare(&mut self, line: usize) {
        let Some(above) = self.lines[..=line].iter().rposition(Line::is_left) else { return };
        let parent = &self.lines[above];
        let below = self.lines[above + 1..].iter().find(|line| line.is_left());
        let has_some = below.is_some_and(|below| {
            below.indent > Some(parent.key) || (below.is_item() && !parent.is_item() && below.indent == parent.indent)
        });
        let dash_has_some = parent.until == parent.key && below.is_some_and(|below| below.indent >= Some(parent.key));
        if parent.is_bare() && !has_some && !dash_has_some {
            self.leave_out(above);
        }
    }

    /// Leaves out the mapping that begins in a line.
    fn leave_out_mapping(&mut self, line: usize) -> bool {
        let key = self.lines[line].key;
        let begins = |line: &Line<'_>| line.indent.is_some_and(|indent| indent < key);
        let Some(first) = self.lines[..=line].iter().rposition(begins) else { return false };
        let (indent, is_item) = (self.lines[first].indent.unwrap_or_default(), self.lines[first].is_item());
        if !is_item {
            return self.leave_out(first);
        }
        let end = self.end(first, indent);
        self.lines[first..end].iter_mut().for_each(|line| line.until = 0);
        self.leave_out_bare(first);
        true
    }

    /// Whether an entry of the mapping that begins in a line was left out.
    fn lost_something_beside(&self, line: usize) -> bool {
        let key = self.lines[line].key;
        let beside = |lines: &mut dyn Iterator<Item = &Line<'_>>| {
            for line in lines {
                if line.indent.is_some() && line.key == key && !(line.is_left() && line.until == line.text.len()) {
                    return true;
                }
                if line.indent.is_some_and(|indent| indent < key) {
                    return false;
                }
            }
            false
        };
        let own = &self.lines[line];
        // The line itself is the first of its mapping if it has the dash.
        let above = !own.is_item() && beside(&mut self.lines[..line].iter().rev());
        let below = beside(
            &mut self.lines[line + 1..].iter().take_while(|line| line.indent.is_none_or(|indent| indent >= key)),
        );
        above || below
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::file::Duration;

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Model {
        name: String,
        items: Vec<Item>,
        nested: Nested,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Item {
        id: String,
        #[serde(default)]
        time: Duration,
        #[serde(default)]
        words: Vec<String>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Nested {
        time: Duration,
        deep: Vec<u8>,
    }

    /// Lines and columns of what is told.
    fn places(text: &str) -> Vec<(usize, usize)> {
        let errors = parse_all::<Option<Model>>(text, &Source::new("f", text)).err().unwrap_or_default();
        errors.iter().map(|error| (error.line(), error.column())).collect()
    }

    #[test]
    fn every_mistake_is_told_once_at_its_place() {
        for (text, wanted) in [
            ("name: a\nitems: []\n", &[][..]),
            ("nme: a\nitms: []\n", &[(1, 1), (2, 1)]),
            ("nme: a\nnested:\n  time: 5\n", &[(1, 1), (3, 9)]),
            ("nested:\n  tme: 5s\n  deep: [300]\nname: []\n", &[(2, 3), (3, 10), (4, 7)]),
            ("items:\n  - id: a\n    tme: 5s\n    time: 5\n    wrds: [a]\n", &[(3, 5), (4, 11), (5, 5)]),
            ("items:\n  - { id: a, tme: 5s }\n  - { id: b, time: 5 }\n", &[(2, 14), (3, 20)]),
            ("items: [\n  { id: a, tme: 5s },\n  { id: b, time: 5 } ]\n", &[(2, 12), (3, 18)]),
            ("items:\n- id: a\n  tme: 5s\n- id: b\n  time: x\n", &[(3, 3), (5, 9)]),
            // The slip is why `id` is missing.
            ("items:\n  - idd: a\n    tme: 5s\n", &[(2, 5), (3, 5)]),
            ("items:\n  - time: 5s\n    idd: a\n  - id: b\n    time: 5\n", &[(3, 5), (5, 11)]),
            // Here nothing is why.
            ("items:\n  - time: 5s\n  - id: b\n    time: 5\n", &[(2, 5), (4, 11)]),
            ("items:\n  - id: a\n    words:\n      - [a]\n    time: 5\n", &[(4, 9), (5, 11)]),
            (
                "nme:\n  long:\n    - a\n# a comment\nitms:\n- b\nname: ä\nnested: { tme: 1 }\n",
                &[(1, 1), (5, 1), (8, 11)],
            ),
        ] {
            assert_eq!(places(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_yaml_is_told_alone() {
        assert_eq!(places("name: [a\nitms: b\n").len(), 1);
        assert_eq!(places("items:\n\t- a\n").len(), 1);
        let over_lines = "items: [\n  { id: a,\n    tme: 5s },\n  { id: b, time: 5 } ]\n";
        assert_eq!(places(over_lines), [(3, 5)], "nobody knows how to leave out half of it");
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_is_read_or_told(text in "([ -]{0,4}(id|items|nested|name|time|x)?:? ?(a|5s|\\[a\\]|\\{ x: 1|ä)?\n){0,8}") {
            let read = parse_all::<Option<Model>>(&text, &Source::new("f", &text));
            let first = super::super::parse::<Option<Model>>(&text, &Source::new("f", &text));
            proptest::prop_assert_eq!(read.is_ok(), first.is_ok());
        }
    }
}
