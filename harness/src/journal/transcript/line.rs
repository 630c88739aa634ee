//! Lines whose tokens have no name yet, so that equal stories are equal before anything is named.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::tokens::Key;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Text(String),
    Token(Key),
}

/// One line of a transcript.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    indent: usize,
    pieces: Vec<Piece>,
}

impl Line {
    /// An empty line so many steps to the right.
    pub(super) fn at(indent: usize) -> Self {
        Self { indent, pieces: Vec::new() }
    }

    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.pieces.push(Piece::Text(text.into()));
        self
    }

    pub(super) fn token(mut self, token: Key) -> Self {
        self.pieces.push(Piece::Token(token));
        self
    }

    pub(super) fn with(mut self, others: Self) -> Self {
        self.pieces.extend(others.pieces);
        self
    }
}

/// A few lines that belong together: one workflow, one worker's grants.
pub(super) type Story = Vec<Line>;

/// Equal stories with their number: the most frequent first, then by content.
pub(super) fn merge(stories: impl IntoIterator<Item = Story>) -> Vec<(usize, Story)> {
    let mut counted: BTreeMap<Story, usize> = BTreeMap::new();
    for story in stories {
        *counted.entry(story).or_default() += 1;
    }
    let mut merged: Vec<_> = counted.into_iter().map(|(story, count)| (count, story)).collect();
    merged.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    merged
}

/// `8 × `, and nothing for one.
pub(super) fn times(count: usize) -> String {
    if count == 1 { String::new() } else { format!("{count} × ") }
}

/// Writes lines and names tokens as they first come up: `T1`, `T2` for access tokens, `R1` for refresh tokens.
#[derive(Default)]
pub(super) struct Page {
    text: String,
    names: BTreeMap<Key, String>,
    access: u32,
    refresh: u32,
}

impl Page {
    pub(super) fn line(&mut self, line: &Line) {
        self.text.push_str(&"  ".repeat(line.indent));
        for piece in &line.pieces {
            match piece {
                Piece::Text(text) => self.text.push_str(text),
                Piece::Token(key) => {
                    let (letter, count) =
                        if key.is_refresh() { ('R', &mut self.refresh) } else { ('T', &mut self.access) };
                    let name = self.names.entry(key.clone()).or_insert_with(|| {
                        *count += 1;
                        format!("{letter}{count}")
                    });
                    self.text.push_str(name);
                }
            }
        }
        self.text.push('\n');
    }

    /// A story after an empty line, with how often it happened before its first line.
    pub(super) fn story(&mut self, count: usize, story: &[Line]) {
        let _ = writeln!(self.text);
        for (index, line) in story.iter().enumerate() {
            let counted = if index == 0 { times(count) } else { String::new() };
            self.line(&Line::at(line.indent).text(counted).with(line.clone()));
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}
