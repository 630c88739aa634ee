//! Faults at the gate in front of Temporal.

use std::time::Duration;

use serde_json::json;
use tokenlapse::journal::{Act, Event};

use super::support::Lab;

fn call(kind: &str, rpc: &str, call: u64, code: Option<i64>) -> Event {
    let event = json!({"kind": kind, "call": call, "instance": "w1.1", "rpc": rpc, "code": code});
    serde_json::from_value(event).expect("an event")
}

fn lab(rest: &str) -> Lab {
    Lab::with(&format!("faults: [{{ when: {{ event: workload.started }}, {rest} }}]"))
}

/// Status and headers of what a call is answered.
fn answer(lab: &Lab, rpc: &str) -> Option<(u16, Vec<(String, String)>)> {
    match lab.send(call("gate.rpc", rpc, 1, None)).act {
        Act::Answer(answer) => Some((answer.status, answer.headers)),
        _ => None,
    }
}

#[test]
fn calls_are_refused_as_grpc_does_it_by_name_and_so_often() {
    let lab =
        lab("do: { gate.refuse: { rpc: [PollActivityTaskQueue, PollWorkflowTaskQueue], code: PERMISSION_DENIED, \
                   message: 100% no, times: 2 } }");
    assert_eq!(answer(&lab, "GetSystemInfo"), None);
    let headers = [("content-type", "application/grpc"), ("grpc-status", "7"), ("grpc-message", "100%25 no")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    assert_eq!(answer(&lab, "PollWorkflowTaskQueue"), Some((200, headers)));
    assert!(answer(&lab, "PollActivityTaskQueue").is_some());
    assert_eq!(answer(&lab, "PollActivityTaskQueue"), None, "two only");
    assert_eq!(lab.counts(0), (1, 1, true));
}

#[tokio::test]
async fn without_a_number_it_is_one_call_and_with_a_time_all_in_it() {
    let one = lab("do: { gate.refuse: { code: UNAVAILABLE } }");
    assert!(answer(&one, "A").is_some() && answer(&one, "A").is_none());
    let lasting = lab("do: { gate.html: { status: 302 } }, for: 1h");
    for _ in 0..9 {
        let (status, headers) = answer(&lasting, "A").expect("a page");
        assert_eq!(status, 302);
        assert!(headers.contains(&("location".to_owned(), "/login".to_owned())));
    }
}

#[test]
fn replies_are_late_or_lost_and_say_why() {
    let late = lab("do: { gate.delay: { rpc: GetSystemInfo, by: 70ms } }");
    assert!(late.send(call("gate.rpc", "GetSystemInfo", 1, None)).is_proceed(), "it is processed at once");
    assert_eq!(late.send(call("gate.rpc_done", "GetSystemInfo", 1, Some(0))).delay, Duration::from_millis(70));
    let lost = lab("do: { gate.drop_reply: {} }");
    assert!(lost.send(call("gate.rpc_done", "A", 1, None)).is_proceed(), "who has gone loses nothing");
    assert_eq!(lost.send(call("gate.rpc_done", "A", 2, Some(0))).act, Act::DropReply);
    let told = lost.journal.records().iter().rev().find_map(|record| match &record.event {
        Event::GateRpcDone { fault, .. } => Some(fault.clone()),
        _ => None,
    });
    assert_eq!(told, Some(Some("f1".to_owned())));
}

#[test]
fn calls_and_requests_of_one_number_are_two() {
    let lab = Lab::with(
        "faults:
  - { when: { event: workload.started }, do: { gate.refuse: { code: UNAVAILABLE } } }
  - { when: { event: workload.started }, do: { api.respond: { status: 503 } } }",
    );
    let request = super::support::api_request("w1", "T1");
    let number = request.call.0;
    lab.send(call("gate.rpc", "A", number, None));
    lab.send(Event::ApiRequest(request));
    lab.send(call("gate.rpc_done", "A", number, Some(14)));
    lab.send(super::support::api("w1", "T1", 503, None));
    let faults: Vec<_> = lab
        .journal
        .records()
        .iter()
        .filter_map(|record| match &record.event {
            Event::GateRpcDone { fault, .. } => fault.clone(),
            Event::ApiResponse(reply) => reply.fault.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(faults, ["f1", "f2"]);
}
