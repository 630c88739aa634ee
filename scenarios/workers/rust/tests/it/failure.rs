//! What the workflow is told of a failure.

use std::time::Duration;

use reference_worker::{Cause, Failure, Kind, Party, Report, Typed};
use temporalio_sdk::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;

fn reported(failure: &Failure) -> ApplicationFailure {
    match Typed.report(failure) {
        ActivityError::Application(application) => *application,
        other => panic!("not an application failure: {other:?}"),
    }
}

#[test]
fn a_permanent_failure_is_typed_and_not_retried() {
    let failure = reported(&Failure::new(Kind::TokenRevoked, Party::Idp, Cause::Code("invalid_grant")));
    assert_eq!(failure.type_name(), Some("TokenRevoked"));
    assert!(failure.is_non_retryable());
    assert_eq!(failure.to_string(), "identity provider: invalid_grant");
}

#[test]
fn a_transient_failure_is_retried_when_the_other_side_wishes() {
    let wish = Some(Duration::from_secs(3));
    let failure = reported(&Failure::new(Kind::RateLimited, Party::Api, Cause::Status(429)).after(wish));
    assert_eq!(failure.type_name(), Some("RateLimited"));
    assert!(!failure.is_non_retryable());
    assert_eq!(failure.next_retry_delay(), wish);
}
