//! Starts the target's workflows, waits for them, and appends their histories to the journal.
//!
//! It talks to the server itself, never through a gate, so that no fault of a scenario can blind the harness.

use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;
use temporalio_client::grpc::WorkflowService;
use temporalio_client::tonic::{Code, IntoRequest, Request, Response, Status, transport};
use temporalio_client::{Connection, ConnectionOptions};
use temporalio_common::protos::temporal::api::common::v1::{Payload, Payloads, WorkflowExecution, WorkflowType};
use temporalio_common::protos::temporal::api::enums::v1::{EventType, HistoryEventFilterType, WorkflowExecutionStatus};
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse, GetWorkflowExecutionHistoryRequest,
    GetWorkflowExecutionHistoryResponse, StartWorkflowExecutionRequest, TerminateWorkflowExecutionRequest,
};

use tokio::time::Instant;

use super::payload;
use crate::journal::{Event, Journal, WorkflowId, WorkflowStatus};

/// A long poll for a workflow's end is made anew after this time. A server under load has been seen to lose the news
/// that a workflow has closed, once in some 1,500; nobody shall wait for that in vain.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A server that is away comes back within this time.
const AWAY: Duration = Duration::from_secs(30);
/// How long to wait before it is asked again.
const PAUSE: Duration = Duration::from_millis(20);
/// Who calls, as the server sees it.
pub(super) const IDENTITY: &str = "tokenlapse";
/// What Temporal's names of history events begin with, and the journal's do not.
const EVENT_PREFIX: &str = "EVENT_TYPE_";

/// The server cannot be used for the workload.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkloadError {
    /// No connection.
    #[error("no connection to the Temporal server at {address}")]
    Connect {
        /// Its address.
        address: String,
        /// What failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A call failed.
    #[error("{call} of workflow {workflow} failed: {}", source.message())]
    Call {
        /// Name of the RPC.
        call: &'static str,
        /// Which workflow.
        workflow: WorkflowId,
        /// What the server said.
        #[source]
        source: Box<Status>,
    },
    /// The server does not know a workflow that was started.
    #[error(
        "the Temporal server knows no workflow {0}: its start was still under way when there was nothing left to wait \
         for, as happens on a machine that is too busy (try a lower `-j`), or the server has lost it"
    )]
    NotTaken(WorkflowId),
}

/// What to start.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Id of the workflow.
    pub workflow: WorkflowId,
    /// Its number in the workload, from 1.
    pub n: u32,
    /// Name of the workflow type.
    pub workflow_type: String,
    /// Where the workers poll.
    pub task_queue: String,
    /// Its arguments.
    pub input: Vec<Value>,
}

/// A call of the frontend.
type Rpc<R, T> = for<'a> fn(&'a mut dyn WorkflowService, Request<R>) -> BoxFuture<'a, Result<Response<T>, Status>>;

/// A connection of the harness to the Temporal server.
#[derive(Clone)]
pub struct Client {
    service: Box<dyn WorkflowService>,
    namespace: String,
    journal: Journal,
    /// How long a server that is away is asked again.
    patience: Duration,
}

