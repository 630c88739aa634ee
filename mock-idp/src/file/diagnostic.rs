//! An error in a file: where, what, and what would be right.

use std::fmt;
use std::sync::Arc;

use miette::{LabeledSpan, NamedSource, SourceCode};
use serde::de::DeserializeOwned;
use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};

use super::at::Position;
use super::complaint::{Complaint, suggest};

/// The text of a file and its name, shared by all diagnostics of it.
#[derive(Debug, Clone)]
pub struct Source(Arc<NamedSource<String>>);

impl Source {
    /// `name` is shown in front of line and column.
    pub fn new(name: &str, text: &str) -> Self {
        Self(Arc::new(NamedSource::new(name, text.to_owned())))
    }

    fn text(&self) -> &str {
        self.0.inner()
    }

    /// The place at a line and column, both from 1; columns count characters.
    fn position(&self, line: u64, column: u64) -> Position {
        let before = |count: u64| usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX);
        let start: usize = self.text().split_inclusive('\n').take(before(line)).map(str::len).sum();
        let rest = self.text().get(start..).unwrap_or_default();
        let inside: usize = rest.chars().take_while(|c| *c != '\n').take(before(column)).map(char::len_utf8).sum();
        Position { start: start + inside, len: 1 }
    }

    /// The first tab from the beginning of a place's line on.
    fn first_tab(&self, place: Position) -> Position {
        let before = self.text().get(..place.start).unwrap_or_default();
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        let tab = self.text().get(line..).and_then(|rest| rest.find('\t'));
        tab.map_or(place, |tab| Position { start: line + tab, len: 1 })
    }

    /// The word in front of a place where no value can begin: it says what, and then nothing is said.
    fn word_without_value(&self, place: Position) -> Option<(Position, &str)> {
        let (before, rest) = self.text().split_at_checked(place.start)?;
        let ends = rest.starts_with(['}', ']']);
        let key = rest.find([':', ',', '\n', '{', '[', '}', ']']).is_some_and(|at| rest[at..].starts_with(':'));
        let before =
            before.trim_end_matches(|letter: char| letter.is_whitespace() || letter == ',').trim_end_matches('"');
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let word = &before[before.trim_end_matches(is_word).len()..];
        let start = before.len() - word.len();
        ((ends || key) && !word.is_empty()).then_some((Position { start, len: word.len() }, word))
    }

    /// Line and column, both from 1; columns count characters.
    fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let before = self.text().get(..offset).unwrap_or(self.text());
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// One error of a file.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    source: Source,
    position: Position,
    complaint: Complaint,
}

impl Diagnostic {
    /// An error at a place of a file.
    pub fn new(source: &Source, position: Position, complaint: Complaint) -> Self {
        let mut position = position;
        // A word inside the value is pointed at itself.
        if let Some(word) = complaint.word.as_deref()
            && let Some(rest) = source.text().get(position.start..)
            && let Some(found) = rest.get(..position.len.max(1)).unwrap_or(rest).find(word)
        {
            position = Position { start: position.start + found, len: word.len() };
        }
        Self { source: source.clone(), position, complaint }
    }

    /// The file's name as it was given.
    pub fn file(&self) -> &str {
        self.source.0.name()
    }

    /// Line, from 1.
    pub fn line(&self) -> usize {
        self.source.line_and_column(self.position.start).0
    }

    /// Column in characters, from 1.
    pub fn column(&self) -> usize {
        self.source.line_and_column(self.position.start).1
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.complaint.message
    }

    /// What would be right.
    pub fn hint(&self) -> Option<&str> {
        self.complaint.hint.as_deref()
    }

    /// Both.
    pub fn complaint(&self) -> &Complaint {
        &self.complaint
    }

    /// Over several lines, with the place in its file shown.
    pub fn excerpt(&self) -> String {
        format!("{:?}", miette::Report::new(Excerpt(self.clone())))
    }
}

/// One line: `file:line:column: message (hint)`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file(), self.line(), self.column(), self.complaint.in_one_line())
    }
}

impl std::error::Error for Diagnostic {}

