//! A length of time that a file fixes, or leaves to the seed within bounds.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use mock_idp::file::At;
use mock_idp::file::Duration;

/// How long: `300ms`, or `{ between: [50ms, 400ms] }`, which is drawn from the seed for each firing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delay {
    /// Always so long.
    Fixed(Duration),
    /// Drawn anew for each firing, both ends included, in whole milliseconds.
    Drawn(Between),
}

/// The bounds of what is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// The shortest and the longest.
    pub between: [At<Duration>; 2],
}

impl Delay {
    /// No time at all.
    pub const ZERO: Self = Self::Fixed(Duration::ZERO);

    /// The shortest that it can be.
    pub fn shortest(&self) -> Duration {
        match self {
            Self::Fixed(fixed) => *fixed,
            Self::Drawn(Between { between: [shortest, _] }) => shortest.value,
        }
    }

    /// The longest that it can be.
    pub fn longest(&self) -> Duration {
        match self {
            Self::Fixed(fixed) => *fixed,
            Self::Drawn(Between { between: [_, longest] }) => longest.value,
        }
    }
}

impl Serialize for Delay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(fixed) => fixed.serialize(serializer),
            Self::Drawn(between) => between.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Delay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FixedOrDrawn;
        impl<'de> Visitor<'de> for FixedOrDrawn {
            type Value = Delay;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as `250ms`, or `{ between: [50ms, 400ms] }`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Delay, E> {
                text.parse().map(Delay::Fixed).map_err(E::custom)
            }

            // A number lacks its unit, which is said as of any duration.
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Delay, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Delay, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Delay, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Delay, A::Error> {
                Between::deserialize(MapAccessDeserializer::new(map)).map(Delay::Drawn)
            }
        }
        deserializer.deserialize_any(FixedOrDrawn)
    }
}

impl JsonSchema for Delay {
    fn schema_name() -> Cow<'static, str> {
        "Delay".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (fixed, drawn) = (generator.subschema_for::<Duration>(), generator.subschema_for::<Between>());
        json_schema!({
            "description": "how long, fixed or drawn from the seed for each firing",
            "oneOf": [fixed, drawn]
        })
    }
}
