//! How sure each fact about a vendor is, and the table of all of them.

use std::fmt;

/// Where a fact comes from. What is only remembered, or not known, is no fact: there a dialect keeps to the RFCs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// D: the vendor's documentation.
    Documented,
    /// S: the vendor's source, or that of its own client library.
    Source,
    /// I: seen in a public issue.
    Seen,
    /// T: seen in a third party's test, file or page; weaker than an issue.
    ThirdParty,
    /// –: nothing better is known of the vendor, so that this is as the RFCs have it, or our choice where they leave it
    /// open.
    Ours,
}

impl Certainty {
    /// One letter, as in the table; an en dash for what is ours.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Documented => "D",
            Self::Source => "S",
            Self::Seen => "I",
            Self::ThirdParty => "T",
            Self::Ours => "–",
        }
    }

    /// What the mark says.
    pub fn doc(self) -> &'static str {
        match self {
            Self::Documented => "the vendor's documentation",
            Self::Source => "source of the vendor or of its library",
            Self::Seen => "seen in a public issue",
            Self::ThirdParty => "seen in a third party's test or page",
            Self::Ours => "not known of the vendor: as the RFCs have it, or our choice",
        }
    }

    /// Every one, the surest first.
    pub const ALL: &'static [Self] = &[Self::Documented, Self::Source, Self::Seen, Self::ThirdParty, Self::Ours];
}

impl fmt::Display for Certainty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.mark())
    }
}

/// One thing that a dialect does, in words, and how sure it is that the vendor does it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is about.
    pub topic: &'static str,
    /// What the dialect does.
    pub says: String,
    /// How sure it is.
    pub certainty: Certainty,
}

/// A value that the server works with, and where it comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<T> {
    pub(crate) value: T,
    pub(crate) certainty: Certainty,
    /// What the value itself does not say; may be empty.
    pub(crate) note: &'static str,
}

/// What the vendor documents.
pub(crate) const fn documented<T>(value: T, note: &'static str) -> Known<T> {
    Known { value, certainty: Certainty::Documented, note }
}

/// What a source shows.
pub(crate) const fn in_source<T>(value: T, note: &'static str) -> Known<T> {
    Known { value, certainty: Certainty::Source, note }
}

/// What an issue shows.
pub(crate) const fn seen<T>(value: T, note: &'static str) -> Known<T> {
    Known { value, certainty: Certainty::Seen, note }
}

/// What somebody else's test or page shows.
pub(crate) const fn third_party<T>(value: T, note: &'static str) -> Known<T> {
    Known { value, certainty: Certainty::ThirdParty, note }
}

/// What nobody is known to have said.
pub(crate) const fn ours<T>(value: T, note: &'static str) -> Known<T> {
    Known { value, certainty: Certainty::Ours, note }
}

impl<T> Known<T> {
    /// The fact in words, `said` being its value.
    pub(crate) fn fact(&self, topic: &'static str, said: impl fmt::Display) -> Fact {
        let said = said.to_string();
        let says = match (said.is_empty(), self.note.is_empty()) {
            (false, false) => format!("{said}; {}", self.note),
            (false, true) => said,
            (true, _) => self.note.to_owned(),
        };
        Fact { topic, says, certainty: self.certainty }
    }
}

/// The table of a set of dialects, in Markdown: one row a fact.
pub(super) fn table<'a>(of: impl Iterator<Item = (&'a str, Vec<Fact>)>) -> String {
    let mut rows: Vec<(usize, &str, &str, String, Certainty)> = Vec::new();
    let mut topics: Vec<&str> = Vec::new();
    for (name, facts) in of {
        for Fact { topic, says, certainty } in facts {
            let place = topics.iter().position(|known| *known == topic).unwrap_or_else(|| {
                topics.push(topic);
                topics.len() - 1
            });
            rows.push((place, topic, name, says, certainty));
        }
    }
    // Stable: within a topic, dialects stay in their order.
    rows.sort_by_key(|(place, ..)| *place);
    let mut text = String::from("| topic | dialect | what it does | mark |\n|---|---|---|---|\n");
    for (_, topic, name, says, certainty) in rows {
        let says = says.replace('|', "\\|");
        text += &format!("| {topic} | {name} | {says} | {certainty} |\n");
    }
    text
}
