//! Transcripts of hand-written journals: what shows.

mod lane;
mod same;

use lane::{Lane, add, all, header, records, told, told_with};
use serde_json::{Value, json};
use tokenlapse::journal::{Run, transcript};

#[test]
fn a_recovery_is_told_from_its_scenario_to_its_tokens() {
    let resolved = json!({
        "title": "Time passes", "workload": {"workflow": "SyncOrders", "count": 1}, "expect": {"ending": "completed"},
        "faults": [
            {"id": "lapse", "action": {"time.pass": {"until": "token-expiry"}}, "count": 1},
            {"id": "late", "action": {"api.respond": {"status": 503, "times": 1}}, "count": 1},
        ],
    });
    let mut events = Lane::of(1).recovers().events;
    events.push(json!({"kind": "fault.fired", "fault": "lapse", "action": "time.pass", "trigger": 4}));
    events.push(json!({"kind": "fault.bit", "fault": "lapse", "proof": 9}));
    let expected = "\
expiry-between-activities: Time passes
expected: completed
outcome: completed
fault lapse: time.pass, fired 1, bit 1
fault late: api.respond, fired 0, bit 0

workflow SyncOrders: completed
  FetchOrder
    attempt 1
      GET /orders/{id} with T1: 200
      completed
  ShipOrder
    attempt 1
      POST /orders/{id}/ship with T1: 401 invalid_token (expired)
      failed: TokenExpired
    attempt 2
      POST /orders/{id}/ship with T2: 201, effect 1
      completed

client on a worker
  client_credentials: 200, T1 (expired)
  client_credentials: 200, T2
";
    assert_eq!(told_with(&resolved, events), expected);
}

#[test]
fn a_permanent_failure_is_told_with_its_refused_grant() {
    let lane = Lane::of(1).fetched().change("T1", "revoked").started("ShipOrder", 1).refused("T1");
    let lane = lane.failed(1, "TokenExpired").started("ShipOrder", 2).grant_fails(400, Some("invalid_grant"));
    let mut lane = lane.failed(2, "TokenRevoked");
    lane.events.last_mut().expect("a failure")["failure"]["non_retryable"] = true.into();
    let told = told(lane.closed("failed").events);
    let end = "
    attempt 2
      failed: TokenRevoked, not to be retried

client on a worker
  client_credentials: 200, T1 (revoked)
  client_credentials: 400 invalid_grant
";
    assert!(told.contains("outcome: failed\n") && told.ends_with(end), "{told}");
}

/// Each mistake, with the line that only its transcript has.
#[test]
fn each_mistake_shows() {
    let good = told(Lane::of(1).recovers().events);
    let mistakes: [(&str, Lane, &str); 6] = [
        (
            "refreshes twice",
            Lane::of(1).recovers_with(|lane| lane.grant("T2").grant("T3").ship("T3", "key")),
            "  client_credentials: 200, T3\n",
        ),
        (
            "sends the refused token once more",
            Lane::of(1).recovers_with(|lane| {
                lane.refused("T1").failed(2, "TokenExpired").started("ShipOrder", 3).grant("T2").ship("T2", "key")
            }),
            "    attempt 2\n      POST /orders/{id}/ship with T1: 401 invalid_token (expired)\n",
        ),
        (
            "has an effect twice",
            Lane::of(1).recovers_with(|lane| lane.grant("T2").ship("T2", "key").ship("T2", "another")),
            "POST /orders/{id}/ship with T2: 201, effect 2\n",
        ),
        (
            "works on another order",
            Lane::of(1).recovers_with(|lane| {
                let mut lane = lane.grant("T2").ship("T2", "key");
                for event in lane.events.iter_mut().rev().take(2) {
                    event["target"] = "POST /orders/99/ship".into();
                }
                lane
            }),
            "POST /orders/{id 2}/ship with T2: 201, effect 1\n",
        ),
        (
            "names no type",
            Lane::of(1).recovers_with(|lane| lane.grant("T2").failed(2, "")),
            "failed: a failure without",
        ),
        (
            "sends no token",
            Lane::of(1).recovers_with(|lane| {
                let mut lane = lane.refused("T1");
                for event in lane.events.iter_mut().rev().take(2) {
                    add(event, &json!({"token": null, "refused": "missing", "error": null}));
                }
                lane
            }),
            "POST /orders/{id}/ship without a token: 401 (missing)\n",
        ),
    ];
    for (mistake, lane, line) in mistakes {
        let bad = told(lane.events);
        assert!(bad.contains(line), "{mistake}: {bad}");
        assert!(!good.contains(line), "{mistake}: {good}");
    }
}

#[test]
fn a_request_belongs_to_the_workflow_that_it_names_or_to_nobody() {
    // Both attempts are under way on one worker.
    let (a, b) = (Lane::of(1).on("w1.1").started("Ship", 1), Lane::of(2).on("w1.1").started("Ship", 1));
    let sent = |name: Value| {
        let mut events = all(vec![a.clone(), b.clone()]);
        let mut request = Lane::of(2).on("w1.1").fetch("T1").events.split_off(1);
        for event in &mut request {
            event["workflow"] = name.clone();
        }
        events.extend(request);
        told(events)
    };
    let named = sent("run-2".into());
    assert!(named.contains("  Ship\n    attempt 1\n      GET /orders/{id} with T1: 200\n"), "{named}");
    let other = sent("run-3".into());
    assert!(other.contains("did not start: not followed to an end\n  unattributed\n"), "{other}");
    let nobody = sent(Value::Null);
    assert!(nobody.contains("requests that belong to no workflow\n  GET /orders/{id} with T1: 200\n"), "{nobody}");
}

