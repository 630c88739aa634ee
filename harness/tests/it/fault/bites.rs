//! What proves that a fault bit.

use std::time::Duration;

use serde_json::json;
use tokenlapse::fault::Plan;
use tokenlapse::journal::{ApiRequest, Call, Event, Instance, ServerState, TokenChange, WorkflowStatus};

use super::support::{
    Lab, api, api_request, attempt_failed, attempt_started, exited, grant, issued, operated, plan, refusal, request,
    sent, token,
};

const LAPSE: &str = "faults: [{ when: { event: api.response }, do: { time.pass: { until: token-expiry } } }]";

#[test]
fn time_passes_beyond_the_token_of_the_triggering_event_and_bites_by_a_401_with_it() {
    let lab = Lab::with(LAPSE);
    lab.send(issued("T1"));
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["pass 301s"]);
    lab.send(token("T1", TokenChange::Expired));
    assert_eq!(lab.counts(0), (1, 0, false));
    lab.send(issued("T2"));
    lab.send(api("w1", "T2", 401, Some("revoked")));
    assert_eq!(lab.counts(0), (1, 0, false), "T2 was born later: its refusal proves nothing of this fault");
    lab.send(api("w1", "T1", 401, Some("expired")));
    assert_eq!(lab.counts(0), (1, 1, true));
}

#[test]
fn a_refresh_before_the_refusal_is_a_bite_too_and_more_grants_are_not_more_bites() {
    let lab = Lab::with(LAPSE);
    lab.send(issued("T1"));
    lab.send(api("w1", "T1", 200, None));
    lab.send(token("T1", TokenChange::Expired));
    lab.send(grant(&["T2"]));
    lab.send(grant(&["T3"]));
    assert_eq!(lab.counts(0).1, 1);
}

#[test]
fn an_action_that_changes_nothing_never_bites() {
    // The event names no token and the controls find none: there is nothing to expire.
    let lab = Lab::with("faults: [{ when: { event: worker.ready }, do: { time.pass: { until: token-expiry } } }]");
    lab.send(Event::WorkerReady { instance: Instance::of("w1", 1) });
    lab.send(grant(&["T1"]));
    assert_eq!(lab.said(), [""; 0]);
    assert_eq!(lab.counts(0), (1, 0, false));
}

#[test]
fn a_scenario_may_say_its_own_proof() {
    let lab = Lab::with(
        "faults: [{ id: slow, when: { event: idp.request }, do: { idp.delay: { by: 5ms } } }]
bites: { slow: { event: idp.response, where: { error: invalid_client } } }",
    );
    lab.send(request());
    assert_eq!(lab.send(grant(&["T1"])).delay, Duration::from_millis(5));
    assert_eq!(lab.counts(0), (1, 0, false), "a changed reply is not the proof that was asked for");
}

#[test]
fn an_alteration_that_finds_all_as_it_would_make_it_is_no_bite_but_the_next_may_be() {
    let lab = Lab::before(plan_of("idp.alter: { omit: [refresh_token], times: 2 }"));
    played(&lab, vec![]);
    for (unaltered, bitten) in [(true, 0), (false, 1)] {
        assert!(!lab.send(grant(&["T2"])).is_proceed());
        lab.send(sent(unaltered));
        assert_eq!(lab.counts(0).1, bitten);
    }
    // No other reply has anything to do with it.
    lab.send(sent(false));
    assert_eq!(lab.counts(0).1, 1);
}

fn closed(status: WorkflowStatus) -> Event {
    Event::WorkflowClosed { workflow: "w".into(), status }
}

/// A worker has done a workflow task.
fn workflow_task() -> Event {
    let event = json!({
        "kind": "gate.rpc_done", "call": 9, "instance": "w1.1", "rpc": "RespondWorkflowTaskCompleted", "code": 0,
    });
    serde_json::from_value(event).expect("an event")
}

/// A poll begins, or is answered.
fn poll(kind: &str) -> Event {
    let event = json!({"kind": kind, "call": 9, "instance": "w1.1", "rpc": "PollActivityTaskQueue", "code": 0});
    serde_json::from_value(event).expect("an event")
}

