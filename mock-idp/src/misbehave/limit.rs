//! Rate limits and quotas with real counters.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::retry_after::{RetryAfter, http_date, set};
use crate::dialect::Dialect;
use crate::fault::{Act, Answer, Change, Directive, written};
use crate::observe::RequestSeen;

/// So many counters are kept at once; of more the one that is nearest to its reset is forgotten.
const COUNTERS: usize = 10_000;

/// How many requests are served, and what the others are told: what is left out here is as the dialect has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// How many.
    pub allow: Allowance,
    /// Of whom.
    #[serde(default)]
    pub per: Per,
    /// HTTP status of what is refused.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::perhaps_status")]
    pub status: Option<u16>,
    /// Body of what is refused.
    #[serde(default)]
    pub body: Body,
    /// `Retry-After` of what is refused.
    #[serde(default)]
    pub retry_after: Wait,
    /// Header fields with the state of the counter, on each reply that the rule sees. Those of a dialect that has some are
    /// left out by the rule's `omit_headers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<LimitHeaders>,
}

/// How many requests are served in which time, by the provider's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Allowance {
    /// So many in each period. The first request begins one.
    FixedWindow {
        /// How many.
        requests: u32,
        /// How long a window is open; at least 1 ms.
        #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
        period: Duration,
    },
    /// So many at once, and one more each time that so much time has passed.
    TokenBucket {
        /// How many at once.
        capacity: NonZeroU32,
        /// How long it takes until one more is allowed; at least 1 ms.
        #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
        every: Duration,
    },
}

/// What has a counter of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Each client, by the id that it claims.
    #[default]
    Client,
    /// Each endpoint.
    Endpoint,
    /// All requests together.
    All,
}

/// Body of a reply to one request too many.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Body {
    /// As the dialect has it.
    #[default]
    OfDialect,
    /// A JSON object with `error` and `error_description`.
    Error {
        /// `error`.
        error: String,
        /// `error_description`.
        error_description: String,
    },
    /// Plain text.
    Text(String),
    /// Any other, with its `Content-Type`.
    Other {
        /// Its media type.
        #[serde(deserialize_with = "written::text")]
        content_type: String,
        /// The body as it is sent.
        body: String,
    },
}

/// `Retry-After` of a reply to one request too many.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// The true wait in seconds if the dialect has it, else none.
    #[default]
    OfDialect,
    /// The true wait in seconds, rounded up.
    Seconds,
    /// The true wait as an HTTP date.
    Date,
    /// There is none.
    Absent,
    /// Whatever is true, this.
    Says(RetryAfter),
}

/// Names of the header fields that show a counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitHeaders {
    /// How many are allowed.
    #[serde(deserialize_with = "written::name")]
    pub limit: String,
    /// How many are left.
    #[serde(deserialize_with = "written::name")]
    pub remaining: String,
    /// When the counter is as new.
    #[serde(deserialize_with = "written::name")]
    pub reset: String,
    /// In which form.
    pub reset_as: Reset,
}

/// Form of the time of a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// Seconds since the Unix epoch, rounded up.
    #[default]
    Epoch,
    /// Seconds from now, rounded up.
    Seconds,
    /// An HTTP date.
    Date,
}

impl Default for LimitHeaders {
    fn default() -> Self {
        Self {
            limit: "X-Rate-Limit-Limit".into(),
            remaining: "X-Rate-Limit-Remaining".into(),
            reset: "X-Rate-Limit-Reset".into(),
            reset_as: Reset::default(),
        }
    }
}

impl LimitHeaders {
    /// Those of a dialect, if it has any.
    fn of(dialect: Dialect) -> Option<Self> {
        let [limit, remaining, reset] = dialect.throttled().counters?.map(str::to_owned);
        Some(Self { limit, remaining, reset, reset_as: Reset::Epoch })
    }
}

impl RateLimit {
    /// For each client; what is too much is refused as the dialect has it.
    pub fn new(allow: Allowance) -> Self {
        Self {
            allow,
            per: Per::default(),
            status: None,
            body: Body::default(),
            retry_after: Wait::default(),
            headers: None,
        }
    }

    /// What is said at `now_ms` to one request too many when the whole allowance has just been used.
    pub(super) fn exceeded(&self, dialect: Dialect, now_ms: i64) -> Directive {
        let Counted { refusal, changes } = Counter::used_up(self.allow, now_ms).count(self, dialect, now_ms);
        Directive { act: refusal.map_or(Act::Proceed, Act::Answer), changes, ..Directive::default() }
    }

    fn key<'a>(&self, seen: &'a RequestSeen) -> &'a str {
        match self.per {
            Per::Client => seen.client.as_deref().unwrap_or_default(),
            Per::Endpoint => seen.endpoint.name(),
            Per::All => "",
        }
    }

    fn refusal(&self, dialect: Dialect, wait_ms: i64, now_ms: i64) -> (Answer, Change) {
        let throttled = dialect.throttled();
        let (content_type, body) = match &self.body {
            Body::OfDialect => dialect.vendor().profile().too_many_requests(),
            Body::Error { error, error_description } => {
                let body = serde_json::json!({"error": error, "error_description": error_description});
                ("application/json", body.to_string())
            }
            Body::Text(text) => ("text/plain", text.clone()),
            Body::Other { content_type, body } => (content_type.as_str(), body.clone()),
        };
        let retry_after = match &self.retry_after {
            Wait::OfDialect if !throttled.retry_after => RetryAfter::Absent.change(now_ms),
            Wait::OfDialect | Wait::Seconds => RetryAfter::Seconds(seconds_up(wait_ms)).change(now_ms),
            Wait::Date => RetryAfter::Date(Duration::from_millis(wait_ms.unsigned_abs())).change(now_ms),
            Wait::Absent => RetryAfter::Absent.change(now_ms),
            Wait::Says(says) => says.change(now_ms),
        };
        let headers = vec![("Content-Type".into(), content_type.into()), ("Cache-Control".into(), "no-store".into())];
        (Answer { status: self.status.unwrap_or(throttled.status), headers, body }, retry_after)
    }
}

