//! Faults that hurt the Temporal server itself.

use serde_json::json;
use tokenlapse::journal::{Event, ServerState};

use super::support::{Lab, request};

fn lab(action: &str) -> Lab {
    let lab = Lab::with(&format!("faults: [{{ when: {{ event: idp.request }}, do: {{ {action} }} }}]"));
    lab.send(request());
    lab
}

fn server(state: ServerState) -> Event {
    Event::TemporalServer { state, reason: None }
}

fn call(kind: &str, code: i32) -> Event {
    let event = json!({"kind": kind, "call": 9, "instance": "w1.1", "rpc": "PollActivityTaskQueue", "code": code});
    serde_json::from_value(event).expect("an event")
}

#[test]
fn a_call_that_can_be_answered_is_no_proof_that_the_server_stood_still() {
    let lab = lab("temporal.pause: {}");
    for event in [
        call("gate.rpc", 0),
        server(ServerState::Paused),
        // One of before.
        call("gate.rpc_done", 0),
        server(ServerState::Resumed),
        call("gate.rpc", 0),
    ] {
        lab.send(event);
        assert_eq!(lab.counts(0).1, 0);
    }
    assert_eq!(lab.said(), ["server Pause"], "what has not bitten still stands");
}

#[test]
fn a_pause_that_has_bitten_is_undone_and_an_end_is_not() {
    let paused = lab("temporal.pause: {}");
    paused.send(server(ServerState::Paused));
    paused.send(call("gate.rpc", 0));
    assert_eq!(paused.said(), ["server Pause", "server Resume"]);
    let killed = lab("temporal.kill: { down: 1s }");
    for event in
        [call("gate.rpc_done", 14), server(ServerState::Gone), server(ServerState::Back), call("gate.rpc_done", 0)]
    {
        assert_eq!(killed.counts(0).1, 0);
        killed.send(event);
    }
    assert_eq!(killed.counts(0), (1, 1, true));
    assert_eq!(killed.said(), ["server Kill { down: 1s }"]);
}

#[test]
fn a_server_that_nobody_missed_or_that_nobody_reached_again_has_hurt_nobody() {
    let missed_by_nobody = [server(ServerState::Gone), server(ServerState::Back), call("gate.rpc_done", 0)];
    let never_back = [server(ServerState::Gone), call("gate.rpc_done", 14), server(ServerState::Lost)];
    for events in [missed_by_nobody, never_back] {
        let lab = lab("temporal.restart: {}");
        for event in events {
            lab.send(event);
        }
        lab.send(call("gate.rpc_done", 0));
        assert_eq!(lab.counts(0), (1, 0, false));
    }
}