#[test]
fn an_attempt_that_was_refused_something_does_not_fail_for_a_broken_link() {
    for action in ["link.refuse: { on: idp }", "link.half_open: { on: api }"] {
        let lab = Lab::before(plan_of(action));
        played(&lab, vec![]);
        // The attempt was under way before; then one that begins afterwards; then one that is refused nothing.
        for events in [vec![], vec![attempt_started(1)]] {
            events.into_iter().for_each(|event| drop(lab.send(event)));
            lab.send(api("w1", "T1", 401, Some("expired")));
            lab.send(attempt_failed());
            assert_eq!(lab.counts(0), (1, 0, false), "{action}");
        }
        lab.send(attempt_started(1));
        lab.send(attempt_failed());
        assert_eq!(lab.counts(0).1, 1, "{action}");
    }
    // What an attempt is reported to is no reason to fail.
    let lab = Lab::before(plan_of("link.reset: { on: temporal }"));
    played(&lab, vec![]);
    lab.send(attempt_failed());
    assert_eq!(lab.counts(0).1, 0);
}

#[test]
fn a_reply_that_a_broken_link_loses_proves_it_even_if_the_attempt_goes_on() {
    let lost = |call| Event::HttpDone { call: Call(call), delivered: false, unaltered: false };
    let asked = |call| Event::ApiRequest(ApiRequest { call: Call(call), ..api_request("w1", "T1") });
    let lab = Lab::before(plan_of("link.reset: { on: api }"));
    lab.send(asked(8));
    played(&lab, vec![]);
    // One that came later goes over a new connection; one to somebody else goes over another link.
    lab.send(request());
    lab.send(asked(9));
    [1, 9].into_iter().for_each(|call| drop(lab.send(lost(call))));
    assert_eq!(lab.counts(0), (1, 0, false));
    lab.send(lost(8));
    assert_eq!(lab.counts(0).1, 1);
    // What had its reply when the link broke lost nothing.
    let lab = Lab::before(plan_of("link.half_open: { on: api }"));
    lab.send(asked(8));
    lab.send(Event::HttpDone { call: Call(8), delivered: true, unaltered: false });
    played(&lab, vec![]);
    lab.send(lost(8));
    assert_eq!(lab.counts(0).1, 0);
}

#[test]
fn a_barrier_for_one_holds_nobody() {
    let lab = Lab::before(plan_of("api.hold: { until: 1 }"));
    played(&lab, vec![]);
    drop(lab.journal.record(Event::ApiRequest(api_request("w1", "T1"))));
    assert_eq!(lab.counts(0), (1, 0, false));
}

#[test]
fn an_expiry_is_the_doing_of_the_fault_that_moved_the_clock_for_it() {
    let lapse = "time.pass: { until: token-expiry }";
    for inert in ["time.pass: { by: 1s }", "clock.skew: { of: idp, by: 1s }", "idp.lifetime: { access_token: 1h }"] {
        // One event triggers both, in either order; or one after the other.
        for (faults, inert_one) in
            [([(inert, 1), (lapse, 1)], 0), ([(lapse, 1), (inert, 1)], 1), ([(inert, 1), (lapse, 2)], 0)]
        {
            let file: Vec<_> = faults
                .iter()
                .map(|(action, nth)| {
                    format!("  - {{ when: {{ event: api.response, nth: {nth} }}, do: {{ {action} }} }}")
                })
                .collect();
            let lab = Lab::with_clocks(plan(&format!("faults:\n{}", file.join("\n"))));
            played(&lab, vec![]);
            lab.send(api("w1", "T1", 200, None));
            lab.send(api("w1", "T1", 401, Some("expired")));
            lab.send(grant(&["T2"]));
            assert_eq!(lab.counts(inert_one), (1, 0, false), "{faults:?}");
            assert_eq!(lab.counts(1 - inert_one).1, 1, "{faults:?}");
        }
    }
    // What is refused for a clock that was moved last is so by that.
    let lab = Lab::with_clocks(plan_of("clock.skew: { of: idp, by: 5m }"));
    played(&lab, vec![]);
    lab.send(api("w1", "T2", 401, Some("not_yet_valid")));
    assert_eq!(lab.counts(0).1, 1);
}

