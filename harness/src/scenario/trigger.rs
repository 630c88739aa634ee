//! When a fault fires, when it is healed, and what proves that it bit: an event, told apart by its fields.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

use mock_idp::file::At;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, de};

use super::value::Entries;

/// Waits for the `nth` event of a kind that passes the filters, counted from arming.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// Kind of the event, `idp.request`.
    pub event: At<String>,
    /// Fields of the event that must have these values, by their names.
    #[serde(rename = "where", default)]
    pub filters: Entries<OneOf>,
    /// Which one, from 1. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<At<NonZeroU32>>,
    /// What is counted apart from each other.
    #[serde(default)]
    pub per: At<Per>,
    /// Id of the fault that arms this one by firing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<At<String>>,
    /// Whether it acts on the event that it waited for or on the following one of the same kind and filters.
    #[serde(default)]
    pub then: Then,
}

/// What events are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// All together.
    #[default]
    Scenario,
    /// Each workflow for itself.
    Workflow,
    /// Each worker instance for itself.
    Instance,
    /// Each OAuth client for itself.
    Client,
    /// Each token for itself.
    Token,
}

impl Per {
    /// The field of an event that tells them apart.
    pub fn field(self) -> Option<&'static str> {
        match self {
            Self::Scenario => None,
            Self::Workflow => Some("workflow"),
            Self::Instance => Some("instance"),
            Self::Client => Some("client"),
            Self::Token => Some("token"),
        }
    }
}

/// Which event a trigger acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// The one that it waited for.
    #[default]
    This,
    /// The following one.
    Next,
}

/// What proves that a fault bit: an event after it fired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bite {
    /// Kind of the event.
    pub event: At<String>,
    /// Fields of the event that must have these values.
    #[serde(rename = "where", default)]
    pub filters: Entries<OneOf>,
    /// Which one after the firing, from 1. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<NonZeroU32>,
    /// Fields that must have the values that the triggering event had, such as `token`.
    #[serde(default)]
    pub same: Vec<At<String>>,
}

/// A single value of an event's field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)] // Serialised only: reading is by hand, so that places are kept.
pub enum Scalar {
    /// True and false also ask whether a field is there at all.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// A word.
    Text(String),
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// One value or a list of them, any of which will do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct OneOf(Vec<At<Scalar>>);

impl OneOf {
    /// The values.
    pub fn values(&self) -> &[At<Scalar>] {
        &self.0
    }
}

impl FromIterator<Scalar> for OneOf {
    fn from_iter<I: IntoIterator<Item = Scalar>>(values: I) -> Self {
        Self(values.into_iter().map(At::from).collect())
    }
}

macro_rules! visit_scalars {
    ($value:ty, $wrap:expr) => {
        fn visit_bool<E>(self, value: bool) -> Result<$value, E> {
            Ok($wrap(Scalar::Bool(value)))
        }

        fn visit_i64<E>(self, value: i64) -> Result<$value, E> {
            Ok($wrap(Scalar::Number(value)))
        }

        fn visit_u64<E: de::Error>(self, value: u64) -> Result<$value, E> {
            i64::try_from(value).map(|value| $wrap(Scalar::Number(value))).map_err(|_| E::custom("a number too large"))
        }

        fn visit_str<E>(self, value: &str) -> Result<$value, E> {
            Ok($wrap(Scalar::from(value)))
        }
    };
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;
        impl Visitor<'_> for One {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word, a whole number, true or false")
            }

            visit_scalars!(Scalar, |value| value);
        }
        deserializer.deserialize_any(One)
    }
}

impl<'de> Deserialize<'de> for OneOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = OneOf;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word, a whole number, true or false, or a list of them")
            }

            visit_scalars!(OneOf, |value| OneOf(vec![At::from(value)]));

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOf, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                Ok(OneOf(values))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

impl JsonSchema for OneOf {
    fn schema_name() -> Cow<'static, str> {
        "OneOf".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "a value, or a list of them, any of which will do",
            "type": ["string", "integer", "boolean", "array"],
            "items": { "type": ["string", "integer", "boolean"] },
            "minItems": 1
        })
    }
}
