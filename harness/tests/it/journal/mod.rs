//! The journal's promises: one order, nothing lost, what is caused comes right after its cause.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use tokenlapse::journal::{
    Act, Consequences, Contents, Directive, Event, Intervene, Journal, KIND_DOCS, Place, ReadError, Record, Run,
    RunEnd, RunHeader, SCHEMA_VERSION, Scrub, Seq, Sighting, TokenChange, TokenName, kind_doc, read,
};

fn header() -> Event {
    Event::RunStarted(Box::new(RunHeader {
        schema: SCHEMA_VERSION,
        run: "r1".into(),
        scenario: "s".into(),
        seed: "1".into(),
        temporal: "none".into(),
        resolved: serde_json::Value::Null,
        target: serde_json::Value::Null,
        control: None,
    }))
}

fn armed(fault: &str) -> Event {
    Event::FaultArmed { fault: fault.into() }
}

fn lines(journal: &Journal) -> Vec<u8> {
    let mut text = Vec::new();
    for record in journal.records() {
        text.extend(serde_json::to_vec(&*record).expect("a record is JSON"));
        text.push(b'\n');
    }
    text
}

/// Fires once at the event that arms `trigger`, and reports that through the journal.
struct FireOn {
    journal: Journal,
    trigger: &'static str,
    revoked: Arc<AtomicBool>,
}

impl Intervene for FireOn {
    fn observe(&mut self, record: &Record, consequences: &mut Consequences) {
        if matches!(&record.event, Event::FaultArmed { fault } if fault == self.trigger) {
            self.revoked.store(true, Ordering::Relaxed);
            let fired = Event::FaultFired {
                fault: self.trigger.into(),
                action: "idp.revoke".into(),
                trigger: Some(record.seq),
                drawn_ms: [].into(),
            };
            assert_eq!(self.journal.record(fired).seq, None, "it is numbered later");
            consequences.directive = Directive { act: Act::DropReply, ..Directive::proceed() };
        }
    }
}

#[test]
fn a_fault_changes_the_outcome_of_the_very_event_that_triggers_it() {
    let journal = Journal::in_memory();
    let revoked = Arc::new(AtomicBool::new(false));
    journal.intervene_with(FireOn { journal: journal.clone(), trigger: "b", revoked: Arc::clone(&revoked) });
    let mut seen = Vec::new();
    for fault in ["a", "b", "c"] {
        let recorded = journal.record_with(armed(fault), |_, directive| {
            seen.push((revoked.load(Ordering::Relaxed), directive.act == Act::DropReply));
        });
        assert!(recorded.seq.is_some());
    }
    assert_eq!(seen, [(false, false), (true, true), (true, false)]);
}

#[test]
fn what_an_event_causes_is_numbered_right_after_it() {
    let journal = Journal::in_memory();
    journal.intervene_with(FireOn {
        journal: journal.clone(),
        trigger: "b",
        revoked: Arc::new(AtomicBool::new(false)),
    });
    for fault in ["a", "b", "c"] {
        let _ = journal.record_with(armed(fault), |_, _| {
            let _ = journal.record(Event::FaultHealed { fault: fault.into() });
        });
    }
    let story: Vec<_> = journal.records().iter().map(|r| (r.seq.0, r.event.kind(), r.cause.map(|s| s.0))).collect();
    assert_eq!(
        story,
        [
            (1, "fault.armed", None),
            (2, "fault.healed", Some(1)),
            (3, "fault.armed", None),
            (4, "fault.fired", Some(3)),
            (5, "fault.healed", Some(3)),
            (6, "fault.armed", None),
            (7, "fault.healed", Some(6)),
        ]
    );
}