impl Client {
    /// Connects to the frontend at `address` (`host:port`, plaintext).
    ///
    /// # Errors
    ///
    /// [`WorkloadError::Connect`].
    pub async fn connect(address: &str, namespace: &str, journal: Journal) -> Result<Self, WorkloadError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| WorkloadError::Connect {
            address: address.to_owned(),
            source,
        };
        let url = format!("http://{address}").parse::<url::Url>().map_err(|error| failed(error.into()))?;
        let options =
            ConnectionOptions::new(url).identity(IDENTITY.to_owned()).connect_timeout(Duration::from_secs(10)).build();
        let connection = Connection::connect(options).await.map_err(|error| failed(error.into()))?;
        Ok(Self {
            service: connection.workflow_service(),
            namespace: namespace.to_owned(),
            journal,
            patience: Duration::ZERO,
        })
    }

    /// The same connection, to a server that may be away for a while.
    pub(super) fn patient(self) -> Self {
        Self { patience: AWAY, ..self }
    }

    /// The same connection, reporting to another journal.
    pub fn reporting_to(&self, journal: Journal) -> Self {
        Self { journal, ..self.clone() }
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Where it reports to.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Starts a workflow and records that.
    ///
    /// # Errors
    ///
    /// [`WorkloadError::Call`].
    pub async fn start(&mut self, start: &Start) -> Result<(), WorkloadError> {
        let request = StartWorkflowExecutionRequest {
            namespace: self.namespace.clone(),
            workflow_id: start.workflow.to_string(),
            workflow_type: Some(WorkflowType { name: start.workflow_type.clone() }),
            task_queue: Some(TaskQueue { name: start.task_queue.clone(), ..TaskQueue::default() }),
            input: Some(Payloads { payloads: start.input.iter().map(as_json).collect() }),
            request_id: start.workflow.to_string(),
            identity: IDENTITY.into(),
            ..StartWorkflowExecutionRequest::default()
        };
        // Recorded first: what the workflow causes must not have a lower number than its start.
        self.journal.record(Event::WorkflowStarted { workflow: start.workflow.clone(), n: start.n }).settled().await;
        let call = "StartWorkflowExecution";
        self.ask(request, |service, request| service.start_workflow_execution(request))
            .await
            .map_err(|source| failed(call, &start.workflow, source))?;
        Ok(())
    }

    /// Waits until a workflow is closed, however long that takes, and records how.
    ///
    /// # Errors
    ///
    /// [`WorkloadError::Call`].
    pub async fn closed(&mut self, workflow: &WorkflowId) -> Result<WorkflowStatus, WorkloadError> {
        let status = self.close_event(workflow).await?;
        self.journal.record(Event::WorkflowClosed { workflow: workflow.clone(), status }).settled().await;
        Ok(status)
    }

    async fn close_event(&mut self, workflow: &WorkflowId) -> Result<WorkflowStatus, WorkloadError> {
        let mut page = Vec::new();
        loop {
            let request = GetWorkflowExecutionHistoryRequest {
                wait_new_event: true,
                history_event_filter_type: HistoryEventFilterType::CloseEvent.into(),
                ..self.history_request(workflow, page)
            };
            let call = "GetWorkflowExecutionHistory";
            let reply = match tokio::time::timeout(LOOK_AGAIN, self.history_page(request)).await {
                Ok(Ok(reply)) => reply,
                // A long poll that found nothing in its time, or in ours.
                Err(_) => {
                    page = Vec::new();
                    continue;
                }
                Ok(Err(status)) if status.code() == Code::DeadlineExceeded => {
                    page = Vec::new();
                    continue;
                }
                Ok(Err(source)) => return Err(failed(call, workflow, source)),
            };
            let Some(event) = reply.history.as_ref().and_then(|history| history.events.last()) else {
                page = reply.next_page_token;
                continue;
            };
            match status_of(event.event_type()) {
                // So ends a run that is reset, too; it is its successor that counts then.
                WorkflowStatus::Terminated => match self.status_now(workflow).await? {
                    WorkflowStatus::Running => page = Vec::new(),
                    status => return Ok(status),
                },
                status => return Ok(status),
            }
        }
    }

    /// How the newest run of a workflow stands.
    async fn status_now(&mut self, workflow: &WorkflowId) -> Result<WorkflowStatus, WorkloadError> {
        let reply = self.describe(workflow).await;
        let reply = reply.map_err(|source| failed("DescribeWorkflowExecution", workflow, source))?;
        Ok(match reply.workflow_execution_info.unwrap_or_default().status() {
            WorkflowExecutionStatus::Completed => WorkflowStatus::Completed,
            WorkflowExecutionStatus::Failed => WorkflowStatus::Failed,
            WorkflowExecutionStatus::Canceled => WorkflowStatus::Cancelled,
            WorkflowExecutionStatus::Terminated => WorkflowStatus::Terminated,
            WorkflowExecutionStatus::TimedOut => WorkflowStatus::TimedOut,
            _ => WorkflowStatus::Running,
        })
    }

    pub(super) async fn describe(
        &mut self,
        workflow: &WorkflowId,
    ) -> Result<DescribeWorkflowExecutionResponse, Status> {
        let request = DescribeWorkflowExecutionRequest {
            namespace: self.namespace.clone(),
            execution: Some(execution(workflow)),
        };
        self.ask(request, |service, request| service.describe_workflow_execution(request)).await
    }

    /// Records how a workflow that is waited for no longer has closed, or that it is still running.
    ///
    /// # Errors
    ///
    /// [`WorkloadError::Call`].
    pub async fn given_up(&mut self, workflow: &WorkflowId) -> Result<WorkflowStatus, WorkloadError> {
        // Asked once more: what the server knows is what is said of the worker.
        let history = self.history(workflow).await?;
        let closed = history.iter().rev().find_map(|event| match event {
            Event::HistoryEvent { event, .. } => {
                let closing = EventType::from_str_name(&format!("{EVENT_PREFIX}{event}")).map(status_of);
                closing.filter(|status| *status != WorkflowStatus::Running)
            }
            _ => None,
        });
        let status = closed.unwrap_or(WorkflowStatus::Running);
        self.journal.record(Event::WorkflowClosed { workflow: workflow.clone(), status }).settled().await;
        Ok(status)
    }

    /// Ends a workflow that nobody works on any more.
    ///
    /// # Errors
    ///
    /// [`WorkloadError::Call`]; not if it has closed in the meantime.
    pub async fn terminate(&mut self, workflow: &WorkflowId) -> Result<(), WorkloadError> {
        match self.end(workflow, "its scenario is over").await {
            Err(status) if status.code() != Code::NotFound => {
                Err(failed("TerminateWorkflowExecution", workflow, status))
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn end(&mut self, workflow: &WorkflowId, reason: &str) -> Result<(), Status> {
        let request = TerminateWorkflowExecutionRequest {
            namespace: self.namespace.clone(),
            workflow_execution: Some(execution(workflow)),
            reason: reason.to_owned(),
            identity: IDENTITY.into(),
            ..TerminateWorkflowExecutionRequest::default()
        };
        self.ask(request, |service, request| service.terminate_workflow_execution(request)).await.map(drop)
    }

    /// Appends a workflow's whole history to the journal, payloads decoded.
    ///
    /// # Errors
    ///
    /// [`WorkloadError::Call`].
    pub async fn append_history(&mut self, workflow: &WorkflowId) -> Result<(), WorkloadError> {
        for event in self.history(workflow).await? {
            self.journal.record(event).settled().await;
        }
        Ok(())
    }

    /// A workflow's history as far as it goes, payloads decoded. Nothing is recorded.
    ///
    /// # Errors
    ///
    /// [`WorkloadError::Call`].
    pub async fn history(&mut self, workflow: &WorkflowId) -> Result<Vec<Event>, WorkloadError> {
        let events = self.raw_history(workflow).await;
        let events = events.map_err(|source| failed("GetWorkflowExecutionHistory", workflow, source))?;
        Ok(events.iter().map(|event| history_event(workflow, event)).collect())
    }

    /// The same as the server gives it.
    pub(super) async fn raw_history(&mut self, workflow: &WorkflowId) -> Result<Vec<HistoryEvent>, Status> {
        let (mut page, mut events) = (Vec::new(), Vec::new());
        loop {
            let request = self.history_request(workflow, page);
            let reply = self.history_page(request).await?;
            events.extend(reply.history.into_iter().flat_map(|history| history.events));
            page = reply.next_page_token;
            if page.is_empty() {
                return Ok(events);
            }
        }
    }

    async fn history_page(
        &mut self,
        request: GetWorkflowExecutionHistoryRequest,
    ) -> Result<GetWorkflowExecutionHistoryResponse, Status> {
        self.ask(request, |service, request| service.get_workflow_execution_history(request)).await
    }

    /// Asks once more if the connection ends under a call, which a server does to connections of some age, and of a server
    /// that may be away, again and again. Each of these calls may be made twice: to read changes nothing, what starts or
    /// changes something carries the id of its request or does no more the second time, and what was ended stays so.
    pub(super) async fn ask<R: Clone, T>(&mut self, request: R, rpc: Rpc<R, T>) -> Result<T, Status> {
        let (began, mut again) = (Instant::now(), true);
        loop {
            let status = match rpc(&mut *self.service, request.clone().into_request()).await {
                Ok(reply) => return Ok(reply.into_inner()),
                Err(status) => status,
            };
            let lost = is_connection_lost(&status);
            // A server that ends gives calls up that wait, too.
            let away = lost || matches!(status.code(), Code::Unavailable | Code::Cancelled);
            if away && began.elapsed() < self.patience {
                tokio::time::sleep(PAUSE).await;
            } else if !(lost && std::mem::take(&mut again)) {
                return Err(status);
            }
        }
    }

    fn history_request(&self, workflow: &WorkflowId, page: Vec<u8>) -> GetWorkflowExecutionHistoryRequest {
        GetWorkflowExecutionHistoryRequest {
            namespace: self.namespace.clone(),
            execution: Some(execution(workflow)),
            next_page_token: page,
            ..GetWorkflowExecutionHistoryRequest::default()
        }
    }
}

/// Whether it was the connection that failed, not the server that refused.
fn is_connection_lost(status: &Status) -> bool {
    std::error::Error::source(status).is_some_and(|source| source.is::<transport::Error>())
}

fn failed(call: &'static str, workflow: &WorkflowId, source: Status) -> WorkloadError {
    if source.code() == Code::NotFound {
        return WorkloadError::NotTaken(workflow.clone());
    }
    WorkloadError::Call { call, workflow: workflow.clone(), source: Box::new(source) }
}

pub(super) fn execution(workflow: &WorkflowId) -> WorkflowExecution {
    WorkflowExecution { workflow_id: workflow.to_string(), run_id: String::new() }
}

pub(super) fn as_json(value: &Value) -> Payload {
    Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: value.to_string().into_bytes(),
        ..Payload::default()
    }
}

fn status_of(event: EventType) -> WorkflowStatus {
    match event {
        EventType::WorkflowExecutionCompleted => WorkflowStatus::Completed,
        EventType::WorkflowExecutionFailed => WorkflowStatus::Failed,
        EventType::WorkflowExecutionCanceled => WorkflowStatus::Cancelled,
        EventType::WorkflowExecutionTerminated => WorkflowStatus::Terminated,
        EventType::WorkflowExecutionTimedOut => WorkflowStatus::TimedOut,
        _ => WorkflowStatus::Running,
    }
}

fn history_event(workflow: &WorkflowId, event: &HistoryEvent) -> Event {
    // Fails for no message of Temporal's: all of them are plain data.
    let mut attributes = serde_json::to_value(event).unwrap_or(Value::Null);
    payload::decode_in_place(&mut attributes);
    Event::HistoryEvent {
        workflow: workflow.clone(),
        event_id: event.event_id,
        event: event.event_type().as_str_name().trim_start_matches(EVENT_PREFIX).to_owned(),
        attributes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_that_the_server_does_not_know_is_told_apart_from_a_call_that_failed() {
        let told = |status: Status| failed("GetWorkflowExecutionHistory", &WorkflowId::new("a"), status).to_string();
        assert!(told(Status::not_found("workflow not found")).contains("no workflow a: its start was still under way"));
        let failed = "GetWorkflowExecutionHistory of workflow a failed: no time";
        assert_eq!(told(Status::unavailable("no time")), failed);
    }
}
