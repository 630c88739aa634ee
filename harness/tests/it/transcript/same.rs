//! What makes no difference: the order of what is independent, noise, and what races.

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenlapse::journal::Event;

use super::lane::{Lane, add, all, told, told_with};

#[test]
fn symmetric_workflows_are_one_story_and_an_asymmetric_one_stands_apart() {
    let same = told(all((1..=8).map(|n| Lane::of(n).recovers()).collect()));
    let one = told(Lane::of(1).recovers().events);
    let eight = one
        .replace("outcome: completed", "outcome: 8 × completed")
        .replace("\nworkflow:", "\n8 × workflow:")
        .replace("\nclient", "\n8 × client");
    assert_eq!(same, eight);

    let twice = |lane: Lane| lane.grant("T2").ship("T2", "key").ship("T2", "another");
    let lane = |n| if n == 5 { Lane::of(n).recovers_with(twice) } else { Lane::of(n).recovers() };
    let apart = told(all((1..=8).map(lane).collect()));
    let stories: Vec<_> = apart.lines().filter(|line| line.contains("workflow")).collect();
    assert_eq!(stories, ["7 × workflow: completed", "workflow: completed"], "{apart}");
    assert_eq!(apart.matches("effect 2").count(), 1, "{apart}");
}

#[test]
fn which_of_two_workers_serves_an_activity_makes_no_difference() {
    // Both have a token. The second workflow ships on the first worker, or each stays where it is.
    let story = |shipper: &str| {
        let first = Lane::of(1).fetched();
        let second = Lane::of(2).fetched().on(shipper).started("ShipOrder", 1);
        let owner = if shipper == "w1.1" { 1 } else { 2 };
        let mut second = second.ship("T1", "key").completed(1).closed("completed");
        for event in &mut second.events {
            if event["target"] == "POST /orders/2/ship" {
                event["token"] = format!("T10{owner}").into();
            }
        }
        let first = first.started("ShipOrder", 1).ship("T1", "key").completed(1).closed("completed");
        told(all(vec![first, second]))
    };
    assert_eq!(story("w1.1"), story("w2.1"));
}

#[test]
fn requests_that_overlap_have_no_order_and_others_have() {
    let (a, b) = (Lane::of(1).asks(json!({"grant": "a"})), Lane::of(2).on("w1.1").asks(json!({"grant": "b"})));
    let reply = |request: &Value, status: u16| {
        let mut reply = request.clone();
        add(&mut reply, &json!({"kind": "idp.response", "status": status}));
        reply
    };
    let (ra, rb) = (reply(&a.1, 500), reply(&b.1, 400));
    let (a, b) = (a.1, b.1);
    let later = Lane::of(3).on("w1.1").asks(json!({"grant": "0"})).1;
    let overlap =
        |first: [&Value; 2]| told([first[0], first[1], &ra, &rb, &later, &reply(&later, 503)].map(Value::clone));
    assert_eq!(overlap([&a, &b]), overlap([&b, &a]));
    assert!(overlap([&a, &b]).ends_with("  a: 500\n  b: 400\n  0: 503\n"), "{}", overlap([&a, &b]));
    assert_ne!(told([a.clone(), ra.clone(), b.clone(), rb.clone()]), told([b, rb, a, ra]));
}

#[test]
fn an_expiry_that_nobody_met_depends_on_how_long_the_run_took() {
    let quick = Lane::of(1).recovers();
    assert_eq!(told(quick.clone().change("T2", "expired").events), told(quick.clone().events));
    assert_ne!(told(quick.clone().change("T2", "revoked").events), told(quick.events));
}

fn racing(races: &[&str], faults: &Value) -> Value {
    json!({
        "races": races, "workload": {"workflow": "SyncOrders", "count": 8}, "faults": faults,
        "workers": [{"name": "worker", "instances": 1}],
    })
}

