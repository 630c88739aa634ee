//! What holds for all journals: what is irrelevant changes nothing, whoever comes first; what is missing is noticed.

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenlapse::journal::Event;

use super::gallery::gallery;
use super::support::{Tale, Told, recovery};

/// Judgement and number of findings of each check.
fn summary(tale: &Tale) -> Vec<(&'static str, &'static str, usize)> {
    let count = |judgement: &_| match judgement {
        tokenlapse::check::Judgement::Fail(findings) => findings.len(),
        _ => 0,
    };
    tale.verdicts().iter().map(|it| (it.check, it.judgement.name(), count(&it.judgement))).collect()
}

fn noise(which: usize) -> Value {
    match which {
        0 => json!({"kind": "worker.output", "instance": "w1.1", "stream": "stderr", "line": "busy"}),
        1 => json!({"kind": "http.done", "call": 9_000, "delivered": true}),
        2 => json!({"kind": "http.done", "call": 9_001, "delivered": false}),
        3 => json!({"kind": "worker.ready", "instance": "w9.1"}),
        4 => json!({"kind": "gate.rpc", "call": 9_002, "instance": "w1.1", "rpc": "GetSystemInfo"}),
        // Of another call: one that took long would say that the machine is busy.
        5 => json!({"kind": "gate.rpc_done", "call": 9_004, "instance": "w1.1", "rpc": "GetSystemInfo", "code": 0}),
        6 => json!({"kind": "idp.request", "call": 9_003, "instance": "w1.1", "endpoint": "discovery"}),
        7 => json!({"kind": "idp.response", "call": 9_003, "instance": "w1.1", "endpoint": "jwks", "status": 200}),
        8 => json!({"kind": "fault.armed", "fault": "f9"}),
        9 => json!({"kind": "lab.late", "late_ms": 30}),
        10 => json!({"kind": "activity.heartbeat", "instance": "w1.1", "workflow": "a", "activity": "2",
            "type": "Ship", "attempt": 1, "details": null}),
        _ => json!({"kind": "history.event", "workflow": "a", "event_id": 9, "event": "TIMER_STARTED",
            "attributes": {"attributes": {"TimerStartedEventAttributes": {"timer_id": "1"}}}}),
    }
}

/// The same story of another workflow on another instance, whose tokens, calls and orders are others.
fn elsewhere(tale: &Tale) -> Vec<Told> {
    let renamed = |told: &Told| {
        let mut value = serde_json::to_value(&told.event).expect("JSON");
        if let Some(call) = value.get("call").and_then(Value::as_u64) {
            value["call"] = (call + 500).into();
        }
        if value["kind"] == "workflow.started" {
            value["n"] = 2.into();
        }
        let text = value.to_string();
        let text = text.replace("\"a\"", "\"b\"").replace("\"a/", "\"b/").replace("w1.1", "w2.1");
        let text = text.replace("/orders/1", "/orders/2").replace("\"f1\"", "\"f2\"");
        let text = (1..5).fold(text, |text, n| text.replace(&format!("\"T{n}\""), &format!("\"T{n}0\"")));
        Told { event: serde_json::from_str(&text).expect("an event"), ..told.clone() }
    };
    tale.told.iter().filter(|told| !matches!(told.event, Event::WorkloadFinished)).map(renamed).collect()
}

/// Both lanes in one journal, the second so much later.
fn woven(first: &Tale, second: &[Told], later_us: u64) -> Tale {
    let mut both = first.clone();
    both.told.retain(|told| !matches!(told.event, Event::WorkloadFinished));
    both.told.extend(second.iter().map(|told| Told { at_us: told.at_us + later_us, ..told.clone() }));
    both.told.sort_by_key(|told| told.at_us);
    let mut end = Tale::default().finished().told.remove(0);
    end.at_us = both.told.last().map_or(0, |last| last.at_us);
    both.told.push(end);
    both
}

