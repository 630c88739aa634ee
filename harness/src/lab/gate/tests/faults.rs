//! What faults make of calls.

use std::time::Duration;

use temporalio_common::protos::temporal::api::workflowservice::v1::*;

use super::frontend::{Lab, Reply, Seen};
use super::{SOON, done};
use crate::journal::{Act, Answer, Consequences, Event, Instance, Intervene, Record};

/// Has this done to the first event of a kind.
struct Once(&'static str, Option<Act>);

impl Intervene for Once {
    fn observe(&mut self, record: &Record, consequences: &mut Consequences) {
        if record.event.kind() == self.0
            && let Some(act) = self.1.take()
        {
            consequences.directive.act = act;
            consequences.fault = Some("f1".to_owned());
        }
    }
}

fn on(lab: &Lab, kind: &'static str, act: Act) {
    lab.journal.intervene_with(Once(kind, Some(act)));
}

#[tokio::test]
async fn what_is_answered_never_reaches_the_server() {
    let mut lab = Lab::new(Reply::ok(&GetSystemInfoResponse::default()));
    let headers = [("content-type", "text/html"), ("location", "/login")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    on(&lab, "gate.rpc", Act::Answer(Answer { status: 302, headers, body: "<h1>302</h1>".to_owned() }));
    let got = lab.rpc("GetSystemInfo", &GetSystemInfoRequest::default()).await;
    assert_eq!((got.headers["location"].as_bytes(), &*got.body), (&b"/login"[..], &b"<h1>302</h1>"[..]));
    assert!(lab.seen.try_recv().is_err(), "the server was asked");
    assert_eq!(done(&lab).await, None, "a page has no gRPC status");

    let got = lab.rpc("GetSystemInfo", &GetSystemInfoRequest::default()).await;
    assert_eq!(got.trailers.expect("a reply")["grpc-status"], "0");
}

#[tokio::test]
async fn a_reply_that_is_dropped_was_the_servers_and_its_stream_is_reset() {
    let mut lab = Lab::new(Reply::ok(&RespondActivityTaskCompletedResponse::default()));
    on(&lab, "gate.rpc_done", Act::DropReply);
    let path = format!("{}RespondActivityTaskCompleted", super::frontend::SERVICE);
    lab.call(&path, bytes::Bytes::new()).await.expect_err("the stream is reset");
    assert!(matches!(lab.seen.try_recv(), Ok(Seen::Request { .. })), "the server has it");
    let fault = lab.events().into_iter().find_map(|event| match event {
        Event::GateRpcDone { code, fault, .. } => Some((code, fault)),
        _ => None,
    });
    assert_eq!(fault, Some((Some(0), Some("f1".to_owned()))));
}

/// A poll that is parked at the server, and what it comes to once `act` has acted.
async fn parked(act: impl AsyncFnOnce(&Lab)) -> (Option<Option<String>>, Option<i32>) {
    let mut lab = Lab::new(Reply::Park);
    let request = PollWorkflowTaskQueueRequest::default();
    let path = format!("{}PollWorkflowTaskQueue", super::frontend::SERVICE);
    let mut seen = std::mem::replace(&mut lab.seen, tokio::sync::mpsc::unbounded_channel().1);
    let body = super::frontend::framed(&request);
    let mut poll = std::pin::pin!(lab.call(&path, body));
    tokio::select! {
        _ = &mut poll => panic!("answered"),
        arrived = seen.recv() => assert!(matches!(arrived, Some(Seen::Request { .. }))),
    }
    *lab.reply.lock() = Reply::Status("0");
    let (got, ()) = tokio::join!(poll, act(&lab));
    let status = |headers: &http::HeaderMap| headers.get("grpc-status")?.to_str().ok().map(str::to_owned);
    let cancelled = async { while !matches!(seen.recv().await, Some(Seen::Cancelled)) {} };
    tokio::time::timeout(SOON, cancelled).await.expect("the server is told");
    (got.ok().map(|got| status(&got.headers)), done(&lab).await)
}

#[tokio::test]
async fn open_polls_are_cut_with_a_status_or_by_a_reset() {
    assert_eq!(
        parked(async |lab| lab.gate.cut_polls(None, Some(7)).await).await,
        (Some(Some("7".to_owned())), Some(7))
    );
    assert_eq!(parked(async |lab| lab.gate.cut_polls(None, None).await).await, (None, None));
}

#[tokio::test]
async fn polls_of_one_instance_are_cut_and_those_of_others_are_not() {
    let of = |name: &str| Some(Instance::of(name, 1));
    let cut = parked(async |lab| lab.gate.cut_polls(of("w1").as_ref(), Some(7)).await).await;
    assert_eq!(cut, (Some(Some("7".to_owned())), Some(7)));
    // The first is not for it; without the second it would stay.
    let others = async |lab: &Lab| {
        lab.gate.cut_polls(of("w2").as_ref(), Some(7)).await;
        lab.gate.cut_polls(of("w1").as_ref(), Some(9)).await;
    };
    assert_eq!(parked(others).await, (Some(Some("9".to_owned())), Some(9)));
}

#[tokio::test]
async fn a_connection_that_is_closed_in_good_order_keeps_its_calls_for_a_while_only() {
    assert_eq!(parked(async |lab| lab.gate.go_away(Duration::from_millis(1))).await, (None, None));
}

#[tokio::test]
async fn only_polls_are_cut() {
    let mut lab = Lab::new(Reply::Park);
    let request = RespondActivityTaskCompletedRequest::default();
    let mut seen = std::mem::replace(&mut lab.seen, tokio::sync::mpsc::unbounded_channel().1);
    let mut report = std::pin::pin!(lab.rpc("RespondActivityTaskCompleted", &request));
    tokio::select! {
        _ = &mut report => panic!("answered"),
        arrived = seen.recv() => assert!(matches!(arrived, Some(Seen::Request { .. }))),
    }
    *lab.reply.lock() = Reply::Status("0");
    tokio::select! {
        biased;
        _ = &mut report => panic!("a report was cut"),
        () = lab.gate.cut_polls(None, Some(7)) => {}
    }
}
