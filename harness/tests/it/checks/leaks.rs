//! `no-secret-leaks`: each place in each encoding, through the recorder's own redactor.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokenlapse::check::judge;
use tokenlapse::journal::{Redactor, Run, Scrub};

use super::support::{Tale, recovery};

const CHECK: &str = "no-secret-leaks";
const SECRET: &str = "q7ZrT0bXkP4mNs8LwVh2YcJf9GdUe1Ha3RtQyB5o";

type Encode = fn(&str) -> String;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("in memory");
    encoder.finish().expect("in memory")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const ENCODINGS: &[(&str, Encode)] = &[
    ("plain", |s| s.to_owned()),
    ("sixteen characters of it", |s| s[9..25].to_owned()),
    ("url", |s| s.bytes().map(|b| format!("%{b:02X}")).collect()),
    ("json", |s| s.bytes().map(|b| format!("\\u{b:04x}")).collect()),
    ("hex", |s| hex(s.as_bytes())),
    ("base64", |s| STANDARD.encode(s)),
    ("base64, one byte on", |s| STANDARD.encode(format!("x{s}"))),
    ("base64, two bytes on", |s| STANDARD.encode(format!("xy{s}"))),
    ("base64url", |s| URL_SAFE_NO_PAD.encode(format!("{s}???>>>~~~"))),
    ("gzip in base64", |s| STANDARD.encode(gzip(s))),
    ("gzip in base64 in hex", |s| hex(STANDARD.encode(gzip(s)).as_bytes())),
    ("base64 three times", |s| STANDARD.encode(STANDARD.encode(STANDARD.encode(s)))),
];

fn attempt(kind: &str) -> Value {
    json!({"kind": kind, "instance": "w1.1", "workflow": "a", "activity": "1", "type": "Ship", "attempt": 1})
}

fn failed(failure: Value) -> Value {
    let mut event = attempt("activity.failed");
    event["failure"] = failure;
    event
}

fn history(event: &str, name: &str, attributes: Value) -> Value {
    json!({
        "kind": "history.event", "workflow": "a", "event_id": 1, "event": event,
        "attributes": {"attributes": {name: attributes}},
    })
}

fn started(attributes: Value) -> Value {
    history("WORKFLOW_EXECUTION_STARTED", "WorkflowExecutionStartedEventAttributes", attributes)
}

type Make = fn(&str) -> Value;

/// What the finding calls the place, and an event with a text there.
const PLACES: &[(&str, Make)] = &[
    ("a failure (", |s| failed(json!({"message": s}))),
    ("a failure (", |s| failed(json!({"message": "m", "type": s}))),
    ("a failure's stack trace", |s| failed(json!({"message": "m", "stack_trace": s}))),
    ("a failure's details", |s| failed(json!({"message": "m", "details": [s]}))),
    ("a failure's cause", |s| failed(json!({"message": "m", "cause": {"message": "m", "cause": {"message": s}}}))),
    ("a failure's stack trace", |s| failed(json!({"message": "m", "cause": {"message": "m", "stack_trace": s}}))),
    ("an activity's result", |s| {
        let mut event = attempt("activity.completed");
        event["result"] = json!({"nested": [s]});
        event
    }),
    ("heartbeat details", |s| {
        let mut event = attempt("activity.heartbeat");
        event["details"] = json!([{"page": s}]);
        event
    }),
    ("a worker's output", |s| json!({"kind": "worker.output", "instance": "w1.1", "stream": "stdout", "line": s})),
    ("a worker's output", |s| json!({"kind": "worker.output", "instance": "w1.1", "stream": "stderr", "line": s})),
    ("a worker's command line", |s| json!({"kind": "worker.started", "instance": "w1.1", "command": ["w", "-t", s]})),
    ("a workflow's id", |s| json!({"kind": "workflow.started", "workflow": s, "n": 2})),
    ("the history", |s| started(json!({"input": {"payloads": [{"token": s}]}}))),
    ("a workflow's memo", |s| started(json!({"memo": {"fields": {"note": s}}}))),
    ("search attributes", |s| started(json!({"search_attributes": {"indexed_fields": {"Owner": s}}}))),
    ("a header in the history", |s| started(json!({"header": {"fields": {"authorization": s}}}))),
    ("a task queue's name", |s| started(json!({"task_queue": {"name": s}}))),
    ("a workflow's id", |s| started(json!({"workflow_id": s}))),
    ("a worker's identity", |s| started(json!({"identity": s}))),
    ("the history", |s| {
        let attributes = json!({"result": {"payloads": [s]}});
        history("WORKFLOW_EXECUTION_COMPLETED", "WorkflowExecutionCompletedEventAttributes", attributes)
    }),
    ("a failure in the history", |s| {
        let attributes = json!({"failure": {"message": "m", "cause": {"stackTrace": s}}});
        history("WORKFLOW_EXECUTION_FAILED", "WorkflowExecutionFailedEventAttributes", attributes)
    }),
    ("a workflow's memo", |s| {
        let attributes = json!({"upserted_memo": {"fields": {"note": s}}});
        history("WORKFLOW_PROPERTIES_MODIFIED", "WorkflowPropertiesModifiedEventAttributes", attributes)
    }),
    ("search attributes", |s| {
        let attributes = json!({"search_attributes": {"indexed_fields": {"Owner": s}}});
        let name = "UpsertWorkflowSearchAttributesEventAttributes";
        history("UPSERT_WORKFLOW_SEARCH_ATTRIBUTES", name, attributes)
    }),
    ("the history", |s| {
        let attributes = json!({"details": {"data": {"payloads": [s]}}});
        history("MARKER_RECORDED", "MarkerRecordedEventAttributes", attributes)
    }),
    (
        "the address of an API request",
        |s| json!({"kind": "api.request", "call": 900, "instance": "w1.1", "target": format!("GET /t/{s}")}),
    ),
];