#[test]
fn a_lost_reply_is_told_unless_the_worker_was_gone() {
    let lost = json!({"kind": "http.done", "call": 1002, "delivered": false});
    let exit = json!({"kind": "worker.exited", "instance": "w1.1", "code": null, "signal": 9, "expected": true});
    let start = json!({"kind": "worker.started", "instance": "w1.1", "command": []});
    let lane = Lane::of(1).then(start).started("FetchOrder", 1).grant("T1").fetch("T1");
    let there = told(lane.clone().then(lost.clone()).events);
    assert!(there.contains("with T1: 200, reply lost\n"), "{there}");
    let gone = told(lane.then(exit).then(lost).events);
    assert!(gone.contains("with T1: 200\n      not reported\n"), "{gone}");
    assert!(gone.ends_with("\nworker: started, killed\n"), "{gone}");
}

#[test]
fn refresh_tokens_are_known_by_their_rotations() {
    let rotate = |lane: Lane, from: &str, to: &str| {
        let (lane, mut reply) = lane.clone().asks(json!({"grant": "refresh_token", "token": lane.token(from)}));
        let issued = [lane.token(to)];
        add(&mut reply, &json!({"kind": "idp.response", "status": 200, "issued": issued}));
        lane.change(from, "rotated").change(to, "issued").then(reply)
    };
    let lane = rotate(rotate(Lane::of(1).change("R1", "issued"), "R1", "R2"), "R2", "R3");
    let told = told(lane.events);
    let end = "
client was given
  R1 (rotated)

client on a worker
  refresh_token with R1: 200, R2 (rotated)
  refresh_token with R2: 200, R3
";
    assert!(told.ends_with(end), "{told}");
}

#[test]
fn workers_that_leave_the_lab_or_die_are_told() {
    let attempt = |host: &str, port: u16| json!({"kind": "egress.attempt", "host": host, "port": port});
    let started = json!({"kind": "worker.started", "instance": "w1.1", "command": []});
    let exited = |expected: bool| json!({"kind": "worker.exited", "instance": "w1.1", "code": 0, "signal": null, "expected": expected});
    let ordinary = told([started.clone(), exited(true)]);
    assert_eq!(ordinary, told([]), "one start, one end");
    let by_itself = told([started, exited(false)]);
    assert!(by_itself.ends_with("\nworker: started, exited by itself with code 0\n"), "{by_itself}");
    let left = told([attempt("login.example", 443), attempt("127.0.0.1", 4711), attempt("login.example", 443)]);
    assert!(left.ends_with("leave the lab\n  127.0.0.1\n  login.example:443\n"), "{left}");
}

#[test]
fn a_request_after_a_restart_is_not_the_dead_attempts() {
    let exit = json!({"kind": "worker.exited", "instance": "w1.1", "code": null, "signal": 9, "expected": true});
    let told = told(Lane::of(1).started("FetchOrder", 1).then(exit).fetch("T1").events);
    assert!(told.contains("      not reported\n  unattributed\n    GET /orders/{id} with T1: 200\n"), "{told}");
}

#[test]
fn a_token_that_was_made_and_kept_back_is_told() {
    let (lane, mut reply) = Lane::of(1).asks(json!({}));
    add(&mut reply, &json!({"kind": "idp.response", "status": 503}));
    let mut records = records([header(&json!({}))].into_iter().chain(lane.change("T1", "issued").then(reply).events));
    let request = records.iter().find(|record| record.event.kind() == "idp.request").expect("a request").seq;
    for record in records.iter_mut().filter(|record| record.event.kind() == "idp.token") {
        record.cause = Some(request);
    }
    let told = transcript(&Run::new(&records));
    assert!(told.ends_with("\n  client_credentials: 503, kept back: T1\n"), "{told}");
    assert!(told.contains("\nthe journal has no end\n"), "{told}");
}

#[test]
fn whose_a_token_is_and_what_it_lacks_is_told() {
    let mut lane = Lane::of(1).grant("T1").grant("T2");
    for event in &mut lane.events {
        if event["token"] == "T101" {
            add(event, &json!({"scopes": ["orders.read", "orders.write"], "sub": "user-1"}));
        }
    }
    let told_one = told(lane.events.clone());
    let end =
        "\nclient on a worker\n  client_credentials: 200, T1 for user-1\n  client_credentials: 200, T2 [orders.read]\n";
    assert!(told_one.ends_with(end), "{told_one}");
    let (other, _) = Lane::of(2).on("w1.1").asks(json!({"client": "c-other"}));
    let two = told(lane.events.into_iter().chain(other.events));
    assert!(
        two.contains("\nclient on a worker (client 1)\n") && two.contains("\nclient on a worker (client 2)\n"),
        "{two}"
    );
}

#[test]
fn a_run_that_the_lab_did_not_bring_to_an_end_says_so() {
    let ended = |end: Value| transcript(&Run::new(&records([header(&json!({})), end])));
    let failed = ended(json!({"kind": "run.ended", "end": "lab_failed", "reason": "no disk"}));
    assert!(failed.contains("\nthe lab failed: no disk\n"), "{failed}");
    let interrupted = ended(json!({"kind": "run.ended", "end": "interrupted"}));
    assert!(interrupted.contains("\ninterrupted\n"), "{interrupted}");
}
