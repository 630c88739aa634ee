//! Faults that have a real Temporal server do something to work that is under way, and such as would hurt the server.

use super::shared::temporal;
use super::support::{Place, good_target};

/// What is done, when, what else goes wrong before, and how the workflow ends.
const OPERATIONS: [(&str, &str, &str, &str); 5] = [
    ("workflow.terminate: {}", "{ event: api.request }", "", "terminated"),
    // Nothing of the old run is under way any more that could be taken for an attempt of the new one.
    ("workflow.reset: {}", "{ event: activity.completed }", "", "completed"),
    ("workflow.reset: { to: first }", "{ event: activity.completed, nth: 2 }", "", "completed"),
    ("workflow.signal: { name: go, input: [{ a: 1 }] }", "{ event: activity.started }", "", "completed"),
    // A failed attempt is being reported: its activity is paused before the server hears of it.
    (
        "activity.pause: { type: FetchOrder }",
        "{ event: activity.failed }",
        "{ when: { event: api.request }, do: { api.respond: { status: 503 } } }",
        "completed",
    ),
];

#[test]
fn every_operation_reaches_the_work() {
    let place = Place::new();
    for (index, (action, when, before, outcome)) in OPERATIONS.iter().enumerate() {
        let before = if before.is_empty() { String::new() } else { format!("  - {before}\n") };
        let scenario = format!(
            "scenario: o{index}\nfamily: custom\ntitle: o\nworkload: {{ count: 1 }}\nfaults:\n{before}  - when: {when}\n    \
             do: {{ {action} }}\nexpect: {{ outcome: {outcome} }}\n"
        );
        place.write(&format!("o{index}.yaml"), &scenario);
    }
    let files: Vec<String> = (0..OPERATIONS.len()).map(|index| format!("o{index}.yaml")).collect();
    let arguments = format!("run {} -j 2 --format json --temporal {}", files.join(" "), temporal());
    let json = place.run(&arguments).has_code(0).json();
    assert_eq!(json["totals"]["pass"], OPERATIONS.len() + 1, "and the control: {json:#}");
}

#[test]
fn an_activity_that_waits_for_its_retry_begins_anew() {
    let place = Place::new();
    let target = good_target();
    assert_eq!(target.matches("initial_ms: 20, max_ms: 500").count(), 1);
    // Long enough for the fault to come before the retry, however busy the machine is.
    place.write("target.yaml", &target.replace("initial_ms: 20, max_ms: 500", "initial_ms: 20000, max_ms: 20000"));
    place.write(
        "anew.yaml",
        "scenario: anew
family: custom
title: An activity is reset while it waits for its retry
workload: { count: 1 }
faults:
  - { when: { event: api.request }, do: { api.respond: { status: 503 } } }
  # The server has taken the failure.
  - when: { event: gate.rpc_done, where: { rpc: RespondActivityTaskFailed } }
    do: { activity.reset: {} }
",
    );
    let arguments = format!("run anew.yaml --target target.yaml --format json --temporal {}", temporal());
    let json = place.run(&arguments).has_code(0).json();
    let took = &json["scenarios"][1]["duration_ms"];
    assert!(took.as_u64().is_some_and(|ms| ms < 20_000), "it waits no longer: {json:#}");
}

#[test]
fn a_server_that_is_not_the_harnesss_is_not_hurt() {
    let place = Place::new();
    let json = place.run(&format!("run server --format json --temporal {}", temporal())).has_code(0).json();
    let scenarios = json["scenarios"].as_array().expect("a list");
    assert!(scenarios.len() > 2, "{json:#}");
    for scenario in scenarios {
        assert_eq!(scenario["verdict"], "skipped", "{json:#}");
        let reason = scenario["reason"].as_str().expect("text");
        assert!(reason.contains("`--temporal dev` starts it"), "{reason}");
    }
}
