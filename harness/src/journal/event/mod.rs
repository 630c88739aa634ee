//! Every event that a part of the lab can report, typed.
//!
//! The name of a kind (`idp.request`) and the fields that triggers may filter on stand in [`super::KIND_DOCS`].

mod activity;
mod http;

use std::collections::BTreeMap;

pub use activity::{Attempt, Failure};
pub use http::{ApiRequest, ApiResponse, IdpRequest, IdpResponse, IdpToken, TokenChange, TokenKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::{Call, Instance, Seq, TokenName, WorkflowId};
use super::run::{RunEnd, RunHeader};

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
#[non_exhaustive]
pub enum Event {
    /// The first record: what is run, against what, with which seed.
    #[serde(rename = "run.started")]
    RunStarted(Box<RunHeader>),
    /// The last record: how the scenario run ended for the lab itself. Nothing is recorded after it.
    #[serde(rename = "run.ended")]
    RunEnded(RunEnd),
    /// Workers are ready, workflows are about to be started; from here faults are armed.
    #[serde(rename = "workload.started")]
    WorkloadStarted {
        /// How many workflows will be started.
        count: u32,
    },
    /// Every workflow was closed, or given up on.
    #[serde(rename = "workload.finished")]
    WorkloadFinished,
    /// The lab was woken late: the machine had no time for it, and none for workers either.
    #[serde(rename = "lab.late")]
    LabLate {
        /// By how many milliseconds.
        late_ms: u64,
    },
    /// A workflow was started by the harness.
    #[serde(rename = "workflow.started")]
    WorkflowStarted {
        /// Its id.
        workflow: WorkflowId,
        /// Its number within the workload, from 1.
        n: u32,
    },
    /// A workflow was seen closed.
    #[serde(rename = "workflow.closed")]
    WorkflowClosed {
        /// Its id.
        workflow: WorkflowId,
        /// How it closed.
        status: WorkflowStatus,
    },

    /// A fault waits for its trigger.
    #[serde(rename = "fault.armed")]
    FaultArmed {
        /// The fault's id.
        fault: String,
    },
    /// A fault's trigger was met and its action carried out.
    #[serde(rename = "fault.fired")]
    FaultFired {
        /// The fault's id.
        fault: String,
        /// Name of its action.
        action: String,
        /// The event that triggered it.
        trigger: Option<Seq>,
        /// What was drawn from the seed for this firing, in milliseconds, by the key that left it open: `delay`, `for`,
        /// `by`.
        #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
        drawn_ms: BTreeMap<String, u64>,
    },
    /// A fault is proved to have had an effect on somebody. Fired is not bitten.
    #[serde(rename = "fault.bit")]
    FaultBit {
        /// The fault's id.
        fault: String,
        /// The event that proves it.
        proof: Seq,
    },
    /// An environment fault was undone.
    #[serde(rename = "fault.healed")]
    FaultHealed {
        /// The fault's id.
        fault: String,
    },
    /// A time is over that a fault, or the healing of all, had to wait.
    #[serde(rename = "fault.due")]
    FaultDue {
        /// The fault's id; `None` for the healing of all.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        fault: Option<String>,
        /// Which of its firings, from 1.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        firing: Option<u32>,
        /// What it is time for.
        what: Due,
        /// How long the healing of all was put off, in milliseconds, if that was drawn from the seed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        drawn_ms: Option<u64>,
    },
    /// A clock of the lab was moved.
    #[serde(rename = "clock.moved")]
    ClockMoved {
        /// Whose clock.
        clock: Clock,
        /// Its offset from real time from now on, in milliseconds.
        offset_ms: i64,
    },

    /// A request reached the identity provider.
    #[serde(rename = "idp.request")]
    IdpRequest(IdpRequest),
    /// The identity provider's reply is about to leave.
    #[serde(rename = "idp.response")]
    IdpResponse(IdpResponse),
    /// A token was born or died.
    #[serde(rename = "idp.token")]
    IdpToken(IdpToken),

    /// Another key signs from now on.
    #[serde(rename = "idp.key")]
    IdpKey {
        /// Its id.
        kid: String,
    },

    /// A request reached the protected API and its token was judged.
    #[serde(rename = "api.request")]
    ApiRequest(ApiRequest),
    /// The API's reply is about to leave.
    #[serde(rename = "api.response")]
    ApiResponse(ApiResponse),

    /// A reply's last byte was handed to the connection, or it was lost before.
    #[serde(rename = "http.done")]
    HttpDone {
        /// The request that it answers.
        call: Call,
        /// Whether the whole reply was handed over.
        delivered: bool,
        /// Whether a fault that was to alter it found all as it would have made it.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        unaltered: bool,
    },

    /// An RPC of a worker reached the frontend gate.
    #[serde(rename = "gate.rpc")]
    GateRpc {
        /// Joins it with its end.
        call: Call,
        /// Which worker instance.
        instance: Instance,
        /// Name of the method, `PollActivityTaskQueue`.
        rpc: String,
        /// The token that it carried.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        token: Option<TokenName>,
        /// Why the gate refuses it, where it asks for a bearer.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        refused: Option<String>,
    },
    /// An RPC ended.
    #[serde(rename = "gate.rpc_done")]
    GateRpcDone {
        /// Joins it with its beginning.
        call: Call,
        /// Which worker instance.
        instance: Instance,
        /// Name of the method.
        rpc: String,
        /// gRPC status code, 0 for OK; `None` when the stream was reset.
        code: Option<i32>,
        /// The token that it carried.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        token: Option<TokenName>,
        /// The fault that made its end what it is.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        fault: Option<String>,
    },
    /// An activity attempt is about to be delivered to a worker.
    #[serde(rename = "activity.started")]
    ActivityStarted(Attempt),
    /// A worker reported an attempt as done.
    #[serde(rename = "activity.completed")]
    ActivityCompleted {
        /// Which attempt.
        #[serde(flatten)]
        attempt: Attempt,
        /// The decoded result.
        result: Value,
    },
    /// A worker reported an attempt as failed.
    #[serde(rename = "activity.failed")]
    ActivityFailed {
        /// Which attempt.
        #[serde(flatten)]
        attempt: Attempt,
        /// The failure with its causes.
        failure: Failure,
    },
    /// A worker reported an attempt as cancelled.
    #[serde(rename = "activity.cancelled")]
    ActivityCancelled(Attempt),
    /// A worker sent a heartbeat.
    #[serde(rename = "activity.heartbeat")]
    ActivityHeartbeat {
        /// Which attempt.
        #[serde(flatten)]
        attempt: Attempt,
        /// The decoded details.
        details: Value,
    },

    /// A link that carried nothing is healed, and a worker had sent something over it meanwhile.
    #[serde(rename = "link.withheld")]
    LinkWithheld {
        /// Which end of the lab it leads to: `idp`, `api` or `temporal`.
        on: String,
        /// Whose link.
        instance: Instance,
    },
    /// The scenario's own Temporal server was hurt, or is well again.
    #[serde(rename = "temporal.server")]
    TemporalServer {
        /// How it stands from now on.
        state: ServerState,
        /// Why it is lost.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        reason: Option<String>,
    },
    /// Temporal's server has answered to what a fault had it do to a workflow, or to an activity of it.
    #[serde(rename = "temporal.operation")]
    TemporalOperation {
        /// What: `activity.pause`, `activity.unpause`, `activity.reset`, `workflow.cancel`, `workflow.terminate`,
        /// `workflow.reset` or `workflow.signal`.
        operation: String,
        /// The workflow.
        workflow: WorkflowId,
        /// Temporal's id of the activity, where it was done to one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        activity: Option<String>,
        /// Why it was not done.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        refused: Option<String>,
    },

    /// A worker process was started.
    #[serde(rename = "worker.started")]
    WorkerStarted {
        /// Which instance.
        instance: Instance,
        /// Its command line.
        command: Vec<String>,
    },
    /// A worker instance has polled for what it serves.
    #[serde(rename = "worker.ready")]
    WorkerReady {
        /// Which instance.
        instance: Instance,
    },
    /// A worker process was stopped, with all that descends from it: it does nothing until it is resumed.
    #[serde(rename = "worker.frozen")]
    WorkerFrozen {
        /// Which instance.
        instance: Instance,
    },
    /// A worker process that was frozen goes on.
    #[serde(rename = "worker.resumed")]
    WorkerResumed {
        /// Which instance.
        instance: Instance,
    },
    /// A worker process wrote a line.
    #[serde(rename = "worker.output")]
    WorkerOutput {
        /// Which instance.
        instance: Instance,
        /// Where it wrote.
        stream: Stream,
        /// The line without its end.
        line: String,
    },
    /// A worker process ended.
    #[serde(rename = "worker.exited")]
    WorkerExited {
        /// Which instance.
        instance: Instance,
        /// Exit code, if it exited by itself.
        code: Option<i32>,
        /// Signal, if it was killed by one.
        signal: Option<i32>,
        /// Whether the lab or a fault ended it.
        expected: bool,
    },

    /// A worker tried to leave the lab.
    #[serde(rename = "egress.attempt")]
    EgressAttempt {
        /// Which instance, where that is known.
        instance: Option<Instance>,
        /// The host that it named.
        host: String,
        /// The port that it named.
        port: u16,
    },

    /// One event of a Temporal history, appended after the workload.
    #[serde(rename = "history.event")]
    HistoryEvent {
        /// Whose history.
        workflow: WorkflowId,
        /// Temporal's number of it.
        event_id: i64,
        /// Temporal's name of it, `ActivityTaskScheduled`.
        event: String,
        /// Its attributes with payloads decoded.
        attributes: Value,
    },
}

/// How a workflow closed, or that it did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkflowStatus {
    /// Returned a result.
    Completed,
    /// Returned a failure.
    Failed,
    /// Was cancelled.
    Cancelled,
    /// Was terminated.
    Terminated,
    /// Ran out of time.
    TimedOut,
    /// Was still open when the harness stopped waiting.
    Running,
}

