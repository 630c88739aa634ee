//! What holds for every order of events.

use proptest::prelude::*;
use tokenlapse::journal::{Event, Instance};

use super::support::{Lab, api, api_request, attempt_failed, issued, request};

/// One event of the lane of a worker: a reply with a status, with the how-many-th it is there.
fn reply(worker: usize, step: usize, good: bool) -> Event {
    api(&format!("w{worker}"), &format!("T{worker}-{step}"), if good { 200 } else { 500 }, None)
}

fn irrelevant(kind: usize) -> Event {
    match kind {
        0 => request(),
        1 => Event::ApiRequest(api_request("w1", "T1")),
        2 => attempt_failed(),
        3 => issued("T99"),
        4 => api("w1", "T1", 404, None),
        5 => Event::WorkerReady { instance: Instance::of("w7", 1) },
        _ => Event::FaultFired { fault: "f1".into(), action: "x".into(), trigger: None, drawn_ms: [].into() },
    }
}

fn fault(nth: u32, count: u32, per: &str, then: &str) -> String {
    format!(
        "faults:
  - when: {{ event: api.response, where: {{ status: [200, 500] }}, nth: {nth}, per: {per}, then: {then} }}
    do: {{ api.refuse_token: {{}} }}
    count: {count}"
    )
}

proptest! {
    #[test]
    fn irrelevant_events_between_change_nothing(
        lane in prop::collection::vec(any::<bool>(), 1..12),
        between in prop::collection::vec((0usize..13, 0usize..7), 0..20),
        nth in 1u32..4,
        count in 1u32..4,
        apart in any::<bool>(),
        next in any::<bool>(),
    ) {
        let text = fault(nth, count, if apart { "instance" } else { "scenario" }, if next { "next" } else { "this" });
        let (plain, mixed) = (Lab::with(&text), Lab::with(&text));
        for (step, &good) in lane.iter().enumerate() {
            plain.send(reply(1, step, good));
            for &(_, kind) in between.iter().filter(|(at, _)| *at == step) {
                mixed.send(irrelevant(kind));
            }
            mixed.send(reply(1, step, good));
        }
        prop_assert_eq!(mixed.said(), plain.said());
    }

    #[test]
    fn lanes_counted_apart_do_not_disturb_each_other(
        order in prop::collection::vec(0usize..3, 1..30),
        nth in 1u32..4,
        next in any::<bool>(),
    ) {
        // One after another, and as drawn: each lane has its own firing, so `count` is as many as there are lanes.
        let text = fault(nth, 3, "instance", if next { "next" } else { "this" });
        let (apart, mixed) = (Lab::with(&text), Lab::with(&text));
        let mut steps = [0usize; 3];
        for &worker in &order {
            mixed.send(reply(worker, steps[worker], true));
            steps[worker] += 1;
        }
        for (worker, &steps) in steps.iter().enumerate() {
            for step in 0..steps {
                apart.send(reply(worker, step, true));
            }
        }
        let sorted = |lab: &Lab| {
            let mut said = lab.said();
            said.sort();
            said
        };
        prop_assert_eq!(sorted(&mixed), sorted(&apart));
    }
}