/// As miette prints it: the hint, which one line needs in its headline, has a place of its own there.
#[derive(Debug)]
struct Excerpt(Diagnostic);

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(it) = self;
        write!(f, "{}:{}:{}: {}", it.file(), it.line(), it.column(), it.message())
    }
}

impl std::error::Error for Excerpt {}

impl miette::Diagnostic for Excerpt {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.hint().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.0.source.0)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        // Never beyond the end: miette would show no excerpt at all.
        let Diagnostic { source, position, .. } = &self.0;
        let end = source.text().len();
        let start = position.start.min(end);
        let len = position.len.min(end - start);
        Some(Box::new(std::iter::once(LabeledSpan::new(Some("here".to_owned()), start, len))))
    }
}

/// Collects the errors of one file.
#[derive(Debug)]
pub struct Problems {
    source: Source,
    found: Vec<Diagnostic>,
}

impl Problems {
    /// None yet.
    pub fn new(source: Source) -> Self {
        Self { source, found: Vec::new() }
    }

    /// `complaint` about what stands there.
    pub fn add(&mut self, at: Position, complaint: Complaint) {
        self.found.push(Diagnostic::new(&self.source, at, complaint));
    }

    /// `word` is none of `known`.
    pub fn unknown<'a>(
        &mut self,
        at: Position,
        what: &str,
        word: &str,
        known: impl IntoIterator<Item = &'a str> + Clone,
    ) {
        self.add(at, Complaint::new(format!("unknown {what} `{word}`")).hint(suggest(word, known)));
    }

    /// `value`, if nothing was found.
    ///
    /// # Errors
    ///
    /// All that was found, in the order of the file.
    pub fn finish<T>(mut self, value: T) -> Result<T, Vec<Diagnostic>> {
        self.found.sort_by_key(|diagnostic| diagnostic.position.start);
        if self.found.is_empty() { Ok(value) } else { Err(self.found) }
    }
}

/// Reads YAML into a model.
///
/// # Errors
///
/// The first thing that does not fit the model, with its place.
pub fn parse<T: DeserializeOwned>(text: &str, source: &Source) -> Result<T, Diagnostic> {
    read(text, source).map_err(|(error, _)| error)
}

/// What kind of mistake an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mistake {
    /// The text is no YAML.
    NoYaml,
    /// A key is missing; the place is that of its mapping.
    Missing,
    /// What stands at the place does not fit.
    Wrong,
}

/// As [`parse`] does, with the kind of the mistake.
pub(super) fn read<T: DeserializeOwned>(text: &str, source: &Source) -> Result<T, (Diagnostic, Mistake)> {
    let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let mistake = match error.without_snippet() {
            Error::SerdeMissingField { .. } => Mistake::Missing,
            Error::SerdeUnknownField { .. }
            | Error::SerdeUnknownVariant { .. }
            | Error::SerdeInvalidType { .. }
            | Error::SerdeInvalidValue { .. }
            | Error::SerdeInvalidLength { .. }
            | Error::DuplicateMappingKey { .. }
            | Error::InvalidScalar { .. }
            | Error::InvalidBooleanStrict { .. }
            | Error::NullIntoString { .. }
            | Error::Unexpected { .. }
            | Error::UnexpectedValueForUnit { .. }
            | Error::UnexpectedValueForUnitEnumVariant { .. }
            | Error::ExpectedMappingEndAfterEnumVariantValue { .. }
            | Error::ExpectedStringKeyForExternallyTaggedEnum { .. }
            | Error::ExternallyTaggedEnumExpectedScalarOrMapping { .. }
            | Error::UnexpectedMappingEnd { .. }
            | Error::UnexpectedSequenceEnd { .. }
            | Error::Message { .. } => Mistake::Wrong,
            _ => Mistake::NoYaml,
        };
        (of_yaml(&error, source), mistake)
    })
}

/// What the reader does not know by then: which words there are.
const ONE_KEY: &str = "with any word as key, such as `{ x: 1 }`, it is told which there are";

