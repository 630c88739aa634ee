//! What Temporal's server does to work that is under way, and what it cannot: why there is no action `activity.cancel`.

#![expect(clippy::unwrap_used, reason = "test helpers fail like tests")]

use std::path::PathBuf;
use std::time::Duration;

use temporalio_client::grpc::WorkflowService;
use temporalio_client::tonic::{Code, IntoRequest as _};
use temporalio_client::{Connection, ConnectionOptions};
use temporalio_common::protos::temporal::api::command::v1::{
    Command, ScheduleActivityTaskCommandAttributes, command::Attributes,
};
use temporalio_common::protos::temporal::api::common::v1::{ActivityType, WorkflowExecution};
use temporalio_common::protos::temporal::api::enums::v1::CommandType;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, PollWorkflowTaskQueueRequest, RequestCancelActivityExecutionRequest,
    RespondActivityTaskCanceledByIdRequest, RespondWorkflowTaskCompletedRequest,
};
use tokenlapse::journal::{Journal, WorkflowId};
use tokenlapse::lab::temporal::{Backend as _, BinarySources, Dev};
use tokenlapse::lab::worker::Launcher;
use tokenlapse::lab::workload::{Client, Start};

const NAMESPACE: &str = "default";
const QUEUE: &str = "standing-work";
/// Temporal's id of the activity that is scheduled.
const ACTIVITY: &str = "1";

/// Starts a workflow and has it schedule an activity, as its worker would.
async fn schedule(client: &mut Client, service: &mut dyn WorkflowService, workflow: &str) {
    let start = Start {
        workflow: WorkflowId::from(workflow),
        n: 1,
        workflow_type: "Any".to_owned(),
        task_queue: QUEUE.to_owned(),
        input: Vec::new(),
    };
    client.start(&start).await.unwrap();
    let queue = Some(TaskQueue { name: QUEUE.to_owned(), ..TaskQueue::default() });
    let poll = PollWorkflowTaskQueueRequest {
        namespace: NAMESPACE.to_owned(),
        task_queue: queue.clone(),
        ..PollWorkflowTaskQueueRequest::default()
    };
    let task = service.poll_workflow_task_queue(poll.into_request()).await.unwrap().into_inner();
    let attributes = ScheduleActivityTaskCommandAttributes {
        activity_id: ACTIVITY.to_owned(),
        activity_type: Some(ActivityType { name: "A".to_owned() }),
        task_queue: queue,
        start_to_close_timeout: Some(Duration::from_secs(60).try_into().unwrap()),
        schedule_to_close_timeout: Some(Duration::from_secs(60).try_into().unwrap()),
        ..ScheduleActivityTaskCommandAttributes::default()
    };
    let done = RespondWorkflowTaskCompletedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token,
        commands: vec![Command {
            command_type: CommandType::ScheduleActivityTask.into(),
            attributes: Some(Attributes::ScheduleActivityTaskCommandAttributes(attributes)),
            ..Command::default()
        }],
        ..RespondWorkflowTaskCompletedRequest::default()
    };
    service.respond_workflow_task_completed(done.into_request()).await.unwrap();
}

#[tokio::test]
async fn nobody_but_its_workflow_can_ask_an_activity_to_cancel_itself() {
    let launcher = Launcher { executable: PathBuf::from(env!("CARGO_BIN_EXE_tokenlapse")) };
    let server = Dev { binary: BinarySources::of_caller(None) };
    let server = server.start(&launcher, "standing-work").await.unwrap();
    let address = server.address().to_string();
    let mut client = Client::connect(&address, NAMESPACE, Journal::in_memory()).await.unwrap();
    let options =
        ConnectionOptions::new(format!("http://{address}").parse::<temporalio_client::Url>().unwrap()).build();
    let mut service = Connection::connect(options).await.unwrap().workflow_service();
    schedule(&mut client, &mut *service, "w").await;

    let execution = Some(WorkflowExecution { workflow_id: "w".to_owned(), run_id: String::new() });
    let describe = DescribeWorkflowExecutionRequest { namespace: NAMESPACE.to_owned(), execution };
    let described = service.describe_workflow_execution(describe.into_request()).await.unwrap().into_inner();
    let pending: Vec<_> = described.pending_activities.iter().map(|it| it.activity_id.as_str()).collect();
    assert_eq!(pending, [ACTIVITY], "it is there to be cancelled");
    let run_id = described.workflow_execution_info.unwrap().execution.unwrap().run_id;

    // By its own id, and by the run that has it.
    for run_id in [String::new(), run_id] {
        let cancel = RequestCancelActivityExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            activity_id: ACTIVITY.to_owned(),
            run_id,
            request_id: "cancel".to_owned(),
            ..RequestCancelActivityExecutionRequest::default()
        };
        let refused = service.request_cancel_activity_execution(cancel.into_request()).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound, "{refused:?}");
    }
    // Nor can it be said in its stead that it has done so.
    let cancelled = RespondActivityTaskCanceledByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: "w".to_owned(),
        activity_id: ACTIVITY.to_owned(),
        ..RespondActivityTaskCanceledByIdRequest::default()
    };
    let refused = service.respond_activity_task_canceled_by_id(cancelled.into_request()).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound, "{refused:?}");
    server.stop().await;
}
