//! Checks on hand-written journals, good beside bad.

use proptest::prelude::*;
use serde_json::json;
use tokenlapse::check::{Judgement, Outcome, Policy, judge};
use tokenlapse::journal::{Call, Event, Record, Run, Seq};

/// Writes a journal, event by event, of worker `w1` unless said otherwise.
#[derive(Clone, Default)]
struct Tale(Vec<Event>);

impl Tale {
    fn then(mut self, event: serde_json::Value) -> Self {
        self.0.push(serde_json::from_value(event).expect("an event"));
        self
    }

    fn attempt(self, kind: &str, workflow: &str, attempt: u32) -> Self {
        let mut event = json!({
            "kind": kind, "instance": "w1.1", "workflow": workflow, "activity": "1", "type": "Ship",
            "attempt": attempt, "result": null,
        });
        if kind == "activity.failed" {
            event["failure"] = json!({"message": "refused", "type": "TokenExpired"});
        }
        self.then(event)
    }

    fn request(self, token: &str, status: u16, workflow: Option<&str>) -> Self {
        let request = json!({
            "kind": "api.request", "call": 1, "instance": "w1.1", "target": "POST /ship", "token": token,
            "workflow": workflow,
        });
        let mut reply = request.clone();
        reply["kind"] = "api.response".into();
        reply["status"] = status.into();
        self.then(request).then(reply)
    }

    fn grant(self) -> Self {
        self.then(json!({"kind": "idp.request", "call": 2, "instance": "w1.1", "endpoint": "token"}))
    }

    fn records(&self) -> Vec<Record> {
        let numbered = self.0.iter().zip(1..).map(|(event, seq)| Record {
            seq: Seq(seq),
            at_us: seq,
            cause: None,
            event: event.clone(),
            sightings: vec![],
        });
        numbered.collect()
    }

    fn judged(&self, check: &str) -> Judgement {
        let records = self.records();
        let verdicts = judge(&Run::new(&records), &Policy { outcome: Outcome::Completed });
        verdicts.into_iter().find(|verdict| verdict.check == check).expect("registered").judgement
    }
}

/// Attempt 1 is refused with T1 and fails; attempt 2 is delivered.
fn refused() -> Tale {
    let first = Tale::default().attempt("activity.started", "a", 1).request("T1", 401, Some("a"));
    first.attempt("activity.failed", "a", 1).attempt("activity.started", "a", 2)
}

#[test]
fn a_refused_token_that_is_sent_again_is_found_with_its_evidence() {
    let Judgement::Fail(findings) = refused().request("T1", 401, Some("a")).judged("no-refused-reuse") else {
        panic!("it has to fail");
    };
    assert_eq!(findings[0].events, [Seq(3), Seq(4), Seq(6)], "refusal, failure report, second use");
    assert!(findings[0].what.contains("attempt 2 of Ship sent token T1 again"), "{}", findings[0].what);
}

#[test]
fn another_token_is_what_is_expected() {
    assert_eq!(refused().grant().request("T2", 200, Some("a")).judged("no-refused-reuse"), Judgement::Pass);
}

#[test]
fn an_attempt_that_was_in_flight_may_hold_the_old_token() {
    let tale = Tale::default()
        .attempt("activity.started", "a", 1)
        .attempt("activity.started", "b", 1)
        .request("T1", 401, Some("a"))
        .attempt("activity.failed", "a", 1)
        .request("T1", 401, Some("b"));
    assert_eq!(tale.judged("no-refused-reuse"), Judgement::Pass);
    let tale = tale.attempt("activity.failed", "b", 1).attempt("activity.started", "b", 2).request("T1", 401, None);
    assert!(matches!(tale.judged("no-refused-reuse"), Judgement::Fail(_)), "by its retry it is known");
}