fn of_yaml(error: &Error, source: &Source) -> Diagnostic {
    let error = error.without_snippet();
    if let Error::Unexpected { .. } | Error::UnexpectedMappingEnd { .. } | Error::UnexpectedSequenceEnd { .. } = error
        && let Some((place, word)) = source.word_without_value(place_of(error, source))
    {
        let complaint = Complaint::new(format!("`{word}` says too little by itself"));
        return Diagnostic::new(
            source,
            place,
            complaint.hint(format!("a value belongs to it, as in `{{ {word}: … }}`")),
        );
    }
    let complaint = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            Complaint::new(format!("unknown key `{field}`")).hint(suggest(field, expected.iter().copied()))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            // Only actions have a dot in their names.
            let what = if expected.iter().any(|word| word.contains('.')) { "action" } else { "word" };
            Complaint::new(format!("unknown {what} `{variant}`")).hint(suggest(variant, expected.iter().copied()))
        }
        Error::SerdeMissingField { field, .. } => Complaint::new(format!("the key `{field}` is missing")),
        Error::DuplicateMappingKey { key: Some(key), .. } => Complaint::new(format!("the key `{key}` stands twice")),
        Error::SerdeInvalidType { unexpected, expected, .. }
        | Error::SerdeInvalidValue { unexpected, expected, .. } => {
            if expected.contains("nonzero") {
                let complaint = Complaint::new("a whole number from 1 on must stand here").hint("such as `1`");
                return Diagnostic::new(source, place_of(error, source), complaint);
            }
            Complaint::new(format!("found {unexpected}, expected {expected}"))
        }
        // Of a library's own reader of durations, which knows no hint.
        Error::Message { msg, .. } if msg.contains("duration format") => {
            Complaint::new("a duration must stand here").hint("with its unit, as in `5m`, `250ms` or `1h30m`")
        }
        Error::Message { msg, .. } => Complaint::read(msg),
        Error::InvalidBooleanStrict { .. } => {
            Complaint::new("`true` or `false` must stand here").hint("without quotes")
        }
        Error::ExpectedStringKeyForExternallyTaggedEnum { .. } => {
            Complaint::new("nothing stands here, and one key must").hint(ONE_KEY)
        }
        Error::ExternallyTaggedEnumExpectedScalarOrMapping { .. } => {
            Complaint::new("a word or a mapping of one key must stand here").hint(ONE_KEY)
        }
        Error::Unexpected { expected: "sequence start", .. } => {
            Complaint::new("a list must stand here").hint("in brackets, or each item behind `- ` on a line of its own")
        }
        Error::Unexpected { expected: "mapping start", .. } => Complaint::new("a mapping must stand here")
            .hint("such as `{ key: value }`, or each key on a line of its own"),
        Error::Unexpected { expected: "string scalar", .. } => Complaint::new("text must stand here")
            .hint("in one line, in quotes where it begins with a bracket or a brace"),
        Error::NullIntoString { .. } => Complaint::new("nothing stands here, and text must")
            .hint("write what is missing; `\"\"` is text of no length"),
        Error::InvalidScalar { ty, .. } if ty.starts_with(['i', 'u']) => {
            Complaint::new("a whole number must stand here").hint("such as `1`; it may be too large, too, or below 0")
        }
        Error::Eof { .. } => Complaint::new("the file ends where something must stand").hint("is it all there?"),
        Error::ExpectedMappingEndAfterEnumVariantValue { .. } => {
            Complaint::new("more than one key where exactly one must stand")
                .hint("keep one of them; the other belongs in an item of its own")
        }
        other => {
            let message = UserMessageFormatter.format_message(other);
            if message.split(|c: char| !c.is_alphabetic()).any(|word| matches!(word, "tab" | "tabs")) {
                let complaint = Complaint::new("a tab stands where YAML wants spaces").hint("indent with spaces only");
                return Diagnostic::new(source, source.first_tab(place_of(error, source)), complaint);
            }
            Complaint::new(message)
        }
    };
    Diagnostic::new(source, place_of(error, source), complaint)
}

/// Of what is no YAML at all only line and column are known, of all else the bytes.
fn place_of(error: &Error, source: &Source) -> Position {
    let Some(location) = error.location() else { return Position::default() };
    match location.span().byte_offset() {
        Some(_) => Position::from(location),
        None => source.position(location.line(), location.column()),
    }
}
