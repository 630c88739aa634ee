//! Failures that are called by the wrong name.

use std::sync::Arc;

use temporalio_sdk::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;

use super::Defect;
use crate::failure::{Failure, Kind, Report};
use crate::parts::Parts;
use crate::worker::Stop;

pub(super) const DEFECTS: &[Defect] = &[
    Defect {
        name: "retries-revoked",
        summary: "Takes a revoked grant for an outage and retries it for ever.",
        mirrors: "FM-02",
        checks: &["stops-on-permanent", "diagnosable"],
        parts: || Box::new(Reported(retries_revoked)),
    },
    Defect {
        name: "outage-is-fatal",
        summary: "Ends the workflow when the identity provider is down.",
        mirrors: "FM-06",
        checks: &["persists-on-transient", "recovers"],
        parts: || Box::new(Reported(outage_is_fatal)),
    },
    Defect {
        name: "refusal-is-fatal",
        summary: "Ends the workflow at a 401 that only means: refresh me.",
        mirrors: "FM-06",
        checks: &["persists-on-transient", "recovers"],
        parts: || Box::new(Reported(refusal_is_fatal)),
    },
    Defect {
        name: "untyped-failures",
        summary: "Reports every failure without a type, though it still ends at permanent ones.",
        mirrors: "FM-11",
        checks: &["diagnosable"],
        parts: || Box::new(Reported(untyped)),
    },
    Defect {
        name: "one-type-for-all",
        summary: "Calls every failure `TokenExpired`, though it still ends at permanent ones.",
        mirrors: "FM-52",
        checks: &["diagnosable"],
        parts: || Box::new(Reported(one_type)),
    },
];

struct Reported(fn(&Failure) -> ActivityError);

impl Parts for Reported {
    fn report(&self, _stop: &Stop) -> Arc<dyn Report> {
        Arc::new(By(self.0))
    }
}

struct By(fn(&Failure) -> ActivityError);

impl Report for By {
    fn report(&self, failure: &Failure) -> ActivityError {
        (self.0)(failure)
    }
}

fn told(failure: &Failure, kind: Option<Kind>, fatal: bool) -> ActivityError {
    ActivityError::application(
        ApplicationFailure::builder(failure.to_string())
            .maybe_type_name(kind.map(|kind| kind.name().to_owned()))
            .non_retryable(fatal)
            .maybe_next_retry_delay(failure.retry_after)
            .build(),
    )
}

fn retries_revoked(failure: &Failure) -> ActivityError {
    match failure.kind {
        Kind::TokenRevoked => told(failure, Some(Kind::IdpUnavailable), false),
        kind => told(failure, Some(kind), kind.is_permanent()),
    }
}

fn outage_is_fatal(failure: &Failure) -> ActivityError {
    let kind = failure.kind;
    let fatal = kind == Kind::IdpUnavailable || kind.is_permanent();
    told(failure, Some(kind), fatal)
}

fn refusal_is_fatal(failure: &Failure) -> ActivityError {
    let kind = failure.kind;
    let fatal = kind == Kind::TokenExpired || kind.is_permanent();
    told(failure, Some(kind), fatal)
}

fn untyped(failure: &Failure) -> ActivityError {
    told(failure, None, failure.kind.is_permanent())
}

fn one_type(failure: &Failure) -> ActivityError {
    let fatal = failure.kind.is_permanent();
    told(failure, Some(Kind::TokenExpired), fatal)
}
