//! What a whole journal comes to: each verdict that a scenario run can get.

use serde_json::json;
use tokenlapse::check::Judgement;
use tokenlapse::journal::{self, ControlFacts, Record, Run, Seq, transcript};
use tokenlapse::run::{Verdict, judge};

use super::support::{Tale, recovery};

fn bit(tale: Tale) -> Tale {
    tale.then(json!({"kind": "fault.bit", "fault": "f1", "proof": 20}))
}

/// A worker that does all as it should, in a lab that did, too.
fn good() -> Tale {
    bit(recovery()).ended()
}

/// The same, but for an effect that happened twice.
fn bad() -> Tale {
    bit(recovery().ship("T2", 201)).ended()
}

fn verdict(tale: &Tale) -> (Verdict, String) {
    let judged = judge(&Run::new(&tale.records()));
    (judged.verdict, judged.reason)
}

fn is(tale: &Tale, expected: Verdict, because: &str) {
    let (verdict, reason) = verdict(tale);
    assert_eq!(verdict, expected, "{reason}");
    assert!(reason.contains(because), "{reason}");
}

/// The journal without its events of this kind.
fn without(mut tale: Tale, kind: &str) -> Tale {
    let before = tale.told.len();
    tale.told.retain(|told| told.event.kind() != kind);
    assert!(tale.told.len() < before, "there was one");
    tale
}

#[test]
fn where_all_faults_bit_and_all_checks_hold_it_passes_for_no_reason() {
    assert_eq!(verdict(&good()), (Verdict::Pass, String::new()));
}

#[test]
fn a_failed_check_fails_it_and_the_first_that_it_exists_for_says_why() {
    is(&bad(), Verdict::Fail, "effect-once: POST /orders/1/ship happened 2 times");
    let two = bit(recovery().grant(200, &["T3"], json!({"scope": "orders.read orders.write"})).ship("T3", 201)).ended();
    is(&two, Verdict::Fail, "refreshes-on-retry: ");
    is(&two.scenario("family: expiry", "family: expiry\nproves: [effect-once]"), Verdict::Fail, "effect-once: ");
}

#[test]
fn a_fault_that_did_not_fire_or_bite_makes_it_vacuous() {
    let silent = recovery().ended();
    is(&silent, Verdict::Vacuous, "fault f1 (time.pass) fired 1 of 1 times and bit 0 times");
    is(&without(silent, "fault.fired"), Verdict::Vacuous, "fault f1 (time.pass) never fired");
    let twice = good().scenario("do: {", "count: 2\n    do: {");
    is(&twice, Verdict::Vacuous, "fired 1 of 2 times and bit 1 times");
    // By chance it may fire once.
    is(&twice.scenario("count: 2", "count: 2\n    probability: 0.5"), Verdict::Pass, "");
}

#[test]
fn a_fault_that_temporal_refused_says_what_it_said() {
    let tale = |refused: Option<&str>| {
        let mut operation = json!({"kind": "temporal.operation", "operation": "workflow.cancel", "workflow": "a"});
        if let Some(why) = refused {
            operation["refused"] = why.into();
        }
        let tale = recovery().scenario("do: { time.pass: { until: token-expiry } }", "do: { workflow.cancel: {} }");
        tale.fired("f1", "workflow.cancel").then(operation).ended()
    };
    is(&tale(Some("not found")), Verdict::Vacuous, "bit 0 times: Temporal refused it (not found)");
    is(&tale(None), Verdict::Vacuous, "bit 0 times");
}

#[test]
fn a_barrier_that_did_not_fill_says_how_many_came() {
    let hold = "for: 4s\n    do: { api.hold: { until: 8 } }";
    let held = |tale: Tale| tale.scenario("do: { time.pass: { until: token-expiry } }", hold);
    is(&held(recovery().ended()), Verdict::Vacuous, "and bit 0 times: 3 of 8 requests came in 4s");
    let late = json!({"kind": "lab.late", "late_ms": 4_000});
    let busy = held(Tale::default().opened("a", 1).fired("f1", "api.hold").wait(4_000).then(late).ended());
    is(&busy, Verdict::Vacuous, "came in 4s, while this machine kept the lab waiting for 4.0 s: try a lower `-j`");
    let routed = held(recovery().ended()).scenario("until: 8", "until: 8, route: \"GET /orders/{id}\"");
    is(&routed, Verdict::Vacuous, ": 1 of 8 requests came");
    let let_go = held(Tale::default().then(json!({"kind": "worker.started", "instance": "w1.1", "command": ["./w"]})));
    let let_go = let_go.opened("a", 1).start("a", "Ship", 1).get("T1", 200).fired("f1", "api.hold").healed("f1");
    let once = let_go.ship("T1", 401);
    let twice = once.clone().fired("f1", "api.hold").get("T1", 200).get("T1", 200).ended();
    is(&once.ended(), Verdict::Vacuous, ": 1 of 8 requests came");
    is(&twice, Verdict::Vacuous, ": 3 of 8 requests came");
}

