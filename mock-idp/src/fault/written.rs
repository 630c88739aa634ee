//! What replies are written with in files and over HTTP: a status and header fields for which HTTP has a form. What it has
//! no form for would be left out in silence, and the rule would do something else than it says.

use std::collections::BTreeMap;
use std::fmt;

use http::{HeaderName, HeaderValue};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A mistake, and what would be right behind the words by which files find it (`file::Complaint`).
fn mistake<E: Error>(what: impl fmt::Display, right: &str) -> E {
    E::custom(format!("{what}\n  hint: {right}"))
}

/// The status of an answer (RFC 9110 §15). Those below 200 only announce one.
struct Status(u16);

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        let status = u16::try_from(number).ok().filter(|status| (200..=599).contains(status));
        let right = "a number from 200 to 599, as in `503`";
        status.map(Self).ok_or_else(|| mistake(format_args!("`{number}` is no status of an answer"), right))
    }
}

/// The name of a header field (RFC 9110 §5.1).
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let right = "letters, digits and `-` without blanks, as in `X-Request-Id`";
        match name.parse::<HeaderName>() {
            Ok(_) => Ok(Self(name)),
            Err(_) => Err(mistake(format_args!("{name:?} is no name of a header field"), right)),
        }
    }
}

/// The value of a header field (RFC 9110 §5.5).
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let right = "one line without control characters, as in `max-age=300`";
        match text.parse::<HeaderValue>() {
            Ok(_) => Ok(Self(text)),
            Err(_) => Err(mistake(format_args!("no header field can say {text:?}"), right)),
        }
    }
}

pub(crate) fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    Status::deserialize(deserializer).map(|it| it.0)
}

pub(crate) fn perhaps_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    Ok(Option::<Status>::deserialize(deserializer)?.map(|it| it.0))
}

pub(crate) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Name::deserialize(deserializer).map(|it| it.0)
}

pub(crate) fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Vec::<Name>::deserialize(deserializer)?.into_iter().map(|it| it.0).collect())
}

pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Text::deserialize(deserializer).map(|it| it.0)
}

pub(crate) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, String)>, D::Error> {
    Ok(Vec::<(Name, Text)>::deserialize(deserializer)?.into_iter().map(|(name, text)| (name.0, text.0)).collect())
}

pub(crate) fn map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let map = BTreeMap::<Name, Text>::deserialize(deserializer)?;
    Ok(map.into_iter().map(|(name, text)| (name.0, text.0)).collect())
}
