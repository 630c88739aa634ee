//! `Retry-After` (RFC 9110 §10.2.3): how long a reply asks its reader to wait.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// HTTP dates say whole seconds: the moment that `Date` names may be so much further on.
const RESOLUTION: Duration = Duration::from_secs(1);

/// How many milliseconds a reply with these headers certainly asks to wait.
pub(super) fn of_headers(headers: &HeaderMap) -> Option<u64> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    wait_ms(text(RETRY_AFTER)?, text(DATE))
}

/// The same of the two headers' texts. A date counts from the reply's own `Date`, so that the clocks of whoever reads it
/// do not matter; without one the server's host adds its own time on the way out. `None` for what is neither a number of
/// seconds nor a date.
pub(super) fn wait_ms(retry_after: &str, date: Option<&str>) -> Option<u64> {
    let retry_after = retry_after.trim();
    if !retry_after.is_empty() && retry_after.bytes().all(|byte| byte.is_ascii_digit()) {
        return retry_after.parse::<u64>().ok()?.checked_mul(1000);
    }
    let then = httpdate::parse_http_date(retry_after).ok()?;
    let now = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or_else(SystemTime::now);
    let wait = then.duration_since(now).unwrap_or_default().saturating_sub(RESOLUTION);
    u64::try_from(wait.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "Tue, 24 Nov 2026 12:00:00 GMT";

    #[test]
    fn seconds_count_from_the_reply() {
        for (text, expected) in [("0", Some(0)), (" 120 ", Some(120_000)), ("1.5", None), ("-1", None), ("soon", None)]
        {
            assert_eq!(wait_ms(text, Some(NOON)), expected, "{text}");
        }
        assert_eq!(wait_ms("99999999999999999999", None), None);
        assert_eq!(wait_ms(&u64::MAX.to_string(), None), None);
    }

    #[test]
    fn a_date_counts_from_the_replys_own_and_the_second_under_way_is_not_certain() {
        for (text, expected) in [
            ("Tue, 24 Nov 2026 12:00:30 GMT", 29_000),
            // The obsolete forms, which RFC 9110 §5.6.7 has readers understand.
            ("Tuesday, 24-Nov-26 12:01:00 GMT", 59_000),
            ("Tue Nov 24 12:00:02 2026", 1_000),
            ("Tue, 24 Nov 2026 12:00:01 GMT", 0),
            ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ] {
            assert_eq!(wait_ms(text, Some(NOON)), Some(expected), "{text}");
        }
    }

    #[test]
    fn without_a_date_of_its_own_the_hosts_time_is_taken() {
        let in_an_hour = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
        let wait = wait_ms(&in_an_hour, None).expect("a date");
        assert!((3_500_000..=3_599_000).contains(&wait), "{wait}");
        assert!(wait_ms(NOON, Some("yesterday")).is_some());
    }

    #[test]
    fn headers_without_it_ask_for_nothing() {
        let mut headers = HeaderMap::new();
        assert_eq!(of_headers(&headers), None);
        headers.insert(DATE, NOON.parse().expect("a value"));
        headers.insert(RETRY_AFTER, "Tue, 24 Nov 2026 12:00:03 GMT".parse().expect("a value"));
        assert_eq!(of_headers(&headers), Some(2_000));
    }
}