#[test]
fn a_check_that_cannot_decide_makes_it_vacuous() {
    let uncontrolled = good().control(None);
    is(&without(uncontrolled, "workflow.closed"), Verdict::Vacuous, "recovers could not decide: 1 of 1 workflows");
}

#[test]
fn what_failed_is_said_before_what_is_vacuous() {
    is(&without(bad(), "fault.bit"), Verdict::Fail, "effect-once");
}

#[test]
fn a_lab_that_did_not_do_its_part_makes_it_invalid() {
    let cut_off = without(good(), "run.ended");
    is(&cut_off, Verdict::Invalid, "the run was interrupted before this scenario ended");
    let failed = json!({"kind": "run.ended", "end": "lab_failed", "reason": "no ports"});
    is(&cut_off.clone().then(failed), Verdict::Invalid, "no ports");
    let interrupted = json!({"kind": "run.ended", "end": "interrupted"});
    is(&cut_off.then(interrupted), Verdict::Invalid, "the run was interrupted before this scenario ended");
    let journal = judge(&Run::new(&[]));
    assert_eq!((journal.verdict, journal.checks.len()), (Verdict::Invalid, 0), "{}", journal.reason);
}

/// A journal that was whole, with other records, numbered as if nothing had happened.
fn tampered(tale: &Tale, change: impl FnOnce(&mut Vec<Record>)) -> Vec<Record> {
    let mut records = tale.records();
    assert_eq!(Run::new(&records).whole(), Ok(()), "it was whole");
    change(&mut records);
    for (record, seq) in records.iter_mut().zip(1..) {
        record.seq = Seq(seq);
    }
    records
}

/// As the file tells it, read back.
fn read_back(records: &[Record]) -> Vec<Record> {
    let lines: Vec<_> = records.iter().map(|record| serde_json::to_string(record).expect("JSON") + "\n").collect();
    journal::read(lines.concat().as_bytes()).expect("each line is a record")
}

#[test]
fn a_journal_that_is_not_whole_makes_it_invalid_and_no_check_decides() {
    let scheduled = || json!({"start_to_close_timeout": "10s"});
    let whole = bit(recovery()).scheduled("a", "Fetch", scheduled()).scheduled("a", "Ship", scheduled()).ended();
    is(&whole, Verdict::Pass, "");
    let is_history = |record: &Record| record.event.kind() == "history.event";
    let last = whole.records().pop().expect("an end");
    type Change = Box<dyn FnOnce(&mut Vec<Record>)>;
    let changes: [(Change, &str); 5] = [
        (Box::new(move |it| it.retain(|record| !is_history(record))), "workflow a has 0 of 2 events in the journal"),
        (
            Box::new(move |it| drop(it.remove(it.iter().position(is_history).expect("one")))),
            "workflow a has 1 of 2 events in the journal",
        ),
        (Box::new(|it| it.retain(|record| record.at_us != 9_000)), "34 of 35 records before `run.ended`"),
        (Box::new(|it| it.insert(4, it[4].clone())), "36 of 35 records before `run.ended`"),
        (Box::new(move |it| it.extend([last.clone(), last])), "stands after `run.ended`"),
    ];
    for (change, because) in changes {
        let records = read_back(&tampered(&whole, change));
        let judged = judge(&Run::new(&records));
        assert_eq!(judged.verdict, Verdict::Invalid, "{because}");
        assert!(judged.reason.contains(because), "{} lacks {because}", judged.reason);
        assert!(judged.reason.contains("take the original, or run the scenario again"), "{}", judged.reason);
        let undecided = |it: &&tokenlapse::check::Verdict| matches!(it.judgement, Judgement::Inconclusive(_));
        assert_eq!(judged.checks.iter().filter(undecided).count(), tokenlapse::check::ALL.len());
        assert!(transcript(&Run::new(&records)).contains(because), "its story says so, too");
    }
}

#[test]
fn a_control_that_did_not_complete_makes_it_invalid_whatever_failed() {
    let control = ControlFacts { completed: false, ..ControlFacts::default() };
    is(&bad().control(Some(control)), Verdict::Invalid, "without any fault");
}

