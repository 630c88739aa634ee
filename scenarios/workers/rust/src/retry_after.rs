//! `Retry-After` (RFC 9110 §10.2.3), in every form that is seen in the wild (FM-09).

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;

/// No answer may park an activity for longer: a wrong header must not look like an outage.
pub const LONGEST: Duration = Duration::from_secs(3600);

/// Reads how long the other side wants us to wait.
pub trait RetryAfter: Send + Sync {
    /// The delay before the next attempt, or `None` if the retry policy shall decide.
    fn delay(&self, headers: &HeaderMap) -> Option<Duration>;
}

/// Seconds (whole or fractional) and all three date forms of RFC 9110 §5.6.7.
///
/// A date is compared with the answer's own `Date`, so a worker whose clock is wrong still waits the right time; this
/// machine's clock is asked only if there is none. Zero, the past, negative numbers and garbage mean no wish: `0` must
/// not become a tight loop, so the retry policy's back-off applies. More than [`LONGEST`] is cut.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllForms;

impl RetryAfter for AllForms {
    fn delay(&self, headers: &HeaderMap) -> Option<Duration> {
        let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
        let now =
            headers.get(DATE).and_then(|date| date.to_str().ok()).and_then(http_date).unwrap_or_else(Timestamp::now);
        delay(value, now)
    }
}

fn delay(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let delay = match value.parse::<f64>() {
        Ok(seconds) => seconds_to_delay(seconds)?,
        Err(_) => Duration::try_from(now.until(http_date(value)?).ok()?).ok()?,
    };
    (!delay.is_zero()).then(|| delay.min(LONGEST))
}

/// `None` for NaN and negative numbers; rounds up to milliseconds, as a little late is right and a little early is not.
fn seconds_to_delay(seconds: f64) -> Option<Duration> {
    let millis = (seconds * 1000.0).ceil();
    if millis.is_nan() || millis < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(millis / 1000.0).unwrap_or(LONGEST))
}

/// IMF-fixdate, and the obsolete RFC 850 and asctime forms that a recipient must accept.
fn http_date(value: &str) -> Option<Timestamp> {
    // A wrong weekday does not make the time wrong.
    const LENIENT: rfc2822::DateTimeParser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    if let Ok(time) = LENIENT.parse_timestamp(value) {
        return Some(time);
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"].into_iter().find_map(|format| {
        let civil: DateTime = strtime::parse(format, value).ok()?.to_datetime().ok()?;
        TimeZone::UTC.to_timestamp(civil).ok()
    })
}
