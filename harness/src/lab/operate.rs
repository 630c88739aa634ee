//! What faults have Temporal's server do to work that is under way, by the harness's own connection.

use std::time::Duration;

use temporalio_client::tonic::Status;
use temporalio_common::protos::temporal::api::common::v1::Payloads;
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::workflow::v1::PendingActivityInfo;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    PauseActivityRequest, RequestCancelWorkflowExecutionRequest, ResetActivityRequest, ResetWorkflowExecutionRequest,
    SignalWorkflowExecutionRequest, UnpauseActivityRequest, pause_activity_request, reset_activity_request,
    unpause_activity_request,
};

use super::errands::Errands;
use super::workload::{Client, IDENTITY, as_json, execution};
use crate::fault::{Activities, Deed, Operation};
use crate::journal::{Effect, Event, Journal, WorkflowId};
use crate::scenario::ResetPoint;

/// A server that has not answered within this time, to all that is done to one workflow, does not.
const PATIENCE: Duration = Duration::from_secs(5);
/// Why a fault does so, in the histories.
const REASON: &str = "a fault of the scenario";

/// Has operations carried out, one after the other. Clones share it.
#[derive(Clone)]
pub(super) struct Operator(Errands<Operation>);

impl Operator {
    /// One, and what carries out what it is asked for, by a connection or, without one, not at all.
    pub(super) fn new(client: Option<Client>, journal: Journal) -> (Self, impl Future<Output = ()> + Send) {
        let (asked, mut asking) = Errands::<Operation>::new();
        let work = async move {
            while let Some((operation, done)) = asking.recv().await {
                for workflow in &operation.workflows {
                    for answer in answers(client.clone(), workflow, &operation.deed).await {
                        let recorded = journal.record(event(workflow, &operation.deed, answer));
                        // What it triggers may ask for an operation, which has to wait for this one.
                        tokio::spawn(recorded.settled());
                    }
                }
                // Nobody need wait.
                let _ = done.send(());
            }
        };
        (Self(asked), work)
    }

    /// Asks for an operation. It is carried out whether or not anybody awaits it.
    pub(super) fn ask(&self, operation: Operation) -> Effect {
        self.0.ask(operation)
    }
}

/// What became of a deed: the activity that it was done to, if to one, and why it was not done, if it was not.
type Answer = (Option<String>, Result<(), String>);

fn event(workflow: &WorkflowId, deed: &Deed, (activity, done): Answer) -> Event {
    let (operation, workflow) = (deed.name().to_owned(), workflow.clone());
    Event::TemporalOperation { operation, workflow, activity, refused: done.err() }
}

/// Carries a deed out, within bounded time.
async fn answers(client: Option<Client>, workflow: &WorkflowId, deed: &Deed) -> Vec<Answer> {
    let Some(mut client) = client else { return vec![(None, Err("the lab has no connection of its own".into()))] };
    match tokio::time::timeout(PATIENCE, client.operate(workflow, deed)).await {
        Ok(Ok(answers)) => answers,
        Ok(Err(status)) => vec![(None, Err(in_words(&status)))],
        Err(_) => vec![(None, Err(format!("no answer within {PATIENCE:?}")))],
    }
}

fn in_words(status: &Status) -> String {
    match status.message() {
        "" => status.code().to_string(),
        message => message.to_owned(),
    }
}

