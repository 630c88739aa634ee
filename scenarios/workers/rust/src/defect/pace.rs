//! Not waiting as long as one was asked to.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;

use super::Defect;
use crate::parts::Parts;
use crate::retry_after::{AllForms, RetryAfter};

pub(super) const DEFECTS: &[Defect] = &[
    Defect {
        name: "ignores-retry-after",
        summary: "Retries by its own schedule, whatever `Retry-After` says.",
        mirrors: "FM-09",
        checks: &["honours-retry-after"],
        parts: || Box::new(Deaf),
    },
    Defect {
        name: "misreads-retry-date",
        summary: "Understands `Retry-After` in seconds but not as a date.",
        mirrors: "FM-09",
        checks: &["honours-retry-after"],
        parts: || Box::new(SecondsOnly),
    },
    Defect {
        name: "caps-retry-after",
        summary: "Waits a second at most, however long `Retry-After` asks for.",
        mirrors: "FM-09",
        checks: &["honours-retry-after"],
        parts: || Box::new(Capped),
    },
];

struct Deaf;

impl Parts for Deaf {
    fn retry_after(&self) -> Arc<dyn RetryAfter> {
        Arc::new(Self)
    }
}

impl RetryAfter for Deaf {
    fn delay(&self, _headers: &HeaderMap) -> Option<Duration> {
        None
    }
}

struct SecondsOnly;

impl Parts for SecondsOnly {
    fn retry_after(&self) -> Arc<dyn RetryAfter> {
        Arc::new(Self)
    }
}

impl RetryAfter for SecondsOnly {
    fn delay(&self, headers: &HeaderMap) -> Option<Duration> {
        let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
        Some(Duration::from_secs(seconds))
    }
}

struct Capped;

impl Parts for Capped {
    fn retry_after(&self) -> Arc<dyn RetryAfter> {
        Arc::new(Self)
    }
}

impl RetryAfter for Capped {
    fn delay(&self, headers: &HeaderMap) -> Option<Duration> {
        AllForms.delay(headers).map(|asked| asked.min(Duration::from_secs(1)))
    }
}