/// Every action, triggered by the first reply of the API, with what happens before and with what proves its bite.
fn actions() -> Vec<(&'static str, Vec<Event>, Vec<Event>)> {
    let api_request = || Event::ApiRequest(api_request("w1", "T1"));
    let refused = |why| api("w1", "T1", 401, Some(why));
    let died = |how| token("T1", how);
    let broken_off = |rpc: &str| -> Event {
        let event = json!({"kind": "gate.rpc_done", "call": 9, "instance": "w1.1", "rpc": rpc});
        serde_json::from_value(event).expect("an event")
    };
    let at_gate = json!({"kind": "gate.rpc", "call": 9, "instance": "w1.1", "rpc": "Poll", "refused": "expired"});
    let at_gate: Event = serde_json::from_value(at_gate).expect("an event");
    let rpc = |kind: &str, code: i64| -> Event {
        let event = json!({"kind": kind, "call": 9, "instance": "w1.1", "rpc": "PollActivityTaskQueue", "code": code});
        serde_json::from_value(event).expect("an event")
    };
    let server = |state| Event::TemporalServer { state, reason: None };
    let ended_and_back = || {
        let (answered, lost) = (rpc("gate.rpc_done", 0), rpc("gate.rpc_done", 14));
        vec![server(ServerState::Gone), lost, server(ServerState::Back), answered]
    };
    let of_new_key = || vec![Event::IdpKey { kid: "k2".into() }, issued("T9"), api("w1", "T9", 200, None)];
    vec![
        ("idp.revoke: {}", vec![], vec![died(TokenChange::Revoked), refused("revoked")]),
        (
            "idp.revoke: { kind: refresh }",
            vec![],
            vec![token("R1", TokenChange::Revoked), refusal(Some("R1"), "invalid_grant")],
        ),
        ("idp.disable: {}", vec![], vec![refusal(None, "invalid_client")]),
        ("idp.consent: {}", vec![refusal(Some("R1"), "invalid_grant")], vec![grant(&["T2"])]),
        ("idp.respond: { status: 503 }", vec![], vec![request()]),
        ("idp.delay: { by: 1ms }", vec![], vec![grant(&["T2"])]),
        ("idp.drop_reply: {}", vec![], vec![grant(&["T2"])]),
        ("idp.alter: { omit: [scope] }", vec![], vec![grant(&["T2"]), sent(false)]),
        ("idp.rate_limit: {}", vec![], vec![request()]),
        ("idp.reuse: {}", vec![], vec![token("R1", TokenChange::Revoked), refusal(Some("R1"), "invalid_grant")]),
        ("idp.lifetime: { access_token: 1s }", vec![], vec![refused("expired")]),
        ("idp.rotate_keys: {}", vec![], of_new_key()),
        ("idp.rotate_secret: { overlap: 5m }", vec![], vec![refusal(None, "invalid_client")]),
        (
            "idp.rotate_keys: { keep_old: false }",
            vec![],
            vec![Event::IdpKey { kid: "k2".into() }, refused("unknown_key")],
        ),
        ("api.respond: { status: 503 }", vec![], vec![api_request()]),
        // The reply that triggers it is the first that it changes.
        ("api.delay: { by: 1ms }", vec![], vec![]),
        ("api.drop_reply: {}", vec![], vec![]),
        ("api.refuse_token: {}", vec![], vec![refused("refused_early")]),
        ("api.hold: { until: 2 }", vec![], vec![api_request(), api_request()]),
        ("gate.require_bearer: {}", vec![], vec![at_gate]),
        ("gate.refuse: { code: UNAVAILABLE }", vec![], vec![rpc("gate.rpc", 0)]),
        ("gate.html: { status: 504 }", vec![], vec![rpc("gate.rpc", 0)]),
        ("gate.delay: { by: 1ms }", vec![], vec![rpc("gate.rpc_done", 0)]),
        ("gate.drop_reply: {}", vec![], vec![rpc("gate.rpc_done", 0)]),
        ("gate.cut_polls: {}", vec![], vec![broken_off("PollActivityTaskQueue")]),
        ("gate.goaway: {}", vec![], vec![broken_off("PollActivityTaskQueue")]),
        ("link.refuse: { on: idp }", vec![], vec![attempt_failed()]),
        ("link.reset: { on: temporal }", vec![], vec![broken_off("Poll")]),
        ("link.blackhole: { on: api }", vec![], vec![attempt_failed()]),
        (
            "link.half_open: { on: api }",
            vec![],
            vec![Event::LinkWithheld { on: "api".into(), instance: Instance::of("w1", 1) }],
        ),
        ("link.half_open: { on: temporal }", vec![], vec![broken_off("Poll")]),
        ("link.latency: { on: api, by: 1ms }", vec![], vec![api_request()]),
        ("link.bandwidth: { on: api, rate: 1 }", vec![], vec![api_request()]),
        ("worker.kill: {}", vec![], vec![exited("w1", true)]),
        ("worker.stop: {}", vec![], vec![exited("w1", true)]),
        ("worker.restart: {}", vec![], vec![exited("w1", true)]),
        (
            "worker.freeze: {}",
            vec![],
            vec![Event::WorkerFrozen { instance: Instance::of("w1", 1) }, api("w1", "T1", 200, None)],
        ),
        ("worker.resume: {}", vec![], vec![Event::WorkerResumed { instance: Instance::of("w1", 1) }]),
        ("temporal.pause: {}", vec![], vec![server(ServerState::Paused), rpc("gate.rpc", 0)]),
        ("temporal.restart: {}", vec![], ended_and_back()),
        ("temporal.kill: { down: 1s }", vec![], ended_and_back()),
        ("activity.pause: {}", vec![], vec![operated("activity.pause", None), attempt_failed()]),
        (
            "activity.reset: { type: A }",
            vec![attempt_started(1)],
            vec![operated("activity.reset", None), attempt_started(2), attempt_started(1)],
        ),
        ("workflow.cancel: {}", vec![], vec![operated("workflow.cancel", None), closed(WorkflowStatus::Cancelled)]),
        (
            "workflow.terminate: { workflow: 1 }",
            vec![],
            vec![operated("workflow.terminate", None), closed(WorkflowStatus::Terminated)],
        ),
        ("workflow.reset: { to: first }", vec![], vec![operated("workflow.reset", None), attempt_started(1)]),
        (
            "workflow.signal: { name: go }",
            vec![],
            // One that was given before the signal says nothing of it.
            vec![operated("workflow.signal", None), workflow_task(), workflow_task()],
        ),
        ("time.pass: { until: token-expiry }", vec![], vec![died(TokenChange::Expired), refused("expired")]),
        ("time.pass: { by: 5m }", vec![], vec![died(TokenChange::Expired), grant(&["T2"])]),
        ("clock.skew: { of: api, by: -5m }", vec![], vec![refused("not_yet_valid")]),
        ("clock.skew: { of: worker, by: 5m }", vec![], vec![grant(&["T2"])]),
        ("clock.drift: { of: idp, by: 500ms }", vec![], vec![refused("issued_in_future")]),
    ]
}

