//! Faults that have Temporal's server do something to work that is under way.

use tokenlapse::fault::Deed;
use tokenlapse::journal::{Event, WorkflowStatus};
use tokenlapse::scenario::{Scenario, values_of};

use super::support::{Lab, api, api_of, attempt_failed, attempt_started, operated};

fn started(workflow: &str, n: u32) -> Event {
    Event::WorkflowStarted { workflow: workflow.into(), n }
}

fn closed(workflow: &str) -> Event {
    Event::WorkflowClosed { workflow: workflow.into(), status: WorkflowStatus::Completed }
}

/// A lab whose first reply of the API triggers this action, with two open workflows.
fn lab(action: &str) -> Lab {
    let lab = Lab::with(&format!("faults: [{{ when: {{ event: api.response }}, do: {{ {action} }} }}]"));
    lab.send(started("w", 1));
    lab.send(started("v", 2));
    lab
}

#[test]
fn the_workflow_of_the_triggering_event_is_meant_or_all_that_are_open_or_the_one_with_the_number() {
    let by_event = lab("workflow.cancel: {}");
    by_event.send(api_of("v", "T1"));
    assert_eq!(by_event.said(), ["Cancel v"]);

    let all = lab("workflow.cancel: {}");
    all.send(api("w1", "T1", 200, None));
    assert_eq!(all.said(), ["Cancel w v"]);

    let open = lab("workflow.terminate: {}");
    open.send(closed("w"));
    open.send(api("w1", "T1", 200, None));
    assert_eq!(open.said(), ["Terminate v"]);

    let numbered = lab("workflow.reset: { workflow: 1 }");
    numbered.send(api_of("v", "T1"));
    assert_eq!(numbered.said(), ["Reset(Last) w"]);

    let signal = lab("workflow.signal: { name: go, input: [{ n: 1 }, x] }");
    signal.send(api_of("w", "T1"));
    let said = signal.said().concat();
    assert!(said.starts_with("Signal { name: \"go\", input: [Object {\"n\": Number(1)}, String(\"x\")] } w"), "{said}");
}

#[test]
fn nobody_elses_workflow_and_none_that_is_over_is_touched() {
    let foreign = lab("workflow.terminate: {}");
    foreign.send(api_of("somebody-elses", "T1"));
    let over = lab("workflow.terminate: {}");
    over.send(closed("v"));
    over.send(api_of("v", "T1"));
    for lab in [foreign, over] {
        assert_eq!(lab.said(), [""; 0]);
        assert_eq!(lab.counts(0), (1, 0, false), "it fired, and can never bite");
    }
}

#[test]
fn the_activity_of_the_triggering_event_is_meant_or_those_of_a_type_or_all() {
    let lab_with = |choice: &str| {
        let fault = format!("faults: [{{ when: {{ event: activity.failed }}, do: {{ activity.pause: {choice} }} }}]");
        let lab = Lab::with(&fault);
        lab.send(started("w", 1));
        lab.send(attempt_failed());
        lab.said()
    };
    assert_eq!(lab_with("{}"), ["PauseActivities(Id(\"1\")) w"]);
    assert_eq!(lab_with("{ type: B }"), ["PauseActivities(Type(\"B\")) w"]);
    assert_eq!(lab_with("{ workflow: 1 }"), ["PauseActivities(All) w"], "the event may be of another workflow");
}

#[test]
fn a_pause_withholds_the_retry_of_the_attempt_whose_failure_triggered_it() {
    let lab = Lab::with("faults: [{ when: { event: activity.failed }, do: { activity.pause: {} } }]");
    lab.send(started("w", 1));
    lab.send(attempt_failed());
    lab.said();
    lab.send(operated("activity.pause", Some("it is over")));
    assert_eq!(lab.counts(0).1, 0, "what the server refused has no effect");
    lab.send(operated("activity.pause", None));
    assert_eq!(lab.counts(0), (1, 1, true));
    assert_eq!(lab.said(), ["UnpauseActivities(Id(\"1\")) w"], "it has bitten, so it is undone");
}

#[test]
fn a_failure_after_the_pause_was_undone_is_no_bite() {
    let lab = lab("activity.pause: { type: A }");
    lab.send(api_of("w", "T1"));
    for event in [operated("activity.pause", None), operated("activity.unpause", None), attempt_failed()] {
        lab.send(event);
        assert_eq!(lab.counts(0).1, 0);
    }
}

#[test]
fn an_activity_that_begins_for_the_first_time_has_not_begun_anew() {
    let lab = lab("activity.reset: {}");
    lab.send(api_of("w", "T1"));
    lab.send(operated("activity.reset", None));
    lab.send(attempt_started(1));
    assert_eq!(lab.counts(0).1, 0);
}

#[test]
fn a_workflow_that_ends_so_though_the_server_refused_was_ended_by_somebody_else() {
    let lab = lab("workflow.cancel: {}");
    lab.send(api_of("w", "T1"));
    lab.send(operated("workflow.cancel", Some("not found")));
    lab.send(Event::WorkflowClosed { workflow: "w".into(), status: WorkflowStatus::Cancelled });
    assert_eq!(lab.counts(0), (1, 0, false));
}

#[test]
fn an_end_that_is_seen_before_the_servers_answer_is_a_bite_all_the_same() {
    let lab = lab("workflow.terminate: {}");
    lab.send(api_of("w", "T1"));
    lab.send(Event::WorkflowClosed { workflow: "w".into(), status: WorkflowStatus::Terminated });
    assert_eq!(lab.counts(0), (1, 1, true));
}

#[test]
fn a_fault_that_comes_before_all_work_is_told_so() {
    let said = |when: &str| {
        let text = format!("scenario: s\nfamily: f\ntitle: T\nfaults: [{{ {when}do: {{ workflow.cancel: {{}} }} }}]\n");
        let read = Scenario::parse(&text, "s.yaml").err().unwrap_or_default();
        read.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    for when in ["", "when: { event: workload.started }, ", "when: { event: workflow.started }, "] {
        let said = said(when);
        assert!(said.len() == 1 && said[0].contains("no workflow is under way then (wait for"), "{when}: {said:?}");
    }
    assert_eq!(said("when: { event: activity.started }, "), [""; 0]);
    assert_eq!(said("delay: 1s, "), [""; 0], "some time after the workload's start");
}

#[test]
fn every_deed_can_be_waited_for_by_its_name() {
    let which = || tokenlapse::fault::Activities::All;
    let deeds = [
        Deed::PauseActivities(which()),
        Deed::UnpauseActivities(which()),
        Deed::ResetActivities(which()),
        Deed::Cancel,
        Deed::Terminate,
        Deed::Reset(tokenlapse::scenario::ResetPoint::First),
        Deed::Signal { name: "go".into(), input: vec![] },
    ];
    let named = deeds.map(|deed| deed.name());
    assert_eq!(values_of("temporal.operation", "operation"), Some(&named[..]));
}
