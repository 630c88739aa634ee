mod bearer;
mod faults;
mod frontend;
mod lost;

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use temporalio_common::protos::temporal::api::common::v1::{ActivityType, Payload, Payloads, WorkflowExecution};
use temporalio_common::protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_common::protos::temporal::api::failure::v1::{ApplicationFailureInfo, Failure as WireFailure};
use temporalio_common::protos::temporal::api::workflowservice::v1::*;
use tokio::sync::oneshot;

use self::frontend::{Lab, Reply, SERVICE, Seen, framed, status};
use crate::journal::{Attempt, Call, Consequences, Event, Failure, Intervene, Record};

const SOON: Duration = Duration::from_secs(10);

fn task(token: &[u8], attempt: i32) -> PollActivityTaskQueueResponse {
    PollActivityTaskQueueResponse {
        task_token: token.to_vec(),
        workflow_execution: Some(WorkflowExecution { workflow_id: "wf-1".into(), run_id: "r".into() }),
        activity_type: Some(ActivityType { name: "ship".into() }),
        activity_id: "5".into(),
        attempt,
        ..Default::default()
    }
}

fn attempt(attempt: u32) -> Attempt {
    Attempt {
        instance: "w1.1".into(),
        workflow: "wf-1".into(),
        activity: "5".into(),
        activity_type: "ship".into(),
        attempt,
    }
}

fn payload(encoding: &str, data: &[u8]) -> Payload {
    Payload {
        metadata: [("encoding".to_owned(), encoding.as_bytes().to_vec())].into(),
        data: data.to_vec(),
        ..Default::default()
    }
}

fn payloads(payloads: Vec<Payload>) -> Option<Payloads> {
    Some(Payloads { payloads })
}

fn code(event: &Event) -> Option<(&str, Option<i32>)> {
    match event {
        Event::GateRpcDone { rpc, code, .. } => Some((rpc, *code)),
        _ => None,
    }
}

async fn done(lab: &Lab) -> Option<i32> {
    let seen = lab.journal.seen(SOON, |record| code(&record.event).is_some()).await.unwrap();
    code(&seen.event).unwrap().1
}

#[tokio::test]
async fn a_call_passes_unchanged_in_both_directions() {
    let message = framed(&GetSystemInfoResponse { server_version: "1.2.3".into(), ..Default::default() });
    let trailers = [status("0"), ("x-trailer".parse().unwrap(), "end".parse().unwrap())].into_iter().collect();
    for path in [format!("{SERVICE}GetSystemInfo"), "/grpc.health.v1.Health/Check".to_owned()] {
        let mut lab = Lab::new(Reply::Message(message.clone(), std::clone::Clone::clone(&trailers)));
        let sent = framed(&DescribeNamespaceRequest { namespace: "default".into(), ..Default::default() });
        let got = lab.call(&path, sent.clone()).await.unwrap();
        assert_eq!(got.body, message);
        assert_eq!(got.trailers.as_ref(), Some(&trailers));
        assert_eq!(got.headers["x-server"], "fake");
        assert!(!got.headers.contains_key("content-length"));

        let Some(Seen::Request { path: seen, headers, body }) = lab.seen.recv().await else { panic!() };
        assert_eq!((seen, body), (path.clone(), sent));
        assert_eq!(headers["authorization"], "Bearer lab");
        assert_eq!(headers["te"], "trailers");

        let rpc = path.rsplit('/').next().unwrap().to_owned();
        assert_eq!(done(&lab).await, Some(0));
        assert_eq!(
            lab.events(),
            [
                Event::GateRpc { call: Call(1), instance: "w1.1".into(), rpc: rpc.clone(), token: None, refused: None },
                Event::GateRpcDone {
                    call: Call(1),
                    instance: "w1.1".into(),
                    rpc,
                    code: Some(0),
                    token: None,
                    fault: None,
                },
            ]
        );
    }
}

#[tokio::test]
async fn an_error_without_a_message_passes_as_headers_only() {
    for rpc in ["PollActivityTaskQueue", "RespondWorkflowTaskCompleted", "StartWorkflowExecution"] {
        let lab = Lab::new(Reply::Status("7"));
        let got = lab.rpc(rpc, &PollActivityTaskQueueRequest::default()).await;
        assert_eq!(got.headers["grpc-status"], "7");
        assert_eq!((got.body, got.trailers), (Bytes::new(), None));
        assert_eq!(done(&lab).await, Some(7));
        assert!(lab.activities().is_empty());
        assert!(lab.gate.take_failure().is_none());
    }
}