#[test]
fn races_are_ranges_by_the_scenario_and_effects_stay_exact() {
    let faults = json!([
        {"id": "hold", "action": {"api.hold": {"until": 8}}, "count": 1, "lasts": "4s"},
        {"id": "f2", "action": {"api.respond": {"status": 503, "times": 2}}, "count": 1, "lasts": null},
    ]);
    let resolved = racing(&["idp.request", "activity.failed"], &faults);
    let fewer = Lane::of(1).recovers_with(|lane| lane.ship("T1", "key"));
    let (one, two) = (told_with(&resolved, fewer.events), told_with(&resolved, Lane::of(1).recovers().events));
    assert_eq!(one, two, "one grant or two");
    assert!(one.contains("  ShipOrder: completed, attempts: 1..3 (races), effect 1\n"), "{one}");
    assert!(one.contains("client, grants of all workers: 1..24 (races)\n"), "{one}");

    let twice = Lane::of(1).recovers_with(|lane| lane.grant("T2").ship("T2", "key").ship("T2", "another"));
    assert!(told_with(&resolved, twice.events).contains("(races), effect 1, effect 2\n"));

    let long = Lane::of(1).recovers_with(|lane| {
        let lane = lane.failed(2, "Down").started("ShipOrder", 3).failed(3, "Down").started("ShipOrder", 4);
        lane.ship("T1", "key").failed(4, "Down").started("ShipOrder", 2)
    });
    let long = told_with(&resolved, long.events);
    assert!(long.contains("attempts: 5, not 1..3"), "what the scenario does not explain is no race: {long}");
}

#[test]
fn a_fault_without_an_end_bounds_nothing_and_what_is_not_listed_is_exact() {
    let faults = json!([{"id": "down", "action": {"link.refuse": {"on": "idp"}}, "count": 1, "lasts": "3s"}]);
    let told = told_with(&racing(&["activity.failed"], &faults), Lane::of(1).recovers().events);
    assert!(told.contains("ShipOrder: completed, attempts: 1.. (races)"), "{told}");
    assert!(told.ends_with("  client_credentials: 200, T1 (expired)\n  client_credentials: 200, T2\n"), "{told}");
}

#[test]
fn bounds_grow_with_the_workers_and_end_with_what_lasts() {
    let fault =
        |lasts: Value| json!([{"id": "f1", "action": {"idp.respond": {"times": 2}}, "count": 1, "lasts": lasts}]);
    let attempts = |instances: u64, lasts: Value| {
        let mut resolved = racing(&["activity.failed"], &fault(lasts));
        resolved["workers"][0]["instances"] = instances.into();
        let told = told_with(&resolved, Lane::of(1).recovers().events);
        told.lines().find(|line| line.contains("FetchOrder")).expect("told").to_owned()
    };
    assert_eq!(attempts(1, Value::Null), "  FetchOrder: completed, attempts: 1..3 (races)");
    assert_eq!(attempts(2, Value::Null), "  FetchOrder: completed, attempts: 1..5 (races)");
    assert_eq!(attempts(1, json!("3s")), "  FetchOrder: completed, attempts: 1.. (races)");
}

#[test]
fn where_grants_race_a_token_is_known_by_the_deaths_before_it() {
    let resolved = racing(&["idp.token"], &json!([]));
    let twice = |lane: Lane| lane.grant("T2").grant("T3").ship("T3", "key");
    let once = told_with(&resolved, all(vec![Lane::of(1).recovers(), Lane::of(2).recovers()]));
    assert_eq!(once, told_with(&resolved, all(vec![Lane::of(1).recovers(), Lane::of(2).recovers_with(twice)])));
    assert!(once.contains("\n2 × workflow SyncOrders: completed\n"), "{once}");
}

#[test]
fn where_workers_or_faults_race_their_numbers_are_ranges() {
    let faults = json!([{"id": "f1", "action": {"worker.restart": {}}, "count": 2}]);
    let resolved = racing(&["worker.started", "fault.fired"], &faults);
    let start = |n: u32| json!({"kind": "worker.started", "instance": format!("w1.{n}"), "command": []});
    let fired = json!({"kind": "fault.fired", "fault": "f1", "action": "worker.restart", "trigger": 1});
    let once = told_with(&resolved, [start(1), fired.clone(), start(2)]);
    assert_eq!(once, told_with(&resolved, [start(1), fired.clone(), start(2), fired, start(3)]));
    assert!(once.contains("\nfault f1: worker.restart, fired 0..2 (races), bit 0..2 (races)\n"), "{once}");
    assert!(once.ends_with("\nworker processes started: 1.. (races)\n"), "{once}");
}