#[test]
fn under_64_threads_the_order_of_numbers_is_the_order_of_decisions() {
    const THREADS: usize = 64;
    const ROUNDS: u32 = 1_000;
    let journal = Journal::in_memory();
    let revoked = AtomicBool::new(false);
    let arrivals = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let nth = arrivals.fetch_add(1, Ordering::Relaxed);
                    let fault = if nth == ROUNDS * 32 { "revoke" } else { "use" };
                    // The decision is written into the event, as the API front writes its verdict.
                    let _ = journal.record_with(armed(fault), |event, _| {
                        if fault == "revoke" {
                            revoked.store(true, Ordering::Relaxed);
                        }
                        let refused = revoked.load(Ordering::Relaxed);
                        *event = armed(if refused { "refused" } else { "accepted" });
                    });
                }
            });
        }
    });
    let records = journal.records();
    assert_eq!(records.len(), THREADS * ROUNDS as usize);
    let outcomes: Vec<_> = records
        .iter()
        .enumerate()
        .map(|(index, record)| {
            assert_eq!(record.seq.0, index as u64 + 1);
            record.event == armed("refused")
        })
        .collect();
    let revocation = outcomes.iter().position(|&refused| refused).expect("one of them revokes");
    assert!(revocation > 0, "some came before");
    assert!(outcomes[revocation..].iter().all(|&refused| refused), "nothing after the revocation is accepted");
}

#[tokio::test]
async fn who_waits_sees_the_past_and_is_told_of_the_future() {
    let journal = Journal::in_memory();
    let _ = journal.record(armed("past"));
    let past = journal.seen(Duration::from_secs(5), |r| r.event == armed("past")).await.expect("it is there");
    assert_eq!(past.seq, Seq(1));
    let waiter = tokio::spawn({
        let journal = journal.clone();
        async move { journal.seen(Duration::from_secs(5), |r| r.event == armed("future")).await }
    });
    // It has found nothing in the past and waits, before anything comes.
    tokio::task::yield_now().await;
    let _ = journal.record(armed("other"));
    let _ = journal.record(armed("future"));
    assert_eq!(waiter.await.expect("no panic").expect("it comes").seq, Seq(3));
    assert!(journal.seen(Duration::ZERO, |r| r.event == armed("never")).await.is_err());
}

#[tokio::test]
async fn a_part_waits_for_the_effects_of_its_event() {
    struct Confirm(Arc<AtomicBool>);
    impl Intervene for Confirm {
        fn observe(&mut self, _: &Record, consequences: &mut Consequences) {
            let confirmed = Arc::clone(&self.0);
            consequences.effects.push(Box::pin(async move { confirmed.store(true, Ordering::Relaxed) }));
        }
    }
    let confirmed = Arc::new(AtomicBool::new(false));
    let journal = Journal::in_memory();
    journal.intervene_with(Confirm(Arc::clone(&confirmed)));
    let recorded = journal.record(armed("kill"));
    assert!(!confirmed.load(Ordering::Relaxed));
    assert!(recorded.settled().await.is_proceed());
    assert!(confirmed.load(Ordering::Relaxed));
}

#[tokio::test]
async fn what_an_event_causes_is_shown_to_faults_and_its_effects_are_waited_for_too() {
    /// Causes `caused` at `cause`, and has an effect at `caused`.
    struct Chain {
        journal: Journal,
        confirmed: Arc<AtomicBool>,
    }
    impl Intervene for Chain {
        fn observe(&mut self, record: &Record, consequences: &mut Consequences) {
            if record.event == armed("cause") {
                let _ = self.journal.record(armed("caused"));
            } else if record.event == armed("caused") {
                assert_eq!((record.seq, record.cause), (Seq(2), Some(Seq(1))), "it has its place already");
                let confirmed = Arc::clone(&self.confirmed);
                consequences.effects.push(Box::pin(async move { confirmed.store(true, Ordering::Relaxed) }));
                consequences.directive.act = Act::DropReply;
            }
        }
    }
    let confirmed = Arc::new(AtomicBool::new(false));
    let journal = Journal::in_memory();
    journal.intervene_with(Chain { journal: journal.clone(), confirmed: Arc::clone(&confirmed) });
    let directive = journal.record(armed("cause")).settled().await;
    assert!(confirmed.load(Ordering::Relaxed));
    assert!(directive.is_proceed(), "what a caused event is answered is nobody's");
}