#[tokio::test]
async fn attempts_are_followed_from_delivery_to_report() {
    // The first attempt comes eagerly, the second through a poll.
    let eager = RespondWorkflowTaskCompletedResponse { activity_tasks: vec![task(b"t1", 1)], ..Default::default() };
    let lab = Lab::new(Reply::ok(&eager));
    lab.rpc("RespondWorkflowTaskCompleted", &RespondWorkflowTaskCompletedRequest::default()).await;

    *lab.reply.lock() = Reply::ok(&RecordActivityTaskHeartbeatResponse::default());
    let beat = RecordActivityTaskHeartbeatRequest {
        task_token: b"t1".to_vec(),
        details: payloads(vec![payload("json/plain", b"3")]),
        ..Default::default()
    };
    lab.rpc("RecordActivityTaskHeartbeat", &beat).await;

    let failure = WireFailure {
        message: "token refused".into(),
        stack_trace: "at ship".into(),
        cause: Some(Box::new(WireFailure { message: "401".into(), ..Default::default() })),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo {
            r#type: "TokenExpired".into(),
            non_retryable: true,
            details: payloads(vec![payload("json/plain", b"{\"status\":401}")]),
            next_retry_delay: Some("1.5s".parse().unwrap()),
            ..Default::default()
        })),
        ..Default::default()
    };
    let failed =
        RespondActivityTaskFailedRequest { task_token: b"t1".to_vec(), failure: Some(failure), ..Default::default() };
    lab.rpc("RespondActivityTaskFailed", &failed).await;

    *lab.reply.lock() = Reply::ok(&task(b"t2", 2));
    lab.rpc("PollActivityTaskQueue", &PollActivityTaskQueueRequest::default()).await;
    let completed = RespondActivityTaskCompletedRequest {
        task_token: b"t2".to_vec(),
        result: payloads(vec![payload("json/plain", b"{\"shipped\":1}")]),
        ..Default::default()
    };
    *lab.reply.lock() = Reply::ok(&RespondActivityTaskCompletedResponse::default());
    lab.rpc("RespondActivityTaskCompleted", &completed).await;
    let canceled = RespondActivityTaskCanceledRequest { task_token: b"t2".to_vec(), ..Default::default() };
    lab.rpc("RespondActivityTaskCanceled", &canceled).await;

    let cause = Failure {
        message: "401".into(),
        failure_type: String::new(),
        non_retryable: false,
        next_retry_delay_ms: None,
        stack_trace: String::new(),
        details: Value::Null,
        cause: None,
    };
    let failure = Failure {
        message: "token refused".into(),
        failure_type: "TokenExpired".into(),
        non_retryable: true,
        next_retry_delay_ms: Some(1500),
        stack_trace: "at ship".into(),
        details: json!([{ "status": 401 }]),
        cause: Some(Box::new(cause)),
    };
    assert_eq!(
        lab.activities(),
        [
            Event::ActivityStarted(attempt(1)),
            Event::ActivityHeartbeat { attempt: attempt(1), details: json!([3]) },
            Event::ActivityFailed { attempt: attempt(1), failure },
            Event::ActivityStarted(attempt(2)),
            Event::ActivityCompleted { attempt: attempt(2), result: json!({ "shipped": 1 }) },
            Event::ActivityCancelled(attempt(2)),
        ]
    );
}

#[tokio::test]
async fn payloads_that_are_no_json_are_shown_in_base64() {
    let lab = Lab::new(Reply::ok(&task(b"t", 1)));
    lab.rpc("PollActivityTaskQueue", &PollActivityTaskQueueRequest::default()).await;
    let cases = [
        (vec![], json!(null)),
        (vec![payload("binary/null", b"")], json!(null)),
        (vec![payload("binary/encrypted", b"\x00\xff")], json!("AP8=")),
        (vec![payload("json/plain", b"{torn")], json!("e3Rvcm4=")),
        (vec![payload("json/protobuf", b"[]"), payload("json/plain", b"2")], json!([[], 2])),
    ];
    for (sent, expected) in cases {
        let completed = RespondActivityTaskCompletedRequest {
            task_token: b"t".to_vec(),
            result: payloads(sent),
            ..Default::default()
        };
        lab.rpc("RespondActivityTaskCompleted", &completed).await;
        let last = lab.activities().pop();
        assert_eq!(last, Some(Event::ActivityCompleted { attempt: attempt(1), result: expected }));
    }
}

#[tokio::test]
async fn an_empty_poll_and_an_unknown_token_are_no_attempts() {
    let lab = Lab::new(Reply::ok(&PollActivityTaskQueueResponse::default()));
    lab.rpc("PollActivityTaskQueue", &PollActivityTaskQueueRequest::default()).await;
    let completed = RespondActivityTaskCompletedRequest { task_token: b"?".to_vec(), ..Default::default() };
    lab.rpc("RespondActivityTaskCompleted", &completed).await;
    assert!(lab.activities().is_empty());
    assert!(lab.gate.take_failure().is_none());
}