/// What two lanes say together is the worse.
fn rank(judgement: &str) -> usize {
    let ranks = ["not_applicable", "pass", "inconclusive", "fail"];
    ranks.iter().position(|name| *name == judgement).expect("a judgement")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn irrelevant_events_change_no_verdict(
        which in 0..gallery().len(),
        places in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12), 0..24),
    ) {
        let (name, tale, _) = gallery().swap_remove(which);
        let mut noisy = tale.clone();
        for (place, which) in places {
            let at = place.index(noisy.told.len() + 1);
            let mut told = Tale::default().then(noise(which)).told.remove(0);
            told.at_us = at.checked_sub(1).map_or(0, |before| noisy.told[before].at_us);
            noisy.told.insert(at, told);
        }
        prop_assert_eq!(summary(&tale), summary(&noisy), "{}", name);
    }

    #[test]
    fn independent_lanes_may_be_woven_in_any_way(
        first in 0..gallery().len(),
        second in 0..gallery().len(),
        later_us in 0_u64..40_000,
    ) {
        let (name, tale, _) = gallery().swap_remove(first);
        let (other_name, other, _) = gallery().swap_remove(second);
        let mut alone = Tale::default();
        alone.told = elsewhere(&other);
        let lanes = [woven(&tale, &[], 0), woven(&alone, &[], 0)].map(|lane| lane.verdicts());
        for (index, verdict) in woven(&tale, &alone.told, later_us).verdicts().iter().enumerate() {
            let worst = lanes.iter().map(|lane| lane[index].judgement.name()).max_by_key(|name| rank(name));
            // A generation's unused room in the sum is everybody's, and one may read what all need.
            if !["bounded-load", "nothing-skipped"].contains(&verdict.check) {
                prop_assert_eq!(
                    Some(verdict.judgement.name()), worst,
                    "{} and {}, {}: {}", name, other_name, verdict.check, verdict.detail
                );
            }
        }
    }

    #[test]
    fn no_journal_crashes_a_check(
        which in 0..gallery().len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u8..3), 0..12),
    ) {
        let (_, mut tale, _) = gallery().swap_remove(which);
        for (from, to, edit) in edits {
            let (from, to) = (from.index(tale.told.len()), to.index(tale.told.len()));
            match edit {
                0 => drop(tale.told.remove(from)),
                1 => tale.told.insert(to, tale.told[from].clone()),
                _ => tale.told.swap(from, to),
            }
            if tale.told.is_empty() {
                break;
            }
        }
        for verdict in tale.verdicts() {
            prop_assert!(!verdict.detail.contains("crashed"), "{}", verdict.check);
        }
    }
}

/// The good journal without the `nth` event of a kind, or with it twice.
fn mutated(kind: &str, nth: usize, twice: bool) -> Tale {
    let mut tale = recovery();
    let found = tale.told.iter().enumerate().filter(|(_, told)| told.event.kind() == kind).nth(nth);
    let index = found.expect("it is there").0;
    let told = tale.told.remove(index);
    if twice {
        tale.told.splice(index..index, [told.clone(), told]);
    }
    tale
}

#[test]
fn a_missing_or_repeated_event_is_noticed() {
    for (kind, nth, twice, check, expected) in [
        // The last reply with its effect, dropped and doubled.
        ("api.response", 2, false, "effect-once", "fail"),
        ("api.response", 2, true, "effect-once", "fail"),
        ("workflow.closed", 0, false, "recovers", "inconclusive"),
        ("workload.finished", 0, false, "truthful-health", "inconclusive"),
        // T1 has not expired and was not refused: its replacement comes early. One alone is reason enough.
        ("idp.token", 1, false, "refreshes-on-retry", "pass"),
        ("api.response", 1, false, "refreshes-on-retry", "pass"),
        ("api.response", 1, false, "no-refused-reuse", "not_applicable"),
        ("idp.token", 0, false, "right-identity", "pass"),
        // A grant that was never answered has failed.
        ("idp.response", 1, false, "bounded-load", "pass"),
        ("activity.failed", 0, false, "diagnosable", "not_applicable"),
    ] {
        let tale = mutated(kind, nth, twice);
        let verdict = tale.verdict(check);
        let what = if twice { "twice" } else { "dropped" };
        assert_eq!(verdict.judgement.name(), expected, "{kind} {nth} {what}: {check}: {}", verdict.detail);
    }
    let mut neither = mutated("idp.token", 1, false);
    neither.told.retain(|told| !matches!(&told.event, Event::ApiResponse(reply) if reply.status == 401));
    assert_eq!(neither.judged("refreshes-on-retry"), "fail", "no reason is left");

    let mut twice = recovery();
    let again = Tale::default().on("w1.1").grant(200, &["T3"], json!({"scope": "orders.read orders.write"})).told;
    let after = twice.told.iter().rposition(|told| told.event.kind() == "http.done").expect("replies");
    twice.told.splice(
        after..after,
        again.into_iter().map(|told| {
            let mut value = serde_json::to_value(&told.event).expect("JSON");
            if value.get("call").is_some() {
                value["call"] = 700.into();
            }
            Told { event: serde_json::from_value(value).expect("an event"), ..told }
        }),
    );
    assert_eq!((twice.judged("bounded-load"), twice.judged("refreshes-on-retry")), ("fail", "fail"), "a grant twice");
}