#[test]
fn who_is_released_is_asked_no_more_and_freed() {
    struct Hide(Arc<AtomicBool>);
    impl Scrub for Hide {
        fn scrub(&mut self, _: &mut Event) -> Vec<Sighting> {
            self.0.store(true, Ordering::Relaxed);
            Vec::new()
        }
    }
    let journal = Journal::in_memory();
    let asked = Arc::new(AtomicBool::new(false));
    journal.intervene_with(FireOn { journal: journal.clone(), trigger: "b", revoked: Arc::clone(&asked) });
    journal.scrub_with(Hide(Arc::clone(&asked)));
    journal.release();
    assert!(journal.record(armed("b")).directive.is_proceed());
    assert!(!asked.load(Ordering::Relaxed));
    assert_eq!(Arc::strong_count(&asked), 1);
}

#[test]
fn secrets_are_replaced_before_anything_is_kept_and_after_faults_have_seen_them() {
    struct Hide;
    impl Scrub for Hide {
        fn scrub(&mut self, event: &mut Event) -> Vec<Sighting> {
            if *event != armed("secret") {
                return Vec::new();
            }
            *event = armed("S1");
            vec![Sighting { secret: "S1".into(), encoding: vec![], place: Place("/fault".into()) }]
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s.jsonl");
    let journal = Journal::create(&path).expect("a new file");
    journal.scrub_with(Hide);
    let revoked = Arc::new(AtomicBool::new(false));
    journal.intervene_with(FireOn { journal: journal.clone(), trigger: "secret", revoked: Arc::clone(&revoked) });
    let _ = journal.record(armed("secret"));
    assert!(revoked.load(Ordering::Relaxed), "faults act on what was sent");
    assert_eq!(journal.records()[0].event, armed("S1"));
    assert_eq!(journal.records()[0].sightings[0].secret, TokenName::from("S1"));
    let written = std::fs::read_to_string(&path).expect("readable");
    assert!(written.starts_with(r#"{"seq":1,"#) && written.contains(r#""fault":"S1""#), "{written}");
}

#[cfg(unix)]
#[test]
fn nothing_is_written_after_a_hole() {
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    let (writer, mut reader) = UnixStream::pair().expect("a pair");
    // As a full disk: what does not fit is an error, and there is room again once somebody has read.
    writer.set_nonblocking(true).expect("possible");
    let journal = Journal::append_to(OwnedFd::from(writer).into());
    let full = (0..1_000_000).any(|_| {
        let _ = journal.record(armed("a"));
        journal.take_failure().is_some()
    });
    assert!(full, "nobody reads");
    reader.set_nonblocking(true).expect("possible");
    let mut drain = || {
        let mut rest = Vec::new();
        // Ends with an error while the other side is open.
        let _ = reader.read_to_end(&mut rest);
        rest.len()
    };
    assert!(drain() > 0);
    let _ = journal.record(armed("b"));
    assert_eq!(drain(), 0, "a line after a lost one would hide the loss");
}

#[test]
fn a_token_lives_from_its_first_issue_to_its_first_death() {
    let change = |change: &str, sub: &str| {
        let event = serde_json::json!({
            "kind": "idp.token", "token": "R1", "token_kind": "refresh", "change": change, "client": "c", "sub": sub,
            "scopes": [],
        });
        serde_json::from_value::<Event>(event).expect("an event")
    };
    let journal = Journal::in_memory();
    let changes = [("issued", "u1"), ("rotated", "u1"), ("revoked", "u1"), ("issued", "u2")];
    for (what, sub) in changes {
        let _ = journal.record(change(what, sub));
    }
    let records: Vec<Record> = journal.records().iter().map(|record| (**record).clone()).collect();
    let run = Run::new(&records);
    let life = &run.tokens()[&TokenName::from("R1")];
    assert_eq!((life.born, life.issued.sub.as_str()), (Seq(1), "u1"));
    assert_eq!(life.died, Some((Seq(2), TokenChange::Rotated)));
}

#[test]
fn a_panicking_decision_does_not_stop_the_recording() {
    let journal = Journal::in_memory();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = journal.record_with(armed("a"), |_, _| panic!("a bug in a decision"));
    }));
    assert!(panicked.is_err());
    assert_eq!(journal.record(armed("b")).seq, Some(Seq(1)), "what was never kept has no number");
}

#[test]
fn a_file_holds_what_memory_holds_line_by_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s.jsonl");
    let journal = Journal::create(&path).expect("a new file");
    let _ = journal.record(header());
    futures::executor::block_on(journal.end(None));
    // Not closed, not flushed by anybody: what was recorded is there.
    assert_eq!(std::fs::read(&path).expect("readable"), lines(&journal));
    assert!(journal.take_failure().is_none());
    let records = read(&*lines(&journal)).expect("a journal");
    let run = Run::new(&records);
    assert_eq!(run.header().expect("a header").scenario, "s");
    let contents = Contents { records: 1, ..Contents::default() };
    assert_eq!((run.end(), run.whole()), (Some(&RunEnd::Complete(contents)), Ok(())));
    assert_eq!(run.get(Seq(2)).expect("a record").event.kind(), "run.ended");
    assert!(run.get(Seq(0)).is_none() && run.get(Seq(3)).is_none());
    assert!(Journal::create(&path).is_err(), "a journal never overwrites another");
}

