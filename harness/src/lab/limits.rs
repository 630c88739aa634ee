//! The identity provider's rate limit, as a scenario reaches it.

use std::time::Duration;

use mock_idp::Idp;
use mock_idp::misbehave::{self, Allowance, RateLimit, Wait};

use crate::journal::Directive;
use crate::scenario::RetryAfter;

/// What `idp` says to one request too many after so many. Without a time to come back, or with one that is no time, the
/// counter is as new at once: no header field may say of when what the scenario leaves unsaid.
pub(super) fn exceeded(idp: &Idp, after: u32, come_back: Option<&RetryAfter>) -> Directive {
    // A date has whole seconds only, and is so far from `Date` as the scenario says: both count from the second's begin.
    let now_ms = idp.clock().now_ms().div_euclid(1000) * 1000;
    let (period, retry_after) = match come_back {
        None => (Duration::ZERO, Wait::Absent),
        Some(RetryAfter::Seconds(seconds)) => {
            (Duration::from_secs(u64::from(*seconds)), Wait::Says(misbehave::RetryAfter::Seconds(i64::from(*seconds))))
        }
        Some(RetryAfter::Date(wait)) => (wait.to_std(), Wait::Says(misbehave::RetryAfter::Date(wait.to_std()))),
        Some(RetryAfter::Raw(text)) => (Duration::ZERO, Wait::Says(misbehave::RetryAfter::Text(text.clone()))),
    };
    // A limit of nothing would say that nobody may ever come.
    let allow = Allowance::FixedWindow { requests: after.max(1), period };
    idp.rules().exceeded(&RateLimit { retry_after, ..RateLimit::new(allow) }, now_ms)
}

#[cfg(test)]
mod tests {
    use mock_idp::fault::HttpReply;
    use mock_idp::{Config, Dialect, TimeSource};

    use super::*;
    use crate::journal::Act;

    /// Status, header fields but `Cache-Control`, and body of what a provider of this kind says at 22:13:20.5.
    fn said(dialect: Dialect, after: u32, come_back: Option<&RetryAfter>) -> (u16, Vec<String>, String) {
        let time = TimeSource::new(|| 1_700_000_000_500);
        let idp = Idp::new(Config { time, ..Config::of(dialect) });
        let Directive { act: Act::Answer(answer), changes, .. } = exceeded(&idp, after, come_back) else {
            panic!("one too many is refused")
        };
        let mut reply = HttpReply::from(&answer);
        changes.iter().for_each(|change| change.apply(&mut reply));
        reply.headers.remove("cache-control");
        let headers = reply.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")));
        let mut headers: Vec<_> = headers.collect();
        headers.sort();
        (reply.status.as_u16(), headers, String::from_utf8_lossy(&reply.body).into_owned())
    }

    fn seconds(seconds: u32) -> Option<RetryAfter> {
        Some(RetryAfter::Seconds(seconds))
    }

    #[test]
    fn each_provider_refuses_in_its_own_way() {
        let described = r#"{"error":"too_many_requests","error_description":"the rate limit is exceeded"}"#;
        let json = "content-type: application/json";
        for (dialect, headers, body) in [
            (Dialect::Generic, vec![json, "retry-after: 2"], described),
            (Dialect::Entra, vec!["content-type: text/plain", "retry-after: 2"], "Too Many Requests"),
            (Dialect::Cognito, vec![json, "retry-after: 2"], r#"{"error":"too_many_requests"}"#),
            (
                Dialect::Okta,
                vec![
                    json,
                    "retry-after: 2",
                    "x-rate-limit-limit: 3",
                    "x-rate-limit-remaining: 0",
                    "x-rate-limit-reset: 1700000002",
                ],
                described,
            ),
        ] {
            let headers = headers.into_iter().map(str::to_owned).collect();
            assert_eq!(said(dialect, 3, seconds(2).as_ref()), (429, headers, body.to_owned()), "{dialect}");
        }
    }

    #[test]
    fn when_to_come_back_is_as_the_scenario_says() {
        // Counted from where the clock stands within its second, it would be a second more.
        let date = RetryAfter::Date(serde_json::from_str(r#""1600ms""#).expect("a duration"));
        for (come_back, expected) in [
            (None, vec![]),
            (Some(RetryAfter::Raw("-1".into())), vec!["retry-after: -1"]),
            (Some(date), vec!["date: Tue, 14 Nov 2023 22:13:20 GMT", "retry-after: Tue, 14 Nov 2023 22:13:22 GMT"]),
        ] {
            let (_, headers, _) = said(Dialect::Generic, 1, come_back.as_ref());
            let headers: Vec<_> = headers.iter().filter(|header| !header.starts_with("content-type")).collect();
            assert_eq!(headers, expected, "{come_back:?}");
        }
    }

    #[test]
    fn without_a_time_to_come_back_the_counter_is_as_new_at_once() {
        let (_, headers, _) = said(Dialect::Okta, 0, None);
        assert!(headers.contains(&"x-rate-limit-limit: 1".to_owned()), "{headers:?}");
        assert!(headers.contains(&"x-rate-limit-reset: 1700000001".to_owned()), "{headers:?}");
        assert!(!headers.iter().any(|header| header.starts_with("retry-after")), "{headers:?}");
    }
}
