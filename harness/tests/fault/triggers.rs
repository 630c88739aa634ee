//! When faults fire.

use tokenlapse::journal::Event;

use crate::support::{Lab, api, api_of, plan, request};

#[test]
fn a_fault_after_another_counts_from_the_event_that_follows() {
    let lab = Lab::with(
        "faults:
  - { id: then, when: { event: api.response, after: lapse }, do: { worker.kill: {} } }
  - { id: lapse, when: { event: api.response }, do: { api.refuse_token: {} } }",
    );
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["refuse T1"]);
    lab.send(api("w2", "T1", 401, Some("refused_early")));
    assert_eq!(lab.said(), ["kill Some(\"w2.1\")"], "the instance that the event names");
}

#[test]
fn counting_is_per_what_the_trigger_says_and_only_of_what_passes_the_filters() {
    let lab = Lab::with(
        "faults:
  - when: { event: api.response, where: { status: 200, instance: [w1, w2], refused: false }, per: instance, nth: 2 }
    do: { api.refuse_token: {} }
    count: 2",
    );
    for (worker, status, refused) in
        [("w1", 200, None), ("w2", 200, None), ("w1", 401, None), ("w3", 200, None), ("w1", 200, Some("x"))]
    {
        lab.send(api(worker, "T1", status, refused));
    }
    assert_eq!(lab.counts(0).0, 0);
    lab.send(api("w2", "T2", 200, None));
    lab.send(api("w1", "T1", 200, None));
    lab.send(api("w1", "T3", 200, None));
    assert_eq!(lab.said(), ["refuse T2", "refuse T1"], "twice, as `count` says");
}

#[test]
fn counted_apart_each_fires_once_and_counted_together_those_in_a_row() {
    let apart =
        Lab::with("faults: [{ when: { event: api.response, per: workflow }, do: { api.refuse_token: {} }, count: 2 }]");
    for (workflow, token) in [("a", "T1"), ("a", "T2"), ("b", "T3"), ("c", "T4")] {
        apart.send(api_of(workflow, token));
    }
    assert_eq!(apart.said(), ["refuse T1", "refuse T3"], "a second reply to the first workflow is not one of two");

    let together =
        Lab::with("faults: [{ when: { event: api.response, nth: 2 }, do: { api.refuse_token: {} }, count: 2 }]");
    for token in ["T1", "T2", "T3", "T4"] {
        together.send(api("w1", token, 200, None));
    }
    assert_eq!(together.said(), ["refuse T2", "refuse T3"]);
}

#[test]
fn then_next_acts_on_the_following_event() {
    let lab =
        Lab::with("faults: [{ when: { event: api.response, nth: 2, then: next }, do: { api.refuse_token: {} } }]");
    for token in ["T1", "T2", "T3", "T4"] {
        lab.send(api("w1", token, 200, None));
    }
    assert_eq!(lab.said(), ["refuse T3"]);
}

#[test]
fn faults_are_armed_when_the_workload_starts_or_from_the_start() {
    let lab = Lab::before(plan(
        "faults:
  - { when: { event: api.response }, do: { api.refuse_token: {} } }
  - { when: { event: api.response }, do: { worker.kill: { instance: w9 } }, arm: start }",
    ));
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["kill Some(\"w9\")"]);
    lab.send(Event::WorkloadStarted { count: 1 });
    lab.send(api("w1", "T2", 200, None));
    assert_eq!(lab.said(), ["refuse T2"]);
    let armed: Vec<_> = lab
        .journal
        .records()
        .iter()
        .filter_map(|record| match &record.event {
            Event::FaultArmed { fault } => Some((fault.clone(), record.cause.map(|cause| cause.0))),
            _ => None,
        })
        .collect();
    assert_eq!(armed, [("f2".into(), Some(1)), ("f1".into(), Some(4))]);
}

#[test]
fn two_faults_on_one_event_act_in_file_order() {
    let lab = Lab::with(
        "faults:
  - { when: { event: api.response }, do: { time.pass: { until: token-expiry } } }
  - { when: { event: api.response }, do: { clock.skew: { of: idp, by: 5m } } }
  - { when: { event: api.response }, do: { api.refuse_token: {} } }",
    );
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["pass 301s", "skew Idp 300000", "refuse T1"]);
}

/// At which of 64 requests a fault of probability one half fires.
fn drawn(seed: u64, id: &str) -> Vec<usize> {
    let rest = format!(
        "faults: [{{ id: {id}, when: {{ event: idp.request }}, do: {{ worker.kill: {{}} }}, count: 1000, probability: 0.5 }}]"
    );
    let lab = Lab::before(tokenlapse::fault::Plan { seed, ..plan(&rest) });
    lab.send(Event::WorkloadStarted { count: 1 });
    let fires = |_: &usize| {
        lab.send(request());
        !lab.said().is_empty()
    };
    (0..64).filter(fires).collect()
}

#[test]
fn chance_is_drawn_from_the_seed_for_each_fault_alone() {
    let first = drawn(1, "a");
    assert_eq!(drawn(1, "a"), first, "one seed repeats");
    assert_ne!(drawn(2, "a"), first, "two seeds differ");
    assert_ne!(drawn(1, "b"), first, "two faults do not strike together");
    assert!((16..48).contains(&first.len()), "{} of 64", first.len());
}
