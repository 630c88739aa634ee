//! An event as faults look at it: its fields by name, and whom it speaks of.

use std::cell::OnceCell;

use serde_json::Value;

use crate::journal::{Event, Instance, Record, TokenName};
use crate::scenario::Scalar;

/// A record whose fields are taken apart when somebody first asks for them.
pub(crate) struct Seen<'a> {
    pub(super) record: &'a Record,
    fields: OnceCell<Value>,
}

impl<'a> Seen<'a> {
    pub(crate) fn new(record: &'a Record) -> Self {
        Self { record, fields: OnceCell::new() }
    }

    /// The event as JSON has it.
    pub(crate) fn fields(&self) -> &Value {
        self.fields.get_or_init(|| serde_json::to_value(&self.record.event).unwrap_or_default())
    }

    /// Whether it is of this kind and passes all filters.
    pub(crate) fn is(&self, event: &str, filters: &[(String, Vec<Scalar>)]) -> bool {
        self.record.event.kind() == event
            && filters.iter().all(|(field, any_of)| {
                let found = &self.fields()[field];
                any_of.iter().any(|wanted| fits(field, wanted, found))
            })
    }
}

fn fits(field: &str, wanted: &Scalar, found: &Value) -> bool {
    match (wanted, found) {
        (Scalar::Bool(wanted), Value::Bool(found)) => wanted == found,
        (Scalar::Bool(present), found) => *present != found.is_null(),
        (Scalar::Number(wanted), found) => found.as_i64() == Some(*wanted),
        (Scalar::Text(wanted), Value::String(found)) if field == "instance" => {
            is_instance(&Instance::new(found.as_str()), wanted)
        }
        (Scalar::Text(wanted), found) => found.as_str() == Some(wanted),
    }
}

/// Whether `name` means this instance: a worker named without its generation means all of its generations.
pub(crate) fn is_instance(instance: &Instance, name: &str) -> bool {
    instance.as_str() == name || instance.worker() == name
}

/// The tokens that an event speaks of, the most telling first: what a reply brings, then what a request presents.
pub(super) fn tokens_of(event: &Event) -> Vec<&TokenName> {
    match event {
        Event::IdpRequest(request) => request.token.iter().collect(),
        Event::IdpResponse(reply) => reply.issued.iter().chain(&reply.request.token).collect(),
        Event::IdpToken(change) => vec![&change.token],
        Event::ApiRequest(request) => request.token.iter().collect(),
        Event::ApiResponse(reply) => reply.request.token.iter().collect(),
        Event::GateRpc { token, .. } | Event::GateRpcDone { token, .. } => token.iter().collect(),
        _ => Vec::new(),
    }
}

/// The worker instance that an event speaks of.
pub(super) fn instance_of(event: &Event) -> Option<&Instance> {
    match event {
        Event::IdpRequest(request) => Some(&request.instance),
        Event::IdpResponse(reply) => Some(&reply.request.instance),
        Event::ApiRequest(request) => Some(&request.instance),
        Event::ApiResponse(reply) => Some(&reply.request.instance),
        Event::GateRpc { instance, .. } | Event::GateRpcDone { instance, .. } => Some(instance),
        Event::ActivityStarted(attempt) | Event::ActivityCancelled(attempt) => Some(&attempt.instance),
        Event::ActivityCompleted { attempt, .. }
        | Event::ActivityFailed { attempt, .. }
        | Event::ActivityHeartbeat { attempt, .. } => Some(&attempt.instance),
        Event::WorkerStarted { instance, .. }
        | Event::WorkerReady { instance }
        | Event::WorkerFrozen { instance }
        | Event::LinkWithheld { instance, .. }
        | Event::WorkerResumed { instance }
        | Event::WorkerOutput { instance, .. }
        | Event::WorkerExited { instance, .. } => Some(instance),
        Event::EgressAttempt { instance, .. } => instance.as_ref(),
        _ => None,
    }
}
