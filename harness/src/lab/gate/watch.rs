//! Which messages tell of activity attempts, and the events that they become.

use std::collections::HashMap;

use parking_lot::Mutex;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    PollActivityTaskQueueResponse, RecordActivityTaskHeartbeatRequest, RespondActivityTaskCanceledRequest,
    RespondActivityTaskCompletedRequest, RespondActivityTaskFailedRequest, RespondWorkflowTaskCompletedResponse,
};

use super::message::{Unreadable, decode};
use super::rpc::{Rpc, settled};
use super::{Shared, decode as content};
use crate::journal::{Attempt, Event, Instance, WorkflowId};

const COMPLETED: &str = "RespondActivityTaskCompleted";
const FAILED: &str = "RespondActivityTaskFailed";
const CANCELED: &str = "RespondActivityTaskCanceled";
const HEARTBEAT: &str = "RecordActivityTaskHeartbeat";
const POLL: &str = "PollActivityTaskQueue";
/// Carries activity tasks back ("eager dispatch"), if the workflow task scheduled some on the worker's own queue.
const WORKFLOW_TASK: &str = "RespondWorkflowTaskCompleted";

/// Attempts that were delivered, by task token: reports name nothing else. They are kept, as a report may be repeated.
#[derive(Default)]
pub(super) struct Attempts(Mutex<HashMap<Vec<u8>, Attempt>>);

impl Attempts {
    fn deliver(&self, instance: &Instance, task: PollActivityTaskQueueResponse) -> Option<Attempt> {
        // A poll that found nothing ends with an empty reply.
        if task.task_token.is_empty() {
            return None;
        }
        let attempt = Attempt {
            instance: instance.clone(),
            workflow: WorkflowId::new(task.workflow_execution.unwrap_or_default().workflow_id),
            activity: task.activity_id,
            activity_type: task.activity_type.unwrap_or_default().name,
            attempt: u32::try_from(task.attempt).unwrap_or_default().max(1),
        };
        self.0.lock().insert(task.task_token, attempt.clone());
        Some(attempt)
    }

    fn of(&self, rpc: &str, token: &[u8]) -> Option<Attempt> {
        let attempt = self.0.lock().get(token).cloned();
        if attempt.is_none() {
            tracing::warn!(rpc, "a worker reports on an activity that did not come through this gate");
        }
        attempt
    }
}

/// Whether requests of the method `rpc` tell of an attempt.
pub(super) fn watches_request(rpc: &str) -> bool {
    matches!(rpc, COMPLETED | FAILED | CANCELED | HEARTBEAT)
}

/// Reports what a request tells, before it goes to the server.
pub(super) async fn request(rpc: &Rpc, body: &[u8]) {
    let event = read_request(rpc.gate(), rpc.name(), body);
    if let Some(event) = kept(rpc.gate(), event).flatten() {
        settled(rpc.gate().journal.record(event)).await;
    }
}

/// Reports what a reply tells, before it goes to the worker.
pub(super) async fn reply(rpc: &Rpc, body: &[u8]) {
    // An error has no message.
    if body.is_empty() {
        return;
    }
    for task in kept(rpc.gate(), read_reply(rpc.name(), body)).into_iter().flatten() {
        if let Some(attempt) = rpc.gate().attempts.deliver(rpc.instance(), task) {
            settled(rpc.gate().journal.record(Event::ActivityStarted(attempt))).await;
        }
    }
}

fn kept<T>(gate: &Shared, read: Result<T, Unreadable>) -> Option<T> {
    read.map_err(|unreadable| {
        tracing::error!(error = &unreadable as &dyn std::error::Error, "the gate does not understand a message");
        gate.failure.lock().get_or_insert(unreadable);
    })
    .ok()
}

fn read_request(gate: &Shared, rpc: &str, body: &[u8]) -> Result<Option<Event>, Unreadable> {
    let attempt = |token: &[u8]| gate.attempts.of(rpc, token);
    Ok(match rpc {
        COMPLETED => {
            let report: RespondActivityTaskCompletedRequest = decode(rpc, body)?;
            let result = content::result(report.result);
            attempt(&report.task_token).map(|attempt| Event::ActivityCompleted { attempt, result })
        }
        FAILED => {
            let report: RespondActivityTaskFailedRequest = decode(rpc, body)?;
            let failure = content::failure(report.failure.unwrap_or_default());
            attempt(&report.task_token).map(|attempt| Event::ActivityFailed { attempt, failure })
        }
        CANCELED => {
            let report: RespondActivityTaskCanceledRequest = decode(rpc, body)?;
            attempt(&report.task_token).map(Event::ActivityCancelled)
        }
        HEARTBEAT => {
            let report: RecordActivityTaskHeartbeatRequest = decode(rpc, body)?;
            let details = content::details(report.details);
            attempt(&report.task_token).map(|attempt| Event::ActivityHeartbeat { attempt, details })
        }
        _ => None,
    })
}

fn read_reply(rpc: &str, body: &[u8]) -> Result<Vec<PollActivityTaskQueueResponse>, Unreadable> {
    Ok(match rpc {
        POLL => vec![decode(rpc, body)?],
        WORKFLOW_TASK => decode::<RespondWorkflowTaskCompletedResponse>(rpc, body)?.activity_tasks,
        _ => Vec::new(),
    })
}