#[test]
fn a_worker_that_left_the_lab_makes_it_invalid_unless_it_may() {
    let attempt = json!({"kind": "egress.attempt", "instance": "w1.1", "host": "login.example.com", "port": 443});
    let gone = bit(recovery().then(attempt.clone())).ended();
    is(&gone, Verdict::Invalid, "a worker called login.example.com:443, outside");
    let another = json!({"kind": "egress.attempt", "instance": "w1.1", "host": "api.example.com", "port": 80});
    let both = bit(recovery().then(attempt.clone()).then(another).then(attempt)).ended();
    is(&both, Verdict::Invalid, "a worker called login.example.com:443, api.example.com:80, outside");
    let allowing = |place: &str| {
        let allow = format!("egress: {{ allow: [\"{place}\"] }}\nactivities:");
        gone.clone().target("activities:", &allow)
    };
    is(&allowing("login.example.com"), Verdict::Pass, "");
    is(&allowing("login.example.com:443"), Verdict::Pass, "");
    is(&allowing("login.example.com:80"), Verdict::Invalid, "login.example.com:443");
    is(&allowing("example.com"), Verdict::Invalid, "login.example.com:443");
}

#[test]
fn it_does_not_apply_where_nothing_that_it_exists_for_does() {
    let proving = |checks: &str| good().scenario("family: expiry", &format!("family: expiry\nproves: {checks}"));
    is(&proving("[honours-retry-after]"), Verdict::NotApplicable, "none of the checks");
    is(&proving("[honours-retry-after, single-redemption]"), Verdict::NotApplicable, "none of the checks");
    is(&proving("[honours-retry-after, recovers]"), Verdict::Pass, "");
}

// ---- known ----

/// A target that accepts failures of the scenario `sample`; more keys of the entries follow.
fn accepting(tale: Tale, entries: &[&str]) -> Tale {
    let entry = |more: &&str| {
        format!("  - {{ scenario: sample, reason: a bug of ours, owner: team a, expires: 2026-06-01{more} }}\n")
    };
    let known: String = entries.iter().map(entry).collect();
    tale.target("activities:", &format!("known:\n{known}activities:"))
}

#[test]
fn a_failure_that_the_target_accepts_is_known() {
    for more in
        ["", ", check: effect-once", ", cause: happened 2 times", ", check: effect-once, cause: expected at most 1"]
    {
        is(&accepting(bad(), &[more]), Verdict::Known, "accepted: a bug of ours (team a, until 2026-06-01)");
    }
    is(&accepting(bad(), &[", link: \"issue 7\""]), Verdict::Known, "until 2026-06-01, issue 7)");
}

#[test]
fn another_failure_than_the_accepted_one_fails_it() {
    for more in [", check: recovers", ", cause: happened 3 times", ", check: recovers, cause: happened 2 times"] {
        is(&accepting(bad(), &[more]), Verdict::Fail, "take it out of `known`; effect-once: ");
    }
    let two = bit(recovery().grant(200, &["T3"], json!({"scope": "orders.read orders.write"})).ship("T3", 201)).ended();
    is(&accepting(two.clone(), &[", check: effect-once"]), Verdict::Fail, "refreshes-on-retry: ");
    let all = [", check: effect-once", ", check: refreshes-on-retry", ", check: bounded-load"];
    is(&accepting(two, &all), Verdict::Known, "; a bug of ours");
}

#[test]
fn an_accepted_failure_that_is_gone_or_whose_day_is_over_fails_it() {
    is(&accepting(good(), &[""]), Verdict::Fail, "a failure is accepted (a bug of ours), but did not happen");
    let both = &[", check: effect-once", ", check: recovers"];
    is(&accepting(bad(), both), Verdict::Fail, "recovers is accepted (a bug of ours), but did not happen");
    // The run was made on the first of June.
    let over = |tale| accepting(tale, &[", check: effect-once"]).target("2026-06-01", "2026-05-31");
    is(&over(bad()), Verdict::Fail, "effect-once was accepted until 2026-05-31 only (a bug of ours)");
    is(&over(good()), Verdict::Fail, "effect-once was accepted until 2026-05-31 only (a bug of ours)");
}

#[test]
fn what_is_accepted_elsewhere_or_proves_nothing_stays_as_it_is() {
    let elsewhere = |tale| accepting(tale, &[""]).target("scenario: sample", "scenario: expiry-herd");
    is(&elsewhere(bad()), Verdict::Fail, "effect-once: POST");
    is(&elsewhere(good()), Verdict::Pass, "");
    is(&accepting(recovery().ended(), &[""]), Verdict::Vacuous, "bit 0 times");
    is(&accepting(without(bad(), "run.ended"), &[""]), Verdict::Invalid, "was interrupted before");
}