#[tokio::test]
async fn what_cannot_be_decoded_passes_and_is_told() {
    let odd = Bytes::from_static(&[1, 0, 0, 0, 1, 0]);
    let lab = Lab::new(Reply::Message(odd.clone(), [status("0")].into_iter().collect()));
    let got = lab.rpc("PollActivityTaskQueue", &PollActivityTaskQueueRequest::default()).await;
    assert_eq!(got.body, odd);
    assert!(lab.gate.take_failure().is_some());
}

/// Holds every event of one kind back until it is released.
struct Hold {
    kind: &'static str,
    release: Option<oneshot::Receiver<()>>,
}

impl Intervene for Hold {
    fn observe(&mut self, record: &Record, consequences: &mut Consequences) {
        if record.event.kind() == self.kind
            && let Some(release) = self.release.take()
        {
            consequences.effects.push(Box::pin(async move { drop(release.await) }));
        }
    }
}

fn hold(lab: &Lab, kind: &'static str) -> oneshot::Sender<()> {
    let (release, released) = oneshot::channel();
    lab.journal.intervene_with(Hold { kind, release: Some(released) });
    release
}

#[tokio::test]
async fn an_attempt_without_a_number_is_the_first() {
    let lab = Lab::new(Reply::ok(&task(b"t", 0)));
    lab.rpc("PollActivityTaskQueue", &PollActivityTaskQueueRequest::default()).await;
    let started = lab.journal.records().iter().find_map(|record| match &record.event {
        Event::ActivityStarted(attempt) => Some(attempt.attempt),
        _ => None,
    });
    assert_eq!(started, Some(1));
}

#[tokio::test]
async fn a_task_is_not_delivered_before_the_effects_of_its_start() {
    let lab = Lab::new(Reply::ok(&task(b"t", 1)));
    let release = hold(&lab, "activity.started");
    let request = PollActivityTaskQueueRequest::default();
    let mut poll = std::pin::pin!(lab.rpc("PollActivityTaskQueue", &request));
    tokio::select! {
        _ = &mut poll => panic!("delivered while the effect was not done"),
        seen = lab.journal.seen(SOON, |record| record.event.kind() == "activity.started") => drop(seen.unwrap()),
    }
    // All that is ready has run, and the reply is still held.
    for _ in 0..100 {
        tokio::select! {
            biased;
            _ = &mut poll => panic!("delivered while the effect was not done"),
            () = tokio::task::yield_now() => {}
        }
    }
    release.send(()).unwrap();
    poll.await;
}

#[tokio::test]
async fn a_report_does_not_reach_the_server_before_its_effects() {
    for (kind, rpc) in [
        ("activity.completed", "RespondActivityTaskCompleted"),
        ("activity.failed", "RespondActivityTaskFailed"),
        ("gate.rpc", "RespondActivityTaskCompleted"),
    ] {
        let mut lab = Lab::new(Reply::ok(&task(b"t", 1)));
        lab.rpc("PollActivityTaskQueue", &PollActivityTaskQueueRequest::default()).await;
        lab.seen.recv().await.unwrap();
        let release = hold(&lab, kind);
        // Both messages have their token in the same field.
        let report = RespondActivityTaskCompletedRequest { task_token: b"t".to_vec(), ..Default::default() };
        let calling = async {
            lab.rpc(rpc, &report).await;
        };
        let releasing = async {
            lab.journal.seen(SOON, |record| record.event.kind() == kind && record.seq.0 > 3).await.unwrap();
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            assert!(lab.seen.is_empty(), "{kind}: the server has it while the effect is not done");
            release.send(()).unwrap();
        };
        tokio::join!(calling, releasing);
        assert!(matches!(lab.seen.recv().await, Some(Seen::Request { .. })));
    }
}

/// A kill that a call brings about goes on when the killed worker's call is gone.
#[tokio::test]
async fn effects_go_on_when_the_worker_is_gone() {
    let lab = Lab::new(Reply::ok(&task(b"t", 1)));
    let release = hold(&lab, "activity.started");
    let request = PollActivityTaskQueueRequest::default();
    tokio::select! {
        _ = lab.rpc("PollActivityTaskQueue", &request) => panic!("delivered"),
        seen = lab.journal.seen(SOON, |record| record.event.kind() == "activity.started") => drop(seen.unwrap()),
    }
    lab.workers.reset();
    assert_eq!(done(&lab).await, None);
    release.send(()).expect("the effect still waits");
}
