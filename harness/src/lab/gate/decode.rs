//! Payloads and failures of Temporal's API as the journal shows them.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use temporalio_common::protos::temporal::api::common::v1::{Payload, Payloads};
use temporalio_common::protos::temporal::api::failure::v1::Failure as Wire;
use temporalio_common::protos::temporal::api::failure::v1::failure::FailureInfo;

use crate::journal::Failure;
use crate::lab::payload;

/// What an activity returned: one value, null for nothing, a list in the odd case of several.
pub(super) fn result(payloads: Option<Payloads>) -> Value {
    let mut values = values(payloads);
    if values.len() > 1 { Value::Array(values) } else { values.pop().unwrap_or_default() }
}

/// Details of a heartbeat or failure: a list, null if there are none.
pub(super) fn details(payloads: Option<Payloads>) -> Value {
    let values = values(payloads);
    if values.is_empty() { Value::Null } else { Value::Array(values) }
}

fn values(payloads: Option<Payloads>) -> Vec<Value> {
    payloads.unwrap_or_default().payloads.iter().map(value).collect()
}

/// JSON where the payload says that it is, else its bytes in base64.
fn value(payload: &Payload) -> Value {
    payload::json(payload).unwrap_or_else(|| Value::String(STANDARD.encode(&payload.data)))
}

/// A failure with its causes.
pub(super) fn failure(wire: Wire) -> Failure {
    let mut failure = Failure {
        message: wire.message,
        failure_type: String::new(),
        non_retryable: false,
        next_retry_delay_ms: None,
        stack_trace: wire.stack_trace,
        details: Value::Null,
        cause: wire.cause.map(|cause| Box::new(self::failure(*cause))),
    };
    // An SDK may move message and stack trace into a payload; a codec that encrypts it leaves no JSON.
    if let Some(encoded) = wire.encoded_attributes {
        let attributes = value(&encoded);
        let text = |name: &str| attributes.get(name).and_then(Value::as_str).map(str::to_owned);
        failure.message = text("message").unwrap_or(failure.message);
        failure.stack_trace = text("stack_trace").unwrap_or(failure.stack_trace);
    }
    match wire.failure_info {
        Some(FailureInfo::ApplicationFailureInfo(info)) => {
            failure.failure_type = info.r#type;
            failure.non_retryable = info.non_retryable;
            failure.next_retry_delay_ms = info.next_retry_delay.and_then(|delay| {
                let delay = Duration::try_from(delay).ok()?;
                u64::try_from(delay.as_millis()).ok()
            });
            failure.details = details(info.details);
        }
        Some(FailureInfo::CanceledFailureInfo(info)) => failure.details = details(info.details),
        Some(FailureInfo::TimeoutFailureInfo(info)) => failure.details = details(info.last_heartbeat_details),
        Some(FailureInfo::ServerFailureInfo(info)) => failure.non_retryable = info.non_retryable,
        _ => {}
    }
    failure
}