/// The counters of one limit.
#[derive(Debug, Clone, Default)]
pub(super) struct Counters(BTreeMap<String, Counter>);

/// What a limit says of one request.
pub(super) struct Counted {
    /// The answer to one too many.
    pub(super) refusal: Option<Answer>,
    pub(super) changes: Vec<Change>,
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    /// When the window was opened, or the bucket looked at.
    since_ms: i64,
    /// Requests in the window, or milliseconds of filling that the bucket lacks.
    used: i64,
    resets_ms: i64,
}

impl Counters {
    /// Counts a request.
    pub(super) fn count(&mut self, limit: &RateLimit, seen: &RequestSeen, dialect: Dialect, now_ms: i64) -> Counted {
        let key = limit.key(seen);
        if !self.0.contains_key(key) && self.0.len() >= COUNTERS {
            self.0.retain(|_, counter| counter.resets_ms > now_ms);
            let nearest = self.0.iter().min_by_key(|(_, counter)| counter.resets_ms).map(|(key, _)| key.clone());
            if let Some(nearest) = nearest.filter(|_| self.0.len() >= COUNTERS) {
                self.0.remove(&nearest);
            }
        }
        let new = Counter { since_ms: now_ms, used: 0, resets_ms: now_ms };
        self.0.entry(key.to_owned()).or_insert(new).count(limit, dialect, now_ms)
    }
}

impl Counter {
    /// One that has nothing left.
    fn used_up(allow: Allowance, now_ms: i64) -> Self {
        let (used, resets_ms) = match allow {
            Allowance::FixedWindow { requests, period } => (i64::from(requests), span_ms(period)),
            Allowance::TokenBucket { capacity, every } => {
                let full_ms = i64::from(capacity.get()).saturating_mul(span_ms(every));
                (full_ms, full_ms)
            }
        };
        Self { since_ms: now_ms, used, resets_ms: now_ms.saturating_add(resets_ms) }
    }

    /// Counts a request.
    fn count(&mut self, limit: &RateLimit, dialect: Dialect, now_ms: i64) -> Counted {
        let (most, left, wait_ms) = match limit.allow {
            Allowance::FixedWindow { requests, period } => self.window(i64::from(requests), span_ms(period), now_ms),
            Allowance::TokenBucket { capacity, every } => {
                self.bucket(i64::from(capacity.get()), span_ms(every), now_ms)
            }
        };
        let mut changes = Vec::new();
        let refusal = wait_ms.map(|wait_ms| {
            let (answer, retry_after) = limit.refusal(dialect, wait_ms, now_ms);
            changes.push(retry_after);
            answer
        });
        if let Some(names) = limit.headers.clone().or_else(|| LimitHeaders::of(dialect)) {
            let reset = match names.reset_as {
                Reset::Epoch => seconds_up(self.resets_ms).to_string(),
                Reset::Seconds => seconds_up(self.resets_ms - now_ms).to_string(),
                Reset::Date => http_date(self.resets_ms.saturating_add(999)),
            };
            let shown =
                [(&*names.limit, most.to_string()), (&*names.remaining, left.to_string()), (&*names.reset, reset)];
            changes.push(set(shown));
        }
        Counted { refusal, changes }
    }

    /// How many are allowed, how many are left, and how long to wait if this one is too many.
    fn window(&mut self, requests: i64, period_ms: i64, now_ms: i64) -> (i64, i64, Option<i64>) {
        // A clock that was set back opens a new window: nobody shall wait for the old one's end.
        if now_ms < self.since_ms || now_ms >= self.resets_ms {
            *self = Self { since_ms: now_ms, used: 0, resets_ms: now_ms.saturating_add(period_ms) };
        }
        let allowed = self.used < requests;
        self.used += i64::from(allowed);
        (requests, requests - self.used, (!allowed).then(|| self.resets_ms - now_ms))
    }

    /// Likewise.
    fn bucket(&mut self, capacity: i64, every_ms: i64, now_ms: i64) -> (i64, i64, Option<i64>) {
        let full_ms = capacity.saturating_mul(every_ms);
        let filled = now_ms.saturating_sub(self.since_ms).max(0);
        let lacks = self.used.saturating_sub(filled).max(0);
        let wait_ms = lacks.saturating_add(every_ms).saturating_sub(full_ms);
        let allowed = wait_ms <= 0;
        self.used = if allowed { lacks.saturating_add(every_ms) } else { lacks };
        self.since_ms = now_ms;
        self.resets_ms = now_ms.saturating_add(self.used);
        (capacity, (full_ms - self.used) / every_ms, (!allowed).then_some(wait_ms))
    }
}

fn span_ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX).max(1)
}

fn seconds_up(ms: i64) -> i64 {
    ms.saturating_add(999).div_euclid(1000)
}