#[test]
fn a_token_request_shows_that_the_refusal_was_processed() {
    let tale = Tale::default().attempt("activity.started", "a", 1).request("T1", 401, Some("a")).grant();
    assert_eq!(tale.clone().request("T1", 401, Some("a")).judged("no-refused-reuse"), Judgement::Pass, "in flight");
    let later = tale.attempt("activity.started", "b", 1).request("T1", 401, Some("b"));
    assert!(matches!(later.judged("no-refused-reuse"), Judgement::Fail(_)));
}

#[test]
fn what_cannot_be_attributed_is_not_decided() {
    // One attempt was in flight, one is later, and the request names neither.
    let tale = Tale::default()
        .attempt("activity.started", "a", 1)
        .attempt("activity.started", "b", 1)
        .request("T1", 401, Some("a"))
        .attempt("activity.failed", "a", 1)
        .attempt("activity.started", "a", 2)
        .request("T1", 401, None);
    assert!(matches!(tale.judged("no-refused-reuse"), Judgement::Inconclusive(_)));
}

#[test]
fn other_instances_do_not_know_of_a_refusal() {
    let mut tale = refused();
    let Event::ActivityStarted(attempt) = tale.0.last().expect("an event").clone() else { panic!("it is a start") };
    tale.0.pop();
    let other = tokenlapse::journal::Attempt { instance: "w2.1".into(), ..attempt };
    tale.0.push(Event::ActivityStarted(other));
    let tale = tale.then(json!({
        "kind": "api.request", "call": 3, "instance": "w2.1", "target": "POST /ship", "token": "T1", "workflow": "a",
    }));
    assert_eq!(tale.judged("no-refused-reuse"), Judgement::Pass);
}

#[test]
fn without_refusals_failures_or_workflows_nothing_applies() {
    let quiet = Tale::default().attempt("activity.started", "a", 1).request("T1", 200, Some("a"));
    for check in ["no-refused-reuse", "diagnosable", "recovers"] {
        assert!(matches!(quiet.judged(check), Judgement::NotApplicable(_)), "{check}");
    }
}

#[test]
fn the_outcome_is_compared_and_a_missing_one_is_no_pass() {
    let started = Tale::default().then(json!({"kind": "workflow.started", "workflow": "a", "n": 1}));
    let closed = |status: &str| {
        started.clone().then(json!({"kind": "workflow.closed", "workflow": "a", "status": status})).judged("recovers")
    };
    assert_eq!(closed("completed"), Judgement::Pass);
    for status in ["failed", "running", "cancelled", "terminated", "timed_out"] {
        assert!(matches!(closed(status), Judgement::Fail(_)), "{status}");
    }
    assert!(matches!(started.judged("recovers"), Judgement::Inconclusive(_)));
}

#[test]
fn a_failure_without_a_type_is_found() {
    assert_eq!(refused().judged("diagnosable"), Judgement::Pass);
    let mut tale = refused();
    for event in &mut tale.0 {
        if let Event::ActivityFailed { failure, .. } = event {
            failure.failure_type.clear();
        }
    }
    assert!(matches!(tale.judged("diagnosable"), Judgement::Fail(_)));
}

proptest! {
    #[test]
    fn irrelevant_events_change_no_judgement(
        places in prop::collection::vec((0_usize..20, 0_usize..3), 0..12),
        reuse in any::<bool>(),
    ) {
        let tale = refused().request(if reuse { "T1" } else { "T2" }, 200, Some("a"));
        let mut noisy = tale.clone();
        for (place, which) in places {
            let event = match which {
                0 => Event::HttpDone { call: Call(9), delivered: true },
                1 => Event::WorkerReady { instance: "w9.1".into() },
                _ => Event::GateRpc { call: Call(9), instance: "w1.1".into(), rpc: "GetSystemInfo".into() },
            };
            noisy.0.insert(place.min(noisy.0.len()), event);
        }
        for check in ["no-refused-reuse", "diagnosable", "recovers"] {
            let same = std::mem::discriminant(&tale.judged(check)) == std::mem::discriminant(&noisy.judged(check));
            prop_assert!(same, "{check}: {:?} became {:?}", tale.judged(check), noisy.judged(check));
        }
    }
}
