//! Durations as files write them: `5m`, `2s`, `250ms`, `1h30m`, `0s`, and signed ones for clocks: `-5m`.

use std::fmt;
use std::str::FromStr;

use super::complaint::{Complaint, suggest};

/// Units with their milliseconds, the largest first.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The longest length of time that a file may say: ten years. What is beyond was never meant, and could not be added to
/// the time of day in every language that a worker may be written in.
const LONGEST: Duration = Duration(3_650 * 86_400_000);

/// A length of time in whole milliseconds, in a file at most 3650 days. A number without a unit is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(u64);

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds * 1_000)
    }

    /// So many milliseconds.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// In milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// As the standard library has it.
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }
}

impl From<std::time::Duration> for Duration {
    /// In whole milliseconds.
    fn from(duration: std::time::Duration) -> Self {
        Self(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.to_std()
    }
}

impl FromStr for Duration {
    type Err = Complaint;

    fn from_str(text: &str) -> Result<Self, Complaint> {
        let units = || "units are `d`, `h`, `m`, `s` and `ms`, as in `5m`, `250ms` or `1h30m`";
        let mut rest = text;
        let mut total: u64 = 0;
        // The index of the smallest unit so far: larger ones come first, each once.
        let mut next_unit = 0;
        loop {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (number, after) = rest.split_at(digits);
            if number.is_empty() {
                return Err(Complaint::new(format!("`{text}` is not a duration")).hint(units()));
            }
            if after.is_empty() {
                return Err(Complaint::new(format!("the duration `{text}` needs a unit")).hint(units()));
            }
            let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
            let (unit, after) = after.split_at(letters);
            if unit.contains(char::is_whitespace) {
                return Err(Complaint::new(format!("blanks in the duration `{text}`"))
                    .hint(format!("write it without them; {}", units())));
            }
            let Some(index) = UNITS.iter().position(|(name, _)| *name == unit) else {
                let known = UNITS.iter().map(|(name, _)| *name);
                let near = suggest(unit, known.clone());
                return Err(Complaint::new(format!("unknown unit `{unit}` in the duration `{text}`"))
                    .hint(format!("{near}; {}", units())));
            };
            if index < next_unit {
                return Err(Complaint::new(format!("the units of `{text}` are not in order"))
                    .hint("larger units come first, each once"));
            }
            next_unit = index + 1;
            let too_long = || {
                Complaint::new(format!("the duration `{text}` is too long"))
                    .hint(format!("at most `{LONGEST}`, ten years"))
            };
            let number: u64 = number.parse().map_err(|_| too_long())?;
            total = number
                .checked_mul(UNITS[index].1)
                .and_then(|millis| total.checked_add(millis))
                .filter(|millis| *millis <= LONGEST.0)
                .ok_or_else(too_long)?;
            rest = after;
            if rest.is_empty() {
                return Ok(Self(total));
            }
        }
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, millis) in UNITS {
            if rest >= millis {
                write!(f, "{}{unit}", rest / millis)?;
                rest %= millis;
            }
        }
        Ok(())
    }
}

/// A signed length of time in whole milliseconds: how far a clock is moved. `5m` and `+5m` are ahead, `-5m` is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset(i64);

impl Offset {
    /// In milliseconds; negative is behind.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

impl FromStr for Offset {
    type Err = Complaint;

    fn from_str(text: &str) -> Result<Self, Complaint> {
        let (sign, length) = match text.strip_prefix('-') {
            Some(length) => (-1, length),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let length: Duration = length.parse()?;
        let millis = i64::try_from(length.0).map_err(|_| Complaint::new(format!("`{text}` is too long")))?;
        Ok(Self(sign * millis))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}", Duration(self.0.unsigned_abs()))
    }
}

/// Serde and JSON Schema for a type that is written as text: its [`Display`](fmt::Display) and [`FromStr`], its name, what
/// is expected of the text, and a pattern for editors.
#[macro_export]
macro_rules! as_text {
    ($type:ty, $name:literal, $expected:literal, $pattern:literal) => {
        impl ::serde::Serialize for $type {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl ::serde::de::Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: ::serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        impl ::schemars::JsonSchema for $type {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                ::schemars::json_schema!({ "description": $expected, "type": "string", "pattern": $pattern })
            }
        }
    };
}

as_text!(
    Duration,
    "Duration",
    "a duration such as `5m`, `2s`, `250ms` or `1h30m`",
    "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"
);
as_text!(
    Offset,
    "Offset",
    "a duration with a sign, such as `5m` or `-30s`",
    "^[-+]?(?=[0-9])([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"
);

#[cfg(feature = "admin")]
impl utoipa::PartialSchema for Duration {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("A duration such as `5m`, `2s`, `250ms` or `1h30m`."))
            .pattern(Some("^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"))
            .examples(["10s"])
            .into()
    }
}

#[cfg(feature = "admin")]
impl utoipa::ToSchema for Duration {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_exactly() {
        for (text, millis) in [
            ("5m", 300_000),
            ("2s", 2_000),
            ("250ms", 250),
            ("1h30m", 5_400_000),
            ("0s", 0),
            ("1d", 86_400_000),
            ("1m1ms", 60_001),
        ] {
            assert_eq!(text.parse(), Ok(Duration(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_the_units() {
        for text in ["5", "", "m", "5 m", "5x", "-5m", "1.5s", "5M", "1s1m", "1s1s", "99999999999999999999s", "5mm"] {
            let complaint = text.parse::<Duration>().expect_err(text);
            assert!(complaint.message.contains(text), "{complaint}");
        }
        assert!("5".parse::<Duration>().expect_err("no unit").hint.expect("units").contains("`ms`"));
        assert!("5 m".parse::<Duration>().expect_err("blank").message.contains("blanks"));
        assert!("5sec".parse::<Duration>().expect_err("unit").message.contains("unknown unit `sec`"));
        assert!("9223372036854775807s".parse::<Duration>().is_err(), "does not overflow");
        for text in ["3650d1ms", "99999999999d", "87601h"] {
            let complaint = text.parse::<Duration>().expect_err(text);
            assert_eq!(complaint.hint.as_deref(), Some("at most `3650d`, ten years"), "{complaint}");
            assert!(format!("-{text}").parse::<Offset>().is_err(), "{text}");
        }
        assert_eq!("3650d".parse(), Ok(LONGEST));
    }

    proptest! {
        #[test]
        fn a_duration_survives_its_text(millis in 0..=LONGEST.0) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(duration.to_string().parse::<Duration>(), Ok(duration));
        }

        #[test]
        fn an_offset_survives_its_text(millis in -(LONGEST.0 as i64)..=LONGEST.0 as i64) {
            let offset = Offset(millis);
            prop_assert_eq!(offset.to_string().parse::<Offset>(), Ok(offset));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,12}") {
            if let Ok(duration) = text.parse::<Duration>() {
                prop_assert_eq!(duration.to_string().parse::<Duration>(), Ok(duration));
            }
        }

        #[test]
        fn amounts_add_up(hours in 0u64..1000, minutes in 0u64..1000, millis in 0u64..1000) {
            let text = format!("{hours}h{minutes}m{millis}ms");
            let expected = hours * 3_600_000 + minutes * 60_000 + millis;
            prop_assert_eq!(text.parse::<Duration>(), Ok(Duration(expected)));
        }
    }
}
