use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::journal::{Attempt, Failure, Instance, Stream, WorkflowId};

const SECRET: &str = "q7ZrT0bXkP4mNs8LwVh2YcJf9GdUe1Ha3RtQyB5o";

fn redactor() -> Redactor {
    let redactor = Redactor::new();
    redactor.register("T1".into(), SECRET);
    redactor
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn hex(text: &[u8]) -> String {
    text.iter().map(|byte| format!("{byte:02x}")).collect()
}

type Encode = fn(&str) -> String;

const ENCODINGS: &[(&[&str], Encode)] = &[
    (&[], |s| s.to_owned()),
    (&["url"], |s| s.bytes().map(|b| format!("%{b:02X}")).collect()),
    (&["json"], |s| s.bytes().map(|b| format!("\\u{b:04x}")).collect()),
    (&["hex"], |s| hex(s.as_bytes())),
    (&["hex"], |s| format!("a{}", hex(s.as_bytes()).to_uppercase())),
    (&["base64"], |s| STANDARD.encode(s)),
    (&["base64"], |s| STANDARD.encode(format!("x{s}"))),
    (&["base64"], |s| STANDARD.encode(format!("xy{s}z"))),
    (&["base64"], |s| format!("Q{}", STANDARD.encode(s))),
    (&["base64url"], |s| URL_SAFE_NO_PAD.encode(format!("{s}???>>>~~~"))),
    (&["base64", "gzip"], |s| STANDARD.encode(gzip(s.as_bytes()))),
    (&["hex", "gzip"], |s| hex(&gzip(s.as_bytes()))),
    (&["base64", "base64", "base64"], |s| STANDARD.encode(STANDARD.encode(STANDARD.encode(s)))),
    (&["hex", "base64", "gzip"], |s| hex(STANDARD.encode(gzip(s.as_bytes())).as_bytes())),
];

fn attempt() -> Attempt {
    Attempt {
        instance: Instance::of("w1", 1),
        workflow: WorkflowId::new("order-1"),
        activity: "1".into(),
        activity_type: "Fetch".into(),
        attempt: 1,
    }
}

fn failure(message: &str, stack_trace: &str, details: Value, cause: Option<Failure>) -> Failure {
    Failure {
        message: message.into(),
        failure_type: "E".into(),
        non_retryable: false,
        next_retry_delay_ms: None,
        stack_trace: stack_trace.into(),
        details,
        cause: cause.map(Box::new),
    }
}

fn failed(failure: Failure) -> Event {
    Event::ActivityFailed { attempt: attempt(), failure }
}

type Make = fn(&str) -> Event;

const PLACES: &[(&str, Make)] = &[
    ("/failure/message", |s| failed(failure(s, "", Value::Null, None))),
    ("/failure/stack_trace", |s| failed(failure("", s, Value::Null, None))),
    ("/failure/details/0", |s| failed(failure("", "", json!([s]), None))),
    ("/failure/cause/message", |s| failed(failure("", "", Value::Null, Some(failure(s, "", Value::Null, None))))),
    ("/failure/cause/stack_trace", |s| failed(failure("", "", Value::Null, Some(failure("", s, Value::Null, None))))),
    ("/result/a~1b", |s| Event::ActivityCompleted { attempt: attempt(), result: json!({ "a/b": s }) }),
    ("/result", |s| Event::ActivityCompleted { attempt: attempt(), result: json!({ s: 1 }) }),
    ("/details/1", |s| Event::ActivityHeartbeat { attempt: attempt(), details: json!([1, s]) }),
    ("/line", |s| Event::WorkerOutput { instance: Instance::of("w1", 1), stream: Stream::Stderr, line: s.into() }),
    ("/command/1", |s| Event::WorkerStarted { instance: Instance::of("w1", 1), command: vec!["w".into(), s.into()] }),
    ("/workflow", |s| Event::WorkflowStarted { workflow: WorkflowId::new(s), n: 1 }),
    ("/attributes/memo/note", |s| Event::HistoryEvent {
        workflow: WorkflowId::new("order-1"),
        event_id: 1,
        event: "WorkflowExecutionStarted".into(),
        attributes: json!({ "memo": { "note": s } }),
    }),
];

#[test]
fn each_encoding_is_seen_in_each_place() {
    for (place, make) in PLACES {
        for (names, encode) in ENCODINGS {
            let encoded = encode(&SECRET[3..35]);
            let mut event = make(&format!("before {encoded} after"));
            let seen = redactor().scrub(&mut event);
            let cell = format!("{place} {names:?}");
            assert_eq!(seen.len(), 1, "{cell}: {seen:?}");
            assert_eq!(seen[0].secret.as_str(), "T1", "{cell}");
            assert_eq!(seen[0].place.0, *place, "{cell}");
            assert_eq!(seen[0].encoding, *names, "{cell}");
            let text = serde_json::to_string(&event).unwrap();
            assert!(text.contains("before ") && text.contains(" after"), "{cell}: {text}");
            assert!(text.contains(&format!("⟦{}⟧", [&["T1"], *names].concat().join("·"))), "{cell}: {text}");
            assert!(redactor().scrub(&mut event).is_empty(), "{cell}");
        }
    }
}

#[test]
fn fifteen_characters_are_no_leak_and_sixteen_are() {
    for (names, encode) in ENCODINGS {
        for (length, leaks) in [(15, 0), (16, 1)] {
            let mut event = PLACES[0].1(&encode(&SECRET[5..5 + length]));
            assert_eq!(redactor().scrub(&mut event).len(), leaks, "{names:?} {length}");
        }
    }
}

#[test]
fn foreign_tokens_and_headers_become_digests_without_a_sighting() {
    for (text, clean) in [
        ("got eyJhbGciOi.eyJzdWIi.c2lnbmF0 here", "got ⟦sha256:"),
        ("Authorization: Bearer abc", "Authorization: Bearer ⟦sha256:"),
        ("{\"authorization\": \"Bearer abc\"}", "{\"authorization\": \"Bearer ⟦sha256:"),
        ("COOKIE: sid=abc", "COOKIE: ⟦sha256:"),
    ] {
        let mut seen = Vec::new();
        let redacted = redactor().redact(text, "", &mut seen).unwrap();
        assert!(redacted.starts_with(clean) && !redacted.contains("abc") && !redacted.contains("c2ln"), "{redacted}");
        assert!(seen.is_empty());
        assert_eq!(redactor().redact(&redacted, "", &mut seen), None);
    }
}

#[test]
fn a_secret_registered_on_a_clone_is_known() {
    let mut redactor = Redactor::new();
    redactor.clone().register("R1".into(), SECRET);
    assert_eq!(redactor.scrub(&mut PLACES[0].1(SECRET))[0].secret.as_str(), "R1");
}

proptest! {
    #[test]
    fn nothing_of_the_secret_is_left(
        before in "[ -~]{0,20}", after in "[ -~]{0,20}", from in 0_usize..24, which in 0..ENCODINGS.len(),
    ) {
        let text = format!("{before}{}{after}", ENCODINGS[which].1(&SECRET[from..from + 16]));
        let mut event = PLACES[0].1(&text);
        prop_assert!(!redactor().scrub(&mut event).is_empty());
        prop_assert!(redactor().scrub(&mut event).is_empty());
        let clean = serde_json::to_string(&event).unwrap();
        prop_assert!(!clean.contains(&SECRET[from..from + 16]));
    }

    #[test]
    fn unrelated_text_stays(text in "[a-zA-Z0-9 .%/\\\\=-]{0,200}") {
        prop_assume!(!text.contains("eyJ"));
        let mut event = PLACES[0].1(&text);
        let before = event.clone();
        prop_assert!(redactor().scrub(&mut event).is_empty());
        prop_assert_eq!(event, before);
    }
}