#[test]
fn activities_that_run_at_once_are_in_the_order_of_their_workflow() {
    let lane = |first: u32, second: u32| {
        let mut lane = Lane::of(1);
        for id in [first, second] {
            lane.activity = (id, if id == 2 { "Two" } else { "Ten" });
            let event = lane.attempt("activity.started", 1);
            lane = lane.then(event);
        }
        told(lane.events)
    };
    assert_eq!(lane(2, 10), lane(10, 2));
    assert!(lane(10, 2).find("Two") < lane(10, 2).find("Ten"));
}

/// Merges lanes as `choices` say, each in its own order.
fn interleaved(lanes: Vec<Vec<Value>>, choices: &[prop::sample::Index]) -> Vec<Value> {
    let mut rest: Vec<_> = lanes.into_iter().map(std::collections::VecDeque::from).collect();
    let mut merged = Vec::new();
    for choice in choices.iter().cycle() {
        rest.retain(|lane| !lane.is_empty());
        if rest.is_empty() {
            return merged;
        }
        let chosen = choice.index(rest.len());
        merged.extend(rest[chosen].pop_front());
    }
    merged
}

fn noise(which: u8) -> Value {
    match which {
        0 => json!({"kind": "http.done", "call": 1002, "delivered": true}),
        1 => json!({"kind": "worker.output", "instance": "w1.1", "stream": "stderr", "line": "at 12:04:07"}),
        2 => json!({"kind": "gate.rpc", "call": 77, "instance": "w1.1", "rpc": "PollActivityTaskQueue"}),
        3 => {
            json!({"kind": "gate.rpc_done", "call": 77, "instance": "w1.1", "rpc": "PollActivityTaskQueue", "code": 0})
        }
        4 => json!({"kind": "idp.request", "call": 78, "instance": "w1.1", "endpoint": "jwks"}),
        5 => json!({"kind": "worker.ready", "instance": "w9.1"}),
        6 => json!({"kind": "clock.moved", "clock": "api", "offset_ms": 4711}),
        7 => json!({"kind": "fault.healed", "fault": "f1"}),
        8 => json!({
            "kind": "activity.heartbeat", "instance": "w1.1", "workflow": "run-1", "activity": "1", "type": "FetchOrder",
            "attempt": 1, "details": [3],
        }),
        _ => json!({
            "kind": "history.event", "workflow": "run-1", "event_id": 5, "event": "WorkflowTaskStarted",
            "attributes": {"identity": "4711@host"},
        }),
    }
}

proptest! {
    #[test]
    fn independent_lanes_and_noise_make_no_difference(
        kinds in prop::collection::vec(0_u8..5, 1..6),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 1..80),
        places in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..10), 0..20),
    ) {
        let lane = |(n, kind): (u64, &u8)| match kind {
            0 => Lane::of(n).recovers(),
            1 => Lane::of(n).fetched().closed("failed"),
            2 => Lane::of(n).recovers_with(|lane| lane.grant("T2").ship("T2", "key").ship("T2", "another")),
            3 => Lane::of(n).recovers_with(|lane| lane.grant_fails(503, None).grant("T2").grant("T3").ship("T3", "key")),
            _ => Lane::of(n).recovers_with(|lane| lane.ship("T1", "key")),
        };
        let lanes: Vec<Vec<Value>> = (1..).zip(&kinds).map(|told| lane(told).events).collect();
        let plain = told(lanes.concat());
        let mut shuffled = interleaved(lanes, &choices);
        for (place, which) in places {
            let place = place.index(shuffled.len() + 1);
            shuffled.insert(place, noise(which));
        }
        prop_assert_eq!(plain, told(shuffled));
    }
}

#[test]
fn what_is_noise_here_is_read_by_the_journal() {
    for which in 0..10 {
        let read: Result<Event, _> = serde_json::from_value(noise(which));
        assert!(read.is_ok(), "{which}: {read:?}");
    }
}
