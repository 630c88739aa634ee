//! How a scenario run ends: not before its own timers, and leaving nothing open on a server that others use, too.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use tokenlapse::journal::{Event, Journal, Record, WorkflowId, WorkflowStatus, read};
use tokenlapse::lab::workload::Client;

use super::shared::temporal;
use super::support::{Place, good_target};

fn journal(place: &Place) -> Vec<Record> {
    let path: PathBuf = place.runs("tokenlapse-out").pop().expect("one run").join("own.jsonl");
    read(BufReader::new(File::open(path).expect("a journal"))).expect("it is whole")
}

fn closed(records: &[Record]) -> Vec<(WorkflowId, WorkflowStatus)> {
    let closed = records.iter().filter_map(|record| match &record.event {
        Event::WorkflowClosed { workflow, status } => Some((workflow.clone(), *status)),
        _ => None,
    });
    closed.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stayed_open_is_ended_on_a_server_of_ones_own() {
    let place = Place::new();
    place.write("mine.yaml", &good_target());
    place.write(
        "own.yaml",
        "scenario: own\nfamily: outage\ntitle: The worker is stopped and nobody starts another\nfaults:\n  \
         - when: { event: api.request }\n    do: { worker.stop: {} }\nexpect: { outcome: running }\n",
    );
    let done = place.run(&format!("run own.yaml --target mine.yaml --temporal {}", temporal()));
    done.has_code(0);

    let left = closed(&journal(&place));
    assert!(matches!(left[..], [(_, WorkflowStatus::Running)]), "it was open when the run ended: {left:?}");
    let mut client = Client::connect(temporal(), "default", Journal::in_memory()).await.expect("it answers");
    assert_eq!(client.given_up(&left[0].0).await.expect("it is known"), WorkflowStatus::Terminated);
}

#[test]
fn no_workflow_is_given_up_on_before_the_scenario_has_healed_what_it_broke() {
    let place = Place::new();
    // With next to no slack for what may be late, and nothing that is under way: only the scenario's own healing is
    // worth waiting for.
    let target = good_target().replace("policy:", "checks: { recovers: { slack: 100ms } }\npolicy:");
    place.write("mine.yaml", &target);
    place.write(
        "own.yaml",
        "scenario: own\nfamily: outage\ntitle: Temporal cannot be reached for long\nfaults:\n  \
         - when: { event: api.request }\n    do: { api.respond: { status: 503 } }\n  \
         - when: { event: activity.failed }\n    do: { link.refuse: { on: temporal } }\n    for: 4s\n\
         expect: { outcome: completed }\n",
    );
    place.run("run own.yaml --target mine.yaml");
    let records = journal(&place);
    let at = |wanted: &dyn Fn(&Event) -> bool| records.iter().position(|record| wanted(&record.event));
    let healed = at(&|event| matches!(event, Event::FaultHealed { fault } if fault == "f2")).expect("it heals");
    let closed = at(&|event| matches!(event, Event::WorkflowClosed { .. })).expect("it ends, or is given up on");
    assert!(healed < closed, "{:?}", records[closed]);
}