fn plan_of(action: &str) -> Plan {
    plan(&format!("faults: [{{ when: {{ event: api.response }}, do: {{ {action} }} }}]"))
}

/// Everybody has a token, the API has answered: what the faults here wait for.
fn played(lab: &Lab, before: Vec<Event>) {
    lab.send(Event::WorkloadStarted { count: 1 });
    lab.send(Event::WorkflowStarted { workflow: "w".into(), n: 1 });
    for event in [issued("T1"), issued("R1"), grant(&["T1"])].into_iter().chain(before) {
        lab.send(event);
    }
    lab.send(api("w1", "T1", 200, None));
}

#[test]
fn every_action_is_proved_by_its_evidence() {
    for (action, before, evidence) in actions() {
        let lab = Lab::before(plan_of(action));
        played(&lab, before);
        assert_eq!(lab.counts(0).0, 1, "{action}");
        for event in evidence {
            assert_eq!(lab.counts(0).1, 0, "{action}: bitten before all was seen");
            // What it is to wait for may be the next one.
            drop(lab.journal.record(event));
        }
        assert_eq!(lab.counts(0).1, 1, "{action}");
    }
}

#[test]
fn what_fires_and_changes_nothing_never_bites() {
    let names = tokenlapse::scenario::Action::DOCS.iter().map(|(name, _)| *name);
    for name in names {
        assert!(actions().iter().any(|(action, ..)| action.starts_with(&format!("{name}:"))), "{name} is not here");
    }
    for (action, ..) in actions() {
        let lab = Lab::before(Plan { inert: true, ..plan_of(action) });
        played(&lab, vec![]);
        // A workload in which nothing goes wrong, with a worker that gets a token for each attempt; at its end the
        // worker is ended.
        for event in [
            Event::ApiRequest(api_request("w1", "T1")),
            api("w1", "T1", 200, None),
            request(),
            issued("T2"),
            grant(&["T2"]),
            Event::ApiRequest(api_request("w1", "T2")),
            api("w1", "T2", 200, None),
            attempt_started(1),
            poll("gate.rpc"),
            poll("gate.rpc_done"),
            workflow_task(),
            workflow_task(),
            closed(WorkflowStatus::Completed),
            exited("w1", false),
            Event::WorkloadFinished,
            exited("w1", true),
        ] {
            // A worker that renews what is good is what a moved clock looks like: the proof is for those that do not.
            if action.contains("of: worker") && matches!(event, Event::IdpResponse(_)) {
                continue;
            }
            assert!(lab.send(event).is_proceed(), "{action}");
        }
        assert_eq!((lab.counts(0).0, lab.counts(0).1), (1, 0), "{action}");
        assert_eq!(lab.said(), [""; 0], "{action}");
    }
}