impl Client {
    async fn operate(&mut self, workflow: &WorkflowId, deed: &Deed) -> Result<Vec<Answer>, Status> {
        match deed {
            Deed::PauseActivities(which) | Deed::UnpauseActivities(which) | Deed::ResetActivities(which) => {
                let mut answers = Vec::new();
                let describe = self.describe(workflow).await?;
                for activity in describe.pending_activities.into_iter().filter(|it| is_meant(which, it)) {
                    let id = activity.activity_id;
                    let done = self.operate_on_activity(workflow, &id, deed).await;
                    answers.push((Some(id), done.map_err(|status| in_words(&status))));
                }
                if answers.is_empty() {
                    answers.push((None, Err("no activity that is meant is scheduled".to_owned())));
                }
                return Ok(answers);
            }
            Deed::Cancel => {
                let request = RequestCancelWorkflowExecutionRequest {
                    namespace: self.namespace().to_owned(),
                    workflow_execution: Some(execution(workflow)),
                    identity: IDENTITY.into(),
                    request_id: request_id(),
                    reason: REASON.into(),
                    ..Default::default()
                };
                self.ask(request, |service, request| service.request_cancel_workflow_execution(request)).await?;
            }
            Deed::Terminate => self.end(workflow, REASON).await?,
            Deed::Reset(to) => self.reset(workflow, *to).await?,
            Deed::Signal { name, input } => {
                let request = SignalWorkflowExecutionRequest {
                    namespace: self.namespace().to_owned(),
                    workflow_execution: Some(execution(workflow)),
                    signal_name: name.clone(),
                    input: Some(Payloads { payloads: input.iter().map(as_json).collect() }),
                    identity: IDENTITY.into(),
                    request_id: request_id(),
                    ..Default::default()
                };
                self.ask(request, |service, request| service.signal_workflow_execution(request)).await?;
            }
        }
        Ok(vec![(None, Ok(()))])
    }

    async fn operate_on_activity(&mut self, workflow: &WorkflowId, id: &str, deed: &Deed) -> Result<(), Status> {
        let (namespace, execution) = (self.namespace().to_owned(), Some(execution(workflow)));
        let (id, identity) = (id.to_owned(), IDENTITY.to_owned());
        match deed {
            Deed::PauseActivities(_) => {
                let request = PauseActivityRequest {
                    namespace,
                    execution,
                    identity,
                    activity: Some(pause_activity_request::Activity::Id(id)),
                    reason: REASON.into(),
                    request_id: request_id(),
                };
                self.ask(request, |service, request| service.pause_activity(request)).await.map(drop)
            }
            Deed::UnpauseActivities(_) => {
                let activity = Some(unpause_activity_request::Activity::Id(id));
                let request = UnpauseActivityRequest { namespace, execution, identity, activity, ..Default::default() };
                self.ask(request, |service, request| service.unpause_activity(request)).await.map(drop)
            }
            _ => {
                let activity = Some(reset_activity_request::Activity::Id(id));
                let request = ResetActivityRequest { namespace, execution, identity, activity, ..Default::default() };
                self.ask(request, |service, request| service.reset_activity(request)).await.map(drop)
            }
        }
    }

    async fn reset(&mut self, workflow: &WorkflowId, to: ResetPoint) -> Result<(), Status> {
        let history = self.raw_history(workflow).await?;
        let mut completed = history.iter().filter(|event| event.event_type() == EventType::WorkflowTaskCompleted);
        let point = match to {
            ResetPoint::First => completed.next(),
            ResetPoint::Last => completed.next_back(),
        };
        let point = point.ok_or_else(|| Status::failed_precondition("no workflow task has completed yet"))?;
        let request = ResetWorkflowExecutionRequest {
            namespace: self.namespace().to_owned(),
            workflow_execution: Some(execution(workflow)),
            reason: REASON.into(),
            workflow_task_finish_event_id: point.event_id,
            request_id: request_id(),
            identity: IDENTITY.into(),
            ..Default::default()
        };
        self.ask(request, |service, request| service.reset_workflow_execution(request)).await.map(drop)
    }
}

fn is_meant(which: &Activities, activity: &PendingActivityInfo) -> bool {
    match which {
        Activities::Id(id) => activity.activity_id == *id,
        Activities::Type(name) => activity.activity_type.as_ref().is_some_and(|it| it.name == *name),
        Activities::All => true,
    }
}

/// By which the server knows a call that is made twice.
fn request_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}
