//! Throttling, and what is said of when to come back.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{Misbehaviour, rule};
use crate::endpoint::Endpoint;
use crate::misbehave::{Allowance, Body, LimitHeaders, RateLimit, RetryAfter, Rule, Wait};

fn unavailable(says: RetryAfter) -> Rule {
    Rule::on(Endpoint::Token).status(503).retry_after(says)
}

fn says(text: &str) -> Rule {
    unavailable(RetryAfter::Text(text.to_owned()))
}

fn window(requests: u32) -> RateLimit {
    RateLimit::new(Allowance::FixedWindow { requests, period: Duration::from_secs(60) })
}

fn limited(limit: RateLimit) -> Rule {
    Rule::on(Endpoint::Token).limit(limit)
}

pub(super) const ALL: &[Misbehaviour] = &[
    rule("rate-limit", "A window of one request a minute; header fields show the counter.", "FM-09, FM-27", || {
        limited(RateLimit { headers: Some(LimitHeaders::default()), ..window(1) })
    }),
    rule("rate-limit-bucket", "A token bucket: a burst of one, then one in ten seconds.", "FM-09, FM-12", || {
        limited(RateLimit::new(Allowance::TokenBucket { capacity: NonZeroU32::MIN, every: Duration::from_secs(10) }))
    }),
    rule(
        "rate-limit-text",
        "What is too much is refused in plain text.",
        "FM-09, AzureAD/microsoft-authentication-library-for-dotnet#2855",
        || limited(RateLimit { body: Body::Text("Too Many Requests".into()), ..window(0) }),
    ),
    rule(
        "rate-limit-as-500",
        "What is too much is refused as an error of the server that looks like one of permission.",
        "FM-40, an Auth0 tenant's global limit",
        || {
            let body = Body::Error {
                error: "access_denied".into(),
                error_description: "Global limit has been reached".into(),
            };
            limited(RateLimit { status: Some(500), body, retry_after: Wait::Absent, ..window(0) })
        },
    ),
    rule(
        "rate-limit-concurrent",
        "Too many at once: limit and what is left of it are 0, and when it is over is an estimate.",
        "FM-09, Okta's limit of concurrent requests",
        || {
            let headers = Some(LimitHeaders::default());
            limited(RateLimit { headers, retry_after: Wait::Absent, ..window(0) })
        },
    ),
    rule("retry-after-seconds", "503 with a wait in seconds.", "FM-09, RFC 9110 §10.2.3", || {
        unavailable(RetryAfter::Seconds(60))
    }),
    rule("retry-after-date", "503 with an HTTP date.", "FM-09, lidge-jun/opencodex#4046", || {
        unavailable(RetryAfter::Date(Duration::from_secs(60)))
    }),
    rule("retry-after-past", "503 with an HTTP date that has gone by.", "FM-09, cline/cline#14213", || {
        unavailable(RetryAfter::PastDate(Duration::from_secs(60)))
    }),
    rule(
        "retry-after-absent",
        "503 that says no wait: it is not to be read as none.",
        "FM-09, cline/cline#14213",
        || Rule::on(Endpoint::Token).status(503).header("Retry-After", "60").retry_after(RetryAfter::Absent),
    ),
    rule("retry-after-fraction", "503 with a fraction of a second.", "FM-09, lidge-jun/opencodex#4046", || {
        unavailable(RetryAfter::Fraction(1.5))
    }),
    rule("retry-after-negative", "503 with a negative wait.", "FM-09, RFC 9110 §10.2.3 allows digits only", || {
        unavailable(RetryAfter::Seconds(-1))
    }),
    rule("retry-after-huge", "503 with a wait that no timer holds.", "FM-09, angularjs-oauth/oauth-ng#70", || {
        unavailable(RetryAfter::Seconds(i64::MAX))
    }),
    rule("retry-after-garbage", "503 with a word: parsed, it is no number.", "FM-09, earendil-works/pi#9724", || {
        says("soon")
    }),
    rule("retry-after-blank", "503 with nothing but a space, which becomes 0.", "FM-09, MetaMask/core#6993", || {
        says(" ")
    }),
    rule("retry-after-hex", "503 with a number that only some languages read.", "FM-09, cline/cline#14213", || {
        says("0x10")
    }),
];
