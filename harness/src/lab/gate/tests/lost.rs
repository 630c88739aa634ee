//! A server or a worker that is gone.

use bytes::Bytes;
use temporalio_common::protos::temporal::api::workflowservice::v1::*;

use super::frontend::{Lab, Reply, SERVICE, Seen, framed};
use super::{SOON, done};

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let lab = Lab::new(Reply::Park);
    lab.frontend.refuse();
    let got = lab.rpc("PollWorkflowTaskQueue", &PollWorkflowTaskQueueRequest::default()).await;
    assert_eq!(got.headers["grpc-status"], "14");
    assert_eq!(got.headers["content-type"], "application/grpc");
    assert_eq!(done(&lab).await, Some(14));

    lab.frontend.restore().unwrap();
    *lab.reply.lock() = Reply::Status("0");
    let got = lab.rpc("PollWorkflowTaskQueue", &PollWorkflowTaskQueueRequest::default()).await;
    assert_eq!(got.headers["grpc-status"], "0");
}

#[tokio::test]
async fn a_server_that_is_lost_in_a_call_is_unavailable() {
    let some = framed(&GetSystemInfoResponse::default()).slice(..3);
    let health = "/grpc.health.v1.Health/Watch";
    let poll = format!("{SERVICE}PollActivityTaskQueue");
    for (path, reply) in
        [(poll.as_str(), Reply::Park), (poll.as_str(), Reply::Stall(some.clone())), (health, Reply::Stall(some))]
    {
        let mut lab = Lab::new(reply);
        let control = lab.frontend.clone();
        let mut seen = std::mem::replace(&mut lab.seen, tokio::sync::mpsc::unbounded_channel().1);
        let (got, ()) = tokio::join!(lab.call(path, Bytes::new()), async {
            assert!(matches!(seen.recv().await, Some(Seen::Request { .. })));
            control.reset();
        });
        let got = got.unwrap();
        assert_eq!(got.trailers.unwrap_or(got.headers)["grpc-status"], "14");
        assert_eq!(done(&lab).await, Some(14));
    }
}

#[tokio::test]
async fn a_call_that_its_worker_loses_is_cancelled_at_the_server() {
    let some = framed(&GetSystemInfoResponse::default()).slice(..3);
    for reply in [Reply::Park, Reply::Stall(some)] {
        let mut lab = Lab::new(reply);
        let request = PollActivityTaskQueueRequest::default();
        let mut seen = std::mem::replace(&mut lab.seen, tokio::sync::mpsc::unbounded_channel().1);
        let arrived = tokio::select! {
            _ = lab.rpc("PollActivityTaskQueue", &request) => panic!("answered"),
            arrived = seen.recv() => arrived,
        };
        assert!(matches!(arrived, Some(Seen::Request { .. })));
        lab.workers.reset();
        assert!(matches!(tokio::time::timeout(SOON, seen.recv()).await, Ok(Some(Seen::Cancelled))));
        assert_eq!(done(&lab).await, None);
    }
}

#[tokio::test]
async fn a_dead_workers_calls_are_gone_at_the_server_when_it_is_buried() {
    let mut lab = Lab::new(Reply::Park);
    let request = PollWorkflowTaskQueueRequest::default();
    let mut seen = std::mem::replace(&mut lab.seen, tokio::sync::mpsc::unbounded_channel().1);
    {
        let mut poll = std::pin::pin!(lab.rpc("PollWorkflowTaskQueue", &request));
        tokio::select! {
            _ = &mut poll => panic!("answered"),
            arrived = seen.recv() => assert!(matches!(arrived, Some(Seen::Request { .. }))),
        }
        *lab.reply.lock() = Reply::Status("0");
        let dead = "w1.1".into();
        let mut burial = std::pin::pin!(lab.gate.bury(&dead));
        // All that is ready has run, and the poll is still under way.
        for _ in 0..100 {
            tokio::select! {
                biased;
                () = &mut burial => panic!("a call is under way"),
                () = tokio::task::yield_now() => {}
            }
        }
        assert!(seen.is_empty(), "the server is asked when the call has ended");
        lab.workers.reset();
        burial.await;
    }
    assert!(matches!(seen.try_recv(), Ok(Seen::Cancelled)));
    assert!(matches!(seen.try_recv(), Ok(Seen::Request { path, .. }) if path == "/grpc.health.v1.Health/Check"));
}

#[tokio::test]
async fn a_burial_ends_where_the_server_is_gone_and_where_there_was_no_call() {
    let lab = Lab::new(Reply::Park);
    lab.frontend.refuse();
    tokio::time::timeout(SOON, lab.gate.bury(&"w1.1".into())).await.expect("it ends");
}
