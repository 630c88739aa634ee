//! When faults fire.

use std::time::Duration;

use tokenlapse::fault::Plan;
use tokenlapse::journal::Event;

use super::support::{Lab, api, api_of, plan, request};

/// Tells, request by request, what each firing drew and by how much the reply was put off.
fn delays(seed: u64, faults: &str, workers: &[&str]) -> Vec<(String, u64, Duration)> {
    let lab = Lab::before(Plan { seed, ..plan(faults) });
    lab.send(Event::WorkloadStarted { count: 1 });
    let mut all = Vec::new();
    for worker in workers {
        let from = lab.journal.records().len();
        let directive = lab.send(api(worker, "T1", 200, None));
        for record in &lab.journal.records()[from..] {
            if let Event::FaultFired { fault, drawn_ms, .. } = &record.event {
                assert_eq!(drawn_ms.len(), 1, "what is fixed is not drawn: {drawn_ms:?}");
                all.push((fault.clone(), drawn_ms["by"], directive.delay));
            }
        }
    }
    all
}

#[test]
fn what_is_left_open_is_drawn_for_each_firing_from_the_seed_alone() {
    let slow = "  - id: slow\n    when: { event: api.response, per: instance }\n    \
                do: { api.delay: { by: { between: [50ms, 1050ms] } } }\n    count: 9\n";
    let workers = ["w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9"];
    let faults = format!("faults:\n{slow}");
    let first = delays(7, &faults, &workers);
    assert_eq!(first.len(), 9);
    let mut different = std::collections::BTreeSet::new();
    for (_, ms, delay) in &first {
        assert!((50..=1050).contains(ms), "{ms}");
        assert_eq!(*delay, Duration::from_millis(*ms), "the journal tells what happened");
        different.insert(*ms);
    }
    assert!(different.len() > 5, "each firing draws anew: {different:?}");
    assert_eq!(delays(7, &faults, &workers), first, "one seed, one story");
    let mut others: Vec<&str> = workers.to_vec();
    others.reverse();
    assert_eq!(delays(7, &faults, &others), first, "whoever comes first");
    assert_ne!(delays(8, &faults, &workers), first, "another seed, another story");
    // Another fault in the file, which draws as well, changes nothing.
    let early = "  - id: early\n    when: { event: api.response, nth: 2 }\n    \
                 do: { idp.delay: { by: { between: [1ms, 9s] } } }\n";
    let both = delays(7, &format!("faults:\n{early}{slow}"), &workers);
    let of_slow: Vec<_> = both.into_iter().filter(|(fault, ..)| fault == "slow").collect();
    assert_eq!(of_slow, first);
}

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