#[test]
fn the_end_counts_what_there_is_and_nothing_is_kept_after_it() {
    let event = |event: serde_json::Value| serde_json::from_value::<Event>(event).expect("an event");
    let journal = Journal::in_memory();
    let _ = journal.record(header());
    for (workflow, n) in [("w-1", 1), ("w-2", 2)] {
        let _ = journal.record(event(serde_json::json!({"kind": "workflow.started", "workflow": workflow, "n": n})));
    }
    for id in [1, 2, 3] {
        let _ = journal.record(event(serde_json::json!({
            "kind": "history.event", "workflow": "w-1", "event_id": id, "event": "x", "attributes": {},
        })));
    }
    futures::executor::block_on(journal.end(None));
    let mut decided = false;
    let late = journal.record_with(armed("late"), |_, _| decided = true);
    assert_eq!((late.seq, decided), (None, true), "it is answered, and has no place");
    futures::executor::block_on(journal.end(Some("too late".into())));
    let records: Vec<Record> = journal.records().iter().map(|record| (**record).clone()).collect();
    let histories = [("w-1".into(), 3), ("w-2".into(), 0)].into();
    let last = &records.last().expect("an end").event;
    assert_eq!(last, &Event::RunEnded(RunEnd::Complete(Contents { records: 6, histories })));
    assert_eq!(Run::new(&records).whole(), Ok(()));
    let failed = Journal::in_memory();
    let _ = failed.record(header());
    futures::executor::block_on(failed.end(Some("no ports".into())));
    assert_eq!(failed.records()[1].event, Event::RunEnded(RunEnd::LabFailed { reason: "no ports".into() }));
}

#[test]
fn a_journal_that_cannot_be_written_says_so() {
    // A device that is always full: the write fails, as on a full disk.
    let path = std::path::Path::new("/dev/full");
    if !path.exists() {
        return;
    }
    let journal = Journal::append_to(std::fs::OpenOptions::new().write(true).open(path).expect("the device"));
    let _ = journal.record(header());
    let _ = journal.record(armed("a"));
    assert_eq!(journal.records().len(), 2, "memory goes on, so that the run can be ended in order");
    assert!(journal.take_failure().is_some());
}

