//! How a parsed type says what is wrong with its text: serde lets through one string only, so it has a form.

use std::fmt;

/// What is wrong, which word of the text is meant, and what would be right.
///
/// Its [`Display`](fmt::Display) goes through serde as an error's text and comes back with [`Complaint::read`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong.
    pub message: String,
    /// The part of the value that is meant, where it is not the whole.
    pub word: Option<String>,
    /// What would be right.
    pub hint: Option<String>,
}

const WORD: &str = "\n  at: ";
const HINT: &str = "\n  hint: ";

impl Complaint {
    /// About the whole value.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), word: None, hint: None }
    }

    /// Names the part that is meant.
    #[must_use]
    pub fn about(mut self, word: impl Into<String>) -> Self {
        self.word = Some(word.into());
        self
    }

    /// Says what would be right.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What is wrong, with what would be right in brackets.
    pub fn in_one_line(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} ({hint})", self.message),
            None => self.message.clone(),
        }
    }

    /// Takes an error's text apart again; any text is at least a message.
    pub fn read(text: &str) -> Self {
        let (text, hint) = match text.split_once(HINT) {
            Some((text, hint)) => (text, Some(hint.to_owned())),
            None => (text, None),
        };
        let (message, word) = match text.split_once(WORD) {
            Some((message, word)) => (message, Some(word.to_owned())),
            None => (text, None),
        };
        Self { message: message.to_owned(), word, hint }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(word) = &self.word {
            write!(f, "{WORD}{word}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "{HINT}{hint}")?;
        }
        Ok(())
    }
}

/// The word of `known` that `word` was most likely meant to be: at most half of its letters are wrong.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    all_nearest(word, known).first().copied()
}

/// The nearest words, in the order of the documentation: in short words one slip may stand for two of them.
pub fn all_nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let lower = word.to_lowercase();
    let near = known.into_iter().filter_map(|candidate| {
        let distance = strsim::osa_distance(&lower, &candidate.to_lowercase());
        // Fingers that slipped rather changed places than letters.
        let other_letters = letters(candidate) != letters(&lower);
        (distance <= candidate.chars().count().div_ceil(2).min(4)).then_some(((distance, other_letters), candidate))
    });
    let near: Vec<_> = near.collect();
    let best = near.iter().map(|(rank, _)| *rank).min();
    near.iter().filter(|(rank, _)| Some(*rank) == best).map(|(_, candidate)| *candidate).collect()
}

fn letters(word: &str) -> Vec<char> {
    let mut letters: Vec<_> = word.to_lowercase().chars().collect();
    letters.sort_unstable();
    letters
}

/// A hint with the nearest word or words, else with all of them.
pub fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let quoted = |words: Vec<&str>| words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>();
    let near = quoted(all_nearest(word, known.clone()));
    let all = quoted(known.into_iter().collect());
    match (near.is_empty(), all.is_empty()) {
        (false, _) => format!("did you mean {}?", near.join(" or ")),
        (true, false) => format!("one of {}", all.join(", ")),
        (true, true) => "nothing may stand here".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_survives_its_text() {
        for complaint in [
            Complaint::new("a: b"),
            Complaint::new("unknown unit `x`").about("5x").hint("one of `ms`, `s`"),
            Complaint::new("m").hint("h"),
            Complaint::new("m").about("w"),
        ] {
            assert_eq!(Complaint::read(&complaint.to_string()), complaint);
        }
    }

    #[test]
    fn the_nearest_word_is_near() {
        let known = ["id", "do", "when", "count", "idp.request", "idp.response"];
        for (wrong, right) in
            [("dp", "do"), ("whem", "when"), ("idp.respones", "idp.response"), ("Count", "count"), ("od", "do")]
        {
            assert_eq!(nearest(wrong, known), Some(right), "{wrong}");
        }
        assert_eq!(suggest("d", known), "did you mean `id` or `do`?", "either may be meant");
        assert_eq!(nearest("zzzzzz", known), None);
        assert!(suggest("zzzzzz", known).contains("`when`"));
    }
}
