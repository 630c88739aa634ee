//! A machine that has no time for the lab: what it brings about is no finding, everything else is.

use serde_json::{Value, json};
use tokenlapse::check::{Judgement, Lateness, too_busy};
use tokenlapse::journal::Run;

use super::support::Tale;

/// A workflow that comes far too late after a fault of a second, on a machine that woke the lab so late in that time.
fn slow(late_ms: &[u64], status: &str) -> Tale {
    let told = |tale: Tale, late_ms: &u64| tale.then(json!({"kind": "lab.late", "late_ms": late_ms}));
    let broken = Tale::default().opened("a", 1).start("a", "Ship", 1).fired("f1", "idp.respond").wait(998);
    let broken = late_ms.iter().fold(broken, told).healed("f1");
    broken.fail("a", "Ship", 1, "IdpUnavailable").wait(8_900).closed("a", status).finished()
}

fn inconclusive(tale: &Tale, check: &str) -> String {
    match tale.verdict(check).judgement {
        Judgement::Inconclusive(reason) => reason,
        other => panic!("{check}: {other:?}"),
    }
}

#[test]
fn who_is_late_on_a_machine_without_time_is_not_blamed_and_what_was_seen_is_told() {
    assert_eq!(slow(&[], "completed").judged("recovers"), "fail");
    assert_eq!(
        inconclusive(&slow(&[2_000, 3_000], "completed"), "recovers"),
        "this machine was too busy: it kept the lab waiting for 5.0 s of 9.9 s; it saw: workflow a ended as completed only \
         8.90 s after the last healing"
    );
    let verdict = slow(&[2_000, 3_000], "completed").verdict("recovers");
    assert!(!verdict.events.is_empty(), "it still shows where");
}

#[test]
fn half_of_the_time_and_a_second_are_needed() {
    assert_eq!(slow(&[2_000, 2_900], "completed").judged("recovers"), "fail", "less than half of 9.9 s");
    let short = |late_ms: u64| {
        let tale = Tale::default().opened("a", 1).fired("f1", "idp.respond").wait(1_000);
        tale.then(json!({"kind": "lab.late", "late_ms": late_ms})).closed("a", "failed").finished()
    };
    assert_eq!(short(999).judged("recovers"), "fail");
    assert_eq!(short(1_000).judged("recovers"), "inconclusive");
}

#[test]
fn a_good_end_stays_good() {
    let good = Tale::default().opened("a", 1).fired("f1", "idp.respond").wait(1_000);
    let good = good.then(json!({"kind": "lab.late", "late_ms": 900_000})).closed("a", "completed").finished();
    assert_eq!(good.judged("recovers"), "pass");
}

#[test]
fn what_does_not_hang_on_time_is_found_all_the_same() {
    let leaks = |kind: &str| {
        let line = json!({"kind": kind, "late_ms": 60_000});
        let tale = Tale::default().opened("a", 1).start("a", "Ship", 1).fired("f1", "time.pass").then(line);
        tale.ship("T1", 401).fail("a", "Ship", 1, "TokenExpired").start("a", "Ship", 2).ship("T1", 401)
    };
    let tale = leaks("lab.late").fail("a", "Ship", 2, "Error").closed("a", "failed").finished();
    assert_eq!(tale.judged("no-refused-reuse"), "fail");
    assert_eq!([tale.judged("recovers"), tale.judged("diagnosable")], ["inconclusive"; 2]);
}

#[test]
fn only_from_the_first_fault_to_the_end_of_the_workload() {
    let late = || -> Value { json!({"kind": "lab.late", "late_ms": 60_000}) };
    let busy = |tale: Tale| too_busy(&Run::new(&tale.records())).is_some();
    let begun = || Tale::default().opened("a", 1);
    assert!(!busy(begun().then(late()).fired("f1", "time.pass").closed("a", "failed").finished()));
    assert!(!busy(begun().then(late()).closed("a", "failed").finished()), "no fault at all");
    assert!(!busy(begun().fired("f1", "time.pass").closed("a", "failed").finished().then(late())));
    assert!(busy(begun().fired("f1", "time.pass").then(late()).closed("a", "failed").finished()));
}

/// A workflow that comes too late, on a server that takes so long for its call.
fn slow_server(call_ms: u64, rpc: &str, action: &str) -> Tale {
    let broken = Tale::default().opened("a", 1).start("a", "Ship", 1).fired("f1", action).healed("f1");
    let waited = broken.poll(rpc).wait(call_ms).polled(rpc);
    waited.wait(9_000 - call_ms).closed("a", "completed").finished()
}

#[test]
fn who_waits_for_the_server_is_not_blamed_either() {
    let judged = |call_ms, rpc, action| slow_server(call_ms, rpc, action).judged("recovers");
    let (call, fault) = ("RespondWorkflowTaskCompleted", "idp.respond");
    assert_eq!(judged(1_000, call, fault), "fail", "not for long enough");
    assert_eq!(judged(6_000, "PollWorkflowTaskQueue", fault), "fail", "a poll waits for work");
    assert_eq!(judged(6_000, call, "temporal.pause"), "fail", "it is the fault that it waits for");
    assert_eq!(
        inconclusive(&slow_server(6_000, call, fault), "recovers"),
        "this machine was too busy: it kept calls to Temporal waiting for 5.9 s of 9.0 s; it saw: workflow a ended as \
         completed only 9.00 s after the last healing"
    );
}

#[test]
fn calls_that_wait_together_wait_once() {
    let together = |tale: Tale| {
        let tale = tale.poll("RespondActivityTaskCompleted");
        let first = tale.calls;
        let tale = tale.wait(1_000).poll("RecordActivityTaskHeartbeat").wait(1_000);
        let second = tale.polled("RecordActivityTaskHeartbeat");
        let end = json!({"kind": "gate.rpc_done", "call": first, "instance": "w1.1", "rpc": "Respond", "code": 0});
        second.wait(500).then(end)
    };
    let tale = together(Tale::default());
    // Each event takes a millisecond.
    assert_eq!(Lateness::during(&tale.records()), Lateness { lab_ms: 0, temporal_ms: 2_403 });
}