#[test]
fn a_torn_last_line_is_ignored_wherever_it_is_torn() {
    let journal = Journal::in_memory();
    let _ = journal.record(header());
    let _ = journal.record(armed("a"));
    let text = lines(&journal);
    let first = text.iter().position(|&b| b == b'\n').expect("two lines") + 1;
    for end in first..text.len() {
        assert_eq!(read(&text[..end]).expect("a journal").len(), 1, "cut at {end}");
    }
    assert_eq!(read(&*text).expect("a journal").len(), 2);
}

#[test]
fn a_damaged_journal_is_refused_with_the_line() {
    let journal = Journal::in_memory();
    let _ = journal.record(header());
    for fault in ["a", "b", "c"] {
        let _ = journal.record(armed(fault));
    }
    let text = String::from_utf8(lines(&journal)).expect("text");
    let all: Vec<_> = text.split_inclusive('\n').collect();
    let gap = [all[0], all[1], all[3]].concat();
    assert!(matches!(read(gap.as_bytes()), Err(ReadError::Gap { line: 3, expected: Seq(3), found: Seq(4) })));
    let broken = [all[0], "{\"seq\":2}\n", all[2]].concat();
    assert!(matches!(read(broken.as_bytes()), Err(ReadError::Line { line: 2, .. })));
    let headless = text.replacen("run.started", "no.such.kind", 1);
    assert!(matches!(read(headless.as_bytes()), Err(ReadError::Line { line: 1, .. })));
    let later = text.replacen("\"schema\":2", "\"schema\":3", 1);
    assert!(matches!(read(later.as_bytes()), Err(ReadError::Version { found: 3 })));
    assert!(matches!(read(&b""[..]), Err(ReadError::Empty)));
    assert!(matches!(read(all[0].trim_end().as_bytes()), Err(ReadError::Empty)), "its only line is torn");
    assert!(matches!(read(all[1].replacen("\"seq\":2", "\"seq\":1", 1).as_bytes()), Err(ReadError::NoHeader)));
    // What another version wrote need not be records of this one.
    let earlier =
        [&text.replacen("\"schema\":2", "\"schema\":1", 1), "{\"kind\":\"run.ended\",\"end\":\"odd\"}\n"].concat();
    assert!(matches!(read(earlier.as_bytes()), Err(ReadError::Version { found: 1 })));
}

#[test]
fn every_kind_is_documented_once_and_its_filters_are_fields() {
    let mut names: Vec<_> = KIND_DOCS.iter().map(|kind| kind.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "a name stands twice");
    for example in examples() {
        let kind = kind_doc(example.kind()).unwrap_or_else(|| panic!("{} is not documented", example.kind()));
        let fields = serde_json::to_value(&example).expect("JSON");
        assert_eq!(fields["kind"], example.kind());
        assert!(!kind.doc.is_empty());
        for filter in kind.filters {
            assert!(fields.get(filter).is_some(), "{} has no field {filter}", kind.name);
        }
        names.retain(|&name| name != kind.name);
    }
    assert!(names.is_empty(), "no example of {names:?}");
}

/// One event of each kind, every field filled in, as JSON lines: they also hold the format.
fn examples() -> Vec<Event> {
    include_str!("examples.jsonl")
        .lines()
        .map(|line| {
            let event: Event = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let again: serde_json::Value = serde_json::to_value(&event).expect("JSON");
            assert_eq!(again, serde_json::from_str::<serde_json::Value>(line).expect("JSON"), "the format has changed");
            event
        })
        .collect()
}

proptest! {
    #[test]
    fn reading_never_panics(text in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&*text);
    }

    #[test]
    fn delays_add_up_and_the_first_act_wins(a in 0u64..1000, b in 0u64..1000, first in any::<bool>(), second in any::<bool>()) {
        let directive = |ms, drop| Directive {
            delay: Duration::from_millis(ms),
            act: if drop { Act::DropReply } else { Act::Proceed },
            ..Directive::proceed()
        };
        let both = directive(a, first).and(directive(b, second));
        prop_assert_eq!(both.delay, Duration::from_millis(a + b));
        prop_assert_eq!(both.act == Act::DropReply, first || second);
    }
}
