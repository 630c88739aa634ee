//! One line of a journal, and reading a journal back.

use std::io::BufRead;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::id::{Seq, TokenName};
use super::run::SCHEMA_VERSION;

/// An event with its place in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its number, without gaps, from 1.
    pub seq: Seq,
    /// Microseconds since the journal was opened.
    pub at_us: u64,
    /// The event while whose recording this one came about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<Seq>,
    /// What happened, with every secret replaced by its name.
    #[serde(flatten)]
    pub event: Event,
    /// The secrets that were replaced in it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub sightings: Vec<Sighting>,
}

impl Record {
    /// When it was recorded, since the journal was opened.
    pub fn at(&self) -> Duration {
        Duration::from_micros(self.at_us)
    }
}

/// Where in an event a secret was seen, and how it was hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Which secret.
    pub secret: TokenName,
    /// Encodings around it, outermost first; empty for plain text.
    pub encoding: Vec<String>,
    /// Where it stood.
    pub place: Place,
}

/// A JSON pointer (RFC 6901) into the event: `/failure/cause/message`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Place(pub String);

/// A journal that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be read.
    #[error("the file cannot be read")]
    Io(#[from] std::io::Error),
    /// Not even its first record is whole.
    #[error("it ends before its first record does")]
    Empty,
    /// A line other than a torn last one is no record.
    #[error("line {line} is not a journal record")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The numbers have a gap, so lines are missing.
    #[error("line {line} has number {found} where {expected} was expected: lines are missing")]
    Gap {
        /// Its number, from 1.
        line: usize,
        /// The number that should follow.
        expected: Seq,
        /// The number that stands there.
        found: Seq,
    },
    /// It has no first record that says what was run.
    #[error("it does not begin with `run.started`")]
    NoHeader,
    /// Another version of the format.
    #[error("it has format version {found}, this command reads {SCHEMA_VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
}

impl ReadError {
    /// What whoever wants it judged can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io(_) => "name a journal (`*.jsonl`) that `tokenlapse run` wrote, or the directory of a run",
            Self::Empty => "the run was ended just when this scenario began: run it again",
            Self::Line { .. } | Self::Gap { .. } => {
                "the file was changed, or is of another program: take the original, or run the scenario again"
            }
            Self::NoHeader => "a journal begins with what was run: take one that `tokenlapse run` wrote",
            Self::Version { .. } => "check it with the version of tokenlapse that wrote it",
        }
    }
}

/// Reads a journal. A torn last line (the writer was killed while writing) is ignored.
///
/// # Errors
///
/// See [`ReadError`].
pub fn read(mut input: impl BufRead) -> Result<Vec<Record>, ReadError> {
    let mut records: Vec<Record> = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        input.read_until(b'\n', &mut line)?;
        if line.is_empty() {
            break;
        }
        let whole = line.ends_with(b"\n");
        match serde_json::from_slice::<Record>(&line) {
            // A record is only there once its line is: the end may be torn at a place where it still parses.
            Ok(_) if !whole => break,
            Ok(record) => {
                let expected = Seq(records.len() as u64 + 1);
                if record.seq != expected {
                    return Err(ReadError::Gap { line: number, expected, found: record.seq });
                }
                if records.is_empty() {
                    // Before anything else: lines of another version need not be records of this one.
                    known_version(&record.event)?;
                }
                records.push(record);
            }
            Err(_) if !whole => break,
            Err(source) => return Err(ReadError::Line { line: number, source }),
        }
    }
    if records.is_empty() { Err(ReadError::Empty) } else { Ok(records) }
}

fn known_version(first: &Event) -> Result<(), ReadError> {
    match first {
        Event::RunStarted(header) if header.schema == SCHEMA_VERSION => Ok(()),
        Event::RunStarted(header) => Err(ReadError::Version { found: header.schema }),
        _ => Err(ReadError::NoHeader),
    }
}