/// How the Temporal server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerState {
    /// It is stopped, and answers nobody.
    Paused,
    /// It goes on.
    Resumed,
    /// It has ended.
    Gone,
    /// It answers again.
    Back,
    /// It could not be started again.
    Lost,
}

/// What it is time for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// The fault acts: its `delay:` is over.
    Act,
    /// The fault is undone: its `for:` is over.
    Undo,
    /// All faults are undone: the delay of `heal:` is over.
    Heal,
}

/// Whose clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The identity provider's.
    Idp,
    /// The protected API's.
    Api,
    /// The workers'.
    Worker,
}

/// Standard output or standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Event {
    /// Says of a reply which fault made it what it is.
    pub(super) fn attribute_to(&mut self, id: String) {
        match self {
            Self::IdpResponse(IdpResponse { fault, .. })
            | Self::ApiResponse(ApiResponse { fault, .. })
            | Self::GateRpcDone { fault, .. } => *fault = Some(id),
            _ => {}
        }
    }

    /// The name of its kind, `idp.request`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RunStarted(_) => "run.started",
            Self::RunEnded(_) => "run.ended",
            Self::WorkloadStarted { .. } => "workload.started",
            Self::WorkloadFinished => "workload.finished",
            Self::LabLate { .. } => "lab.late",
            Self::WorkflowStarted { .. } => "workflow.started",
            Self::WorkflowClosed { .. } => "workflow.closed",
            Self::FaultArmed { .. } => "fault.armed",
            Self::FaultFired { .. } => "fault.fired",
            Self::FaultBit { .. } => "fault.bit",
            Self::FaultHealed { .. } => "fault.healed",
            Self::FaultDue { .. } => "fault.due",
            Self::ClockMoved { .. } => "clock.moved",
            Self::IdpRequest(_) => "idp.request",
            Self::IdpResponse(_) => "idp.response",
            Self::IdpToken(_) => "idp.token",
            Self::IdpKey { .. } => "idp.key",
            Self::ApiRequest(_) => "api.request",
            Self::ApiResponse(_) => "api.response",
            Self::HttpDone { .. } => "http.done",
            Self::GateRpc { .. } => "gate.rpc",
            Self::GateRpcDone { .. } => "gate.rpc_done",
            Self::ActivityStarted(_) => "activity.started",
            Self::ActivityCompleted { .. } => "activity.completed",
            Self::ActivityFailed { .. } => "activity.failed",
            Self::ActivityCancelled(_) => "activity.cancelled",
            Self::ActivityHeartbeat { .. } => "activity.heartbeat",
            Self::LinkWithheld { .. } => "link.withheld",
            Self::TemporalServer { .. } => "temporal.server",
            Self::TemporalOperation { .. } => "temporal.operation",
            Self::WorkerStarted { .. } => "worker.started",
            Self::WorkerReady { .. } => "worker.ready",
            Self::WorkerFrozen { .. } => "worker.frozen",
            Self::WorkerResumed { .. } => "worker.resumed",
            Self::WorkerOutput { .. } => "worker.output",
            Self::WorkerExited { .. } => "worker.exited",
            Self::EgressAttempt { .. } => "egress.attempt",
            Self::HistoryEvent { .. } => "history.event",
        }
    }
}
