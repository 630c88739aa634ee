//! `Retry-After` (RFC 9110 §10.2.3) in the forms that are seen, right and wrong.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::fault::{Change, written};

/// What `Retry-After` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// So many seconds. Negative and huge ones are not allowed, and seen.
    Seconds(i64),
    /// Seconds with a fraction, which the RFC does not allow.
    Fraction(f64),
    /// An HTTP date so far from now, by the provider's clock, which `Date` shows then, too. Rounded up to the second.
    Date(#[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")] Duration),
    /// An HTTP date that has gone by so long ago, by the provider's clock.
    PastDate(#[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")] Duration),
    /// This text.
    Text(#[serde(deserialize_with = "written::text")] String),
    /// Not there, though one was due.
    Absent,
}

impl RetryAfter {
    /// What it does to a reply at `now_ms` by the provider's clock.
    pub(super) fn change(&self, now_ms: i64) -> Change {
        let one = |value: String| set([("Retry-After", value)]);
        let dated = |at_ms: i64| set([("Retry-After", http_date(at_ms)), ("Date", http_date(now_ms))]);
        match self {
            Self::Seconds(seconds) => one(seconds.to_string()),
            Self::Fraction(seconds) => one(seconds.to_string()),
            Self::Date(wait) => dated(now_ms.saturating_add(ms(*wait)).saturating_add(999)),
            Self::PastDate(since) => dated(now_ms.saturating_sub(ms(*since))),
            Self::Text(text) => one(text.clone()),
            Self::Absent => Change::OmitHeaders(vec!["Retry-After".into()]),
        }
    }
}

pub(super) fn set<const N: usize>(headers: [(&str, String); N]) -> Change {
    Change::SetHeaders(headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// IMF-fixdate (RFC 9110 §5.6.7) of a time in milliseconds since the Unix epoch, rounded down to the second. What lies
/// outside its four digits of a year becomes the nearest that does not.
pub(crate) fn http_date(at_ms: i64) -> String {
    const LAST_S: i64 = 253_402_300_799;
    let seconds = at_ms.div_euclid(1000).clamp(0, LAST_S);
    let at: SystemTime = UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
    httpdate::fmt_http_date(at)
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_rounded_to_the_second_that_is_not_too_early() {
        let change = RetryAfter::Date(Duration::from_millis(1_500)).change(1_000_600);
        let wanted = [("Retry-After", "Thu, 01 Jan 1970 00:16:43 GMT".into()), ("Date", http_date(1_000_000))];
        assert_eq!(change, set(wanted));
        assert_eq!(http_date(i64::MIN), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(i64::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
