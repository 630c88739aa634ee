//! `effect-once`, and what a control leaves for it.

use serde_json::{Value, json};
use tokenlapse::journal::{ControlFacts, EffectCount, Run};

use super::support::{Tale, recovery};

const CHECK: &str = "effect-once";

fn shipped(key: &str) -> Value {
    json!({"effect": key})
}

fn ship(tale: Tale, workflow: Option<&str>, key: &str) -> Tale {
    tale.api("POST /orders/1/ship", "T1", 201, workflow, shipped(key))
}

fn begun() -> Tale {
    Tale::default().opened("a", 1).start("a", "Ship", 1)
}

#[test]
fn more_effects_than_in_the_control_are_found_and_fewer_where_it_completed() {
    assert_eq!(ship(begun(), Some("a"), "k1").closed("a", "completed").judged(CHECK), "pass");
    let twice = ship(ship(begun(), Some("a"), "k1"), Some("a"), "k2").closed("a", "completed");
    let (what, events) = twice.found(CHECK);
    assert_eq!(what, "POST /orders/1/ship happened 2 times for workflow 1");
    assert_eq!(events, [5, 8]);
    let (what, _) = begun().closed("a", "completed").found(CHECK);
    assert!(what.contains("happened 0 times, though workflow 1 completed"), "{what}");
    assert_eq!(begun().closed("a", "failed").judged(CHECK), "pass", "that is for `recovers` to say");
    let parked = begun().scenario("outcome: completed", "outcome: permanent").closed("a", "completed");
    assert_eq!(parked.judged(CHECK), "pass");
}

#[test]
fn an_effect_in_another_place_is_one_too_many() {
    let elsewhere = begun().api("POST /orders/9/ship", "T1", 201, Some("a"), shipped("k1"));
    assert_eq!(elsewhere.judged(CHECK), "fail");
    // Another workflow's own effect, by this one.
    let other = begun().opened("b", 2).api("POST /orders/2/ship", "T1", 201, Some("a"), shipped("k1"));
    assert_eq!(other.judged(CHECK), "fail");
}

#[test]
fn without_a_control_that_completed_nothing_is_decided() {
    assert_eq!(recovery().control(None).judged(CHECK), "inconclusive");
    let failed = ControlFacts { completed: false, ..ControlFacts::default() };
    assert_eq!(recovery().control(Some(failed)).judged(CHECK), "inconclusive");
    let none = ControlFacts { completed: true, ..ControlFacts::default() };
    assert_eq!(begun().control(Some(none)).judged(CHECK), "not_applicable");
    let faults = "faults:\n  - when: { event: api.response, nth: 1 }\n    do: { time.pass: { until: token-expiry } }\n";
    assert_eq!(
        recovery().control(None).scenario(faults, "clocks: { api: 1s }\n").judged(CHECK),
        "not_applicable",
        "it is the control"
    );
}

#[test]
fn the_control_is_told_by_workflow_number_and_path() {
    let tale = ship(begun(), Some("a"), "k1")
        .api("POST /jobs/a/run", "T1", 200, Some("a"), shipped("k2"))
        .closed("a", "completed");
    let effect = |target: &str| EffectCount { n: Some(1), target: target.into(), count: 1 };
    let facts = ControlFacts::of(&Run::new(&tale.records()));
    assert_eq!(facts.effects, [effect("POST /jobs/{workflow}/run"), effect("POST /orders/1/ship")]);
    assert!(facts.completed);
    assert!(!ControlFacts::of(&Run::new(&begun().closed("a", "failed").records())).completed);
    assert!(!ControlFacts::of(&Run::new(&begun().records())).completed);
    let identities = ControlFacts::of(&Run::new(&recovery().records())).identities;
    assert_eq!((identities.len(), identities[0].client.as_str()), (1, "worker"));

    // The same in another run, where the workflow has another id.
    let again = Tale::default()
        .control(Some(facts))
        .opened("z", 1)
        .api("POST /jobs/z/run", "T1", 200, Some("z"), shipped("k2"))
        .api("POST /orders/1/ship", "T1", 201, Some("z"), shipped("k1"))
        .closed("z", "completed");
    assert_eq!(again.judged(CHECK), "pass");
}

#[test]
fn where_nobody_knows_whose_an_effect_is_only_too_many_in_all_are_found() {
    let two = || Tale::default().opened("a", 1).opened("b", 2).start("a", "Ship", 1).start("b", "Ship", 1);
    assert_eq!(ship(two(), None, "k1").judged(CHECK), "pass");
    let twice = ship(ship(two(), None, "k1"), None, "k2");
    assert_eq!(twice.judged(CHECK), "fail");
    assert_eq!(twice.verdict(CHECK).attribution.name(), "set");
    let shared = |n| EffectCount { n: Some(n), target: "POST /ledger".into(), count: 1 };
    let control = ControlFacts { completed: true, effects: vec![shared(1), shared(2)], ..ControlFacts::default() };
    let entry = |tale: Tale, key| tale.api("POST /ledger", "T1", 201, None, shipped(key));
    assert_eq!(entry(entry(two(), "k1"), "k2").control(Some(control)).judged(CHECK), "inconclusive");
}