fn leaking(event: Value) -> Tale {
    let mut tale = recovery().then(event);
    let mut redactor = Redactor::new();
    redactor.register("T1".into(), SECRET);
    for told in &mut tale.told {
        told.sightings = redactor.scrub(&mut told.event);
    }
    tale
}

#[test]
fn a_secret_is_found_in_each_place_and_each_encoding() {
    for (words, make) in PLACES {
        for (encoding, encode) in ENCODINGS {
            let tale = leaking(make(&format!("before {} after", encode(SECRET))));
            let (what, events) = tale.found(CHECK);
            let cell = format!("{words} × {encoding}: {what}");
            assert!(what.starts_with("T1") && what.contains(words), "{cell}");
            assert_eq!(events, [u64::try_from(tale.told.len()).expect("small") + 1], "{cell}");
        }
    }
}

#[test]
fn the_same_places_without_a_secret_pass() {
    for (words, make) in PLACES {
        assert_eq!(leaking(make("before q7ZrT0bXkP4mNs8 after")).judged(CHECK), "pass", "{words}: fifteen characters");
    }
}

#[test]
fn what_the_user_wrote_before_any_worker_ran_is_no_leak() {
    let seen = leaking(json!({"kind": "worker.output", "instance": "w1.1", "stream": "stdout", "line": SECRET}));
    let mut records = recovery().records();
    records[0].sightings = seen.told.last().expect("a leak").sightings.clone();
    let verdicts = judge(&Run::new(&records));
    let verdict = verdicts.iter().find(|verdict| verdict.check == CHECK).expect("registered");
    assert_eq!(verdict.judgement.name(), "pass");
}

#[test]
fn one_leak_that_shows_again_and_again_is_one_finding() {
    let line = json!({"kind": "worker.output", "instance": "w1.1", "stream": "stderr", "line": SECRET});
    let mut tale = leaking(line);
    let leak = tale.told.last().expect("a leak").clone();
    tale.told.extend(std::iter::repeat_n(leak, 40));
    let verdict = tale.verdict(CHECK);
    assert_eq!(
        (verdict.detail.as_str(), verdict.events.len()),
        ("T1 shows in a worker's output (worker.output at /line), 41 times (1 leaks)", 10)
    );
}

#[test]
fn a_leak_before_any_token_is_one_all_the_same() {
    let mut tale = Tale::default();
    assert_eq!(tale.judged(CHECK), "not_applicable");
    tale.told = leaking(json!({"kind": "worker.output", "instance": "w1.1", "stream": "stdout", "line": SECRET}))
        .told
        .split_off(1);
    tale.told.drain(..tale.told.len() - 1);
    assert_eq!(tale.judged(CHECK), "fail");
}
