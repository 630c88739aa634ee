//! How long the documents of a provider may be kept by whoever fetches them.

use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `Cache-Control` of documents, as in `max-age=300`; an empty text leaves it out. Default: as the dialect has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "file", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Caching {
    /// Of the JWKS.
    #[cfg_attr(feature = "file", schemars(with = "Option<String>"))]
    #[cfg_attr(feature = "admin", schema(value_type = Option<String>, example = "max-age=300"))]
    pub jwks: CacheControl,
    /// Of discovery documents.
    #[cfg_attr(feature = "file", schemars(with = "Option<String>"))]
    #[cfg_attr(feature = "admin", schema(value_type = Option<String>, example = "no-store"))]
    pub discovery: CacheControl,
}

/// `Cache-Control` of a document (RFC 9111 §5.2). In files and over HTTP it is a text, which is empty where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CacheControl {
    /// As the dialect has it.
    #[default]
    OfDialect,
    /// There is none.
    Absent,
    /// This.
    Says(HeaderValue),
}

/// A text that no header field can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`Cache-Control` cannot say {0:?}: write one line of ASCII, as in `max-age=300`")]
pub struct NotAHeader(String);

impl CacheControl {
    /// The field says this; an empty text leaves it out.
    ///
    /// # Errors
    ///
    /// If no header field can say it.
    pub fn says(text: &str) -> Result<Self, NotAHeader> {
        match text {
            "" => Ok(Self::Absent),
            text => HeaderValue::from_str(text).map(Self::Says).map_err(|_| NotAHeader(text.to_owned())),
        }
    }

    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        match self {
            Self::OfDialect => {}
            Self::Absent => drop(headers.remove(CACHE_CONTROL)),
            Self::Says(value) => drop(headers.insert(CACHE_CONTROL, value.clone())),
        }
    }

    /// As it is written; `None` for what is the dialect's.
    fn text(&self) -> Option<&str> {
        match self {
            Self::OfDialect => None,
            Self::Absent => Some(""),
            Self::Says(value) => value.to_str().ok(),
        }
    }
}

impl<'de> Deserialize<'de> for CacheControl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Option::<String>::deserialize(deserializer)? {
            Some(text) => Self::says(&text).map_err(serde::de::Error::custom),
            None => Ok(Self::OfDialect),
        }
    }
}

impl Serialize for CacheControl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text().serialize(serializer)
    }
}
