//! How long an answer asks to wait.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use reference_worker::{AllForms, LONGEST, RetryAfter};

const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

fn read(value: &str) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.insert(DATE, NOW.parse().expect("a header"));
    headers.insert(RETRY_AFTER, value.parse().expect("a header"));
    AllForms.delay(&headers)
}

#[test]
fn every_form_is_read() {
    let seconds = |n| Some(Duration::from_secs(n));
    let cases = [
        ("3", seconds(3)),
        (" 7 ", seconds(7)),
        ("1.5", Some(Duration::from_millis(1500))),
        ("0.0001", Some(Duration::from_millis(1))),
        ("Sun, 06 Nov 1994 08:49:40 GMT", seconds(3)),
        ("Sunday, 06-Nov-94 08:49:41 GMT", seconds(4)),
        ("Sun Nov  6 08:49:42 1994", seconds(5)),
        ("0", None),
        ("-5", None),
        ("Sun, 06 Nov 1994 08:49:36 GMT", None),
        (NOW, None),
        ("soon", None),
        ("", None),
        ("NaN", None),
        ("1000000", Some(LONGEST)),
        ("1e300", Some(LONGEST)),
        ("inf", Some(LONGEST)),
        ("Sun, 06 Nov 2094 08:49:37 GMT", Some(LONGEST)),
    ];
    for (value, expected) in cases {
        assert_eq!(read(value), expected, "Retry-After: {value}");
    }
}

#[test]
fn without_a_date_header_the_own_clock_decides() {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, "Fri, 01 Jan 2100 00:00:00 GMT".parse().expect("a header"));
    assert_eq!(AllForms.delay(&headers), Some(LONGEST));
    assert_eq!(AllForms.delay(&HeaderMap::new()), None);
}
