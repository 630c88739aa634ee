//! A gate that asks for a bearer. How it decides is the authorizer's own affair.

use temporalio_common::protos::temporal::api::workflowservice::v1::*;

use super::SOON;
use super::frontend::{Lab, Reply, Seen};
use crate::journal::Event;

/// What was refused, with the reason, and how each call ended.
fn told(lab: &Lab) -> Vec<String> {
    let told = lab.events().into_iter().filter_map(|event| match event {
        Event::GateRpc { rpc, refused, .. } => Some(format!("{rpc}: {}", refused.unwrap_or_default())),
        Event::GateRpcDone { rpc, code, .. } => Some(format!("{rpc}: {code:?}")),
        _ => None,
    });
    told.collect()
}

#[tokio::test]
async fn who_is_refused_never_reaches_the_server() {
    let mut lab = Lab::new(Reply::ok(&GetSystemInfoResponse::default()));
    lab.gate.require_bearer(true);
    let got = lab.rpc("GetSystemInfo", &GetSystemInfoRequest::default()).await;
    assert_eq!(got.headers["grpc-status"], "7");
    assert_eq!(got.headers["content-type"], "application/grpc");
    assert!(lab.seen.try_recv().is_err(), "the server was asked");
    assert_eq!(told(&lab), ["GetSystemInfo: malformed", "GetSystemInfo: Some(7)"]);

    lab.gate.require_bearer(false);
    let got = lab.rpc("GetSystemInfo", &GetSystemInfoRequest::default()).await;
    assert_eq!(got.trailers.expect("a reply")["grpc-status"], "0");
}

#[tokio::test]
async fn a_poll_that_was_let_in_stays_in() {
    let mut lab = Lab::new(Reply::Park);
    let request = PollActivityTaskQueueRequest::default();
    let mut seen = std::mem::replace(&mut lab.seen, tokio::sync::mpsc::unbounded_channel().1);
    let mut poll = std::pin::pin!(lab.rpc("PollActivityTaskQueue", &request));
    tokio::select! {
        _ = &mut poll => panic!("answered"),
        arrived = tokio::time::timeout(SOON, seen.recv()) => assert!(matches!(arrived, Ok(Some(Seen::Request { .. })))),
    }
    lab.gate.require_bearer(true);
    let later = lab.rpc("PollActivityTaskQueue", &request);
    tokio::select! {
        _ = &mut poll => panic!("the first one was ended"),
        got = later => assert_eq!(got.headers["grpc-status"], "7"),
    }
    assert_eq!(
        told(&lab),
        ["PollActivityTaskQueue: ", "PollActivityTaskQueue: malformed", "PollActivityTaskQueue: Some(7)"]
    );
}
