//! `recovers`, `stops-on-permanent`, `persists-on-transient`, `diagnosable`, `truthful-health`, and what holds for all.

use serde_json::json;
use tokenlapse::check::{Context, Judgement, deadline, judge};
use tokenlapse::journal::{ControlFacts, Event, Run};
use tokenlapse::scenario::{Facts, builtin_target, catalogue, resolve};

use super::support::{Tale, recovery};

#[test]
fn without_anything_to_judge_nothing_applies() {
    for verdict in Tale::default().verdicts() {
        let name = verdict.judgement.name();
        // Of effects there should have been two, but no workflow completed.
        let expected = match verdict.check {
            "effect-once" => "pass",
            _ => "not_applicable",
        };
        assert_eq!(name, expected, "{}: {}", verdict.check, verdict.detail);
    }
}

#[test]
fn a_worker_that_does_all_right_fails_nothing() {
    for verdict in recovery().verdicts() {
        let absent = ["stops-on-permanent", "single-redemption", "honours-retry-after"];
        let expected = if absent.contains(&verdict.check) { "not_applicable" } else { "pass" };
        assert_eq!(verdict.judgement.name(), expected, "{}: {}", verdict.check, verdict.detail);
        assert!(!verdict.detail.is_empty() && !verdict.detail.contains('\n'));
    }
}

#[test]
fn without_a_header_or_a_whole_lab_everything_is_inconclusive() {
    let records = recovery().records();
    let inconclusive = |records: &[_]| judge(&Run::new(records)).iter().all(|it| it.judgement.name() == "inconclusive");
    assert!(!inconclusive(&records));
    assert!(inconclusive(&records[1..]));
    let mut unreadable = records.clone();
    if let Event::RunStarted(header) = &mut unreadable[0].event {
        header.resolved = json!({"scenario": 1});
    }
    assert!(inconclusive(&unreadable));
    for end in [json!({"end": "lab_failed", "reason": "no port"}), json!({"end": "interrupted"})] {
        let mut end = end;
        end["kind"] = "run.ended".into();
        assert!(inconclusive(&recovery().then(end).records()));
    }
}

#[test]
fn the_header_of_every_scenario_that_ships_is_read_back_as_it_was_written() {
    let target = builtin_target().expect("a target");
    let scenarios = catalogue().expect("scenarios that can be read");
    let mut read = 0;
    for scenario in &scenarios {
        let Ok(resolved) = resolve(&target, scenario, &Facts { movable_worker_clock: true, ..Facts::default() }) else {
            continue;
        };
        let mut records = recovery().records();
        let Event::RunStarted(header) = &mut records[0].event else { panic!("it is the header") };
        header.resolved = serde_json::to_value(&resolved).expect("JSON");
        let context = Context::of(&Run::new(&records)).expect("it can be read");
        assert_eq!(context.resolved, resolved, "{}", resolved.scenario);
        read += 1;
    }
    assert!(read > 0, "none of {} scenarios fits the built-in target", scenarios.len());
}

#[test]
fn a_check_that_is_off_says_who_turned_it_off_and_why() {
    let tale = recovery().target("policy:", "checks: { recovers: { off: it takes days } }\npolicy:");
    let verdict = tale.verdict("recovers");
    assert_eq!((verdict.judgement.name(), &*verdict.detail), ("not_applicable", "turned off: it takes days (target)"));
}

// ---- recovers ----

#[test]
fn who_completes_where_it_had_to_fail_is_to_blame_only_if_every_fault_bit() {
    let fails = recovery().scenario("outcome: completed", "outcome: permanent");
    assert_eq!(fails.judged("recovers"), "inconclusive");
    assert!(fails.verdict("recovers").detail.contains("did not bite"));
    let fault = fails.records().iter().find_map(|record| match &record.event {
        Event::RunStarted(header) => header.resolved["faults"][0]["id"].as_str().map(str::to_owned),
        _ => None,
    });
    let bitten = fails.then(json!({"kind": "fault.bit", "fault": fault, "proof": 1}));
    assert_eq!(bitten.judged("recovers"), "fail");
}

#[test]
fn who_is_to_be_cancelled_or_terminated_must_end_so() {
    for outcome in ["cancelled", "terminated"] {
        let closed = |status: &str| {
            let tale = Tale::default().scenario("outcome: completed", &format!("outcome: {outcome}"));
            tale.opened("a", 1).fired("f1", "workflow.cancel").closed("a", status)
        };
        for status in ["completed", "failed", "running", "cancelled", "terminated", "timed_out"] {
            let bitten = closed(status).then(json!({"kind": "fault.bit", "fault": "f1", "proof": 1}));
            let (expected, told) = (if status == outcome { "pass" } else { "fail" }, bitten.judged("recovers"));
            assert!(told == expected || (status, told) == ("running", "inconclusive"), "{status}: {told}");
        }
        assert_eq!(closed("completed").judged("recovers"), "inconclusive", "nothing made it end otherwise");
    }
}

#[test]
fn the_outcome_is_compared_and_a_missing_one_is_no_pass() {
    let closed = |status: &str| Tale::default().opened("a", 1).closed("a", status).judged("recovers");
    assert_eq!(closed("completed"), "pass");
    for status in ["failed", "running", "cancelled", "terminated", "timed_out"] {
        assert_eq!(closed(status), "fail", "{status}");
    }
    assert_eq!(Tale::default().opened("a", 1).judged("recovers"), "inconclusive");
    let parked = Tale::default().scenario("outcome: completed", "outcome: running").opened("a", 1);
    assert_eq!(parked.clone().closed("a", "running").judged("recovers"), "pass");
    assert_eq!(parked.closed("a", "failed").judged("recovers"), "fail");
}

/// A workflow whose attempt fails after the fault, with a retry after `wait` milliseconds.
fn late(wait: u64, status: &str) -> Tale {
    Tale::default()
        .opened("a", 1)
        .start("a", "Ship", 1)
        .fired("f1", "idp.respond")
        .wait(999)
        .healed("f1")
        .fail("a", "Ship", 1, "IdpUnavailable")
        .wait(wait)
        .closed("a", status)
        .scheduled(
            "a",
            "Ship",
            json!({
                "start_to_close_timeout": "30s", "retry_policy": {"initialInterval": "4s", "maximumInterval": "60s"},
            }),
        )
}

#[test]
fn the_bound_is_the_last_healing_the_longest_wait_and_slack() {
    let verdict = late(8_999, "completed").verdict("recovers");
    assert_eq!(verdict.judgement.name(), "pass", "{}", verdict.detail);
    let sum = "bound after the last healing: 4.00 s (activity 2: its attempt 1 under way 0.00 s + retry interval 4.00 s) \
               + 5.00 s slack = 9.00 s; a took 9.00 s";
    assert_eq!(verdict.detail, sum);
    let verdict = late(9_000, "completed").verdict("recovers");
    assert_eq!(verdict.judgement.name(), "fail", "{}", verdict.detail);
    assert!(verdict.detail.contains(sum), "{}", verdict.detail);
    let tight = late(8_000, "completed").scenario("outcome: completed", "outcome: completed, within: 7s");
    assert_eq!(tight.judged("recovers"), "fail", "`within` tightens");
    let loose = late(9_100, "completed").scenario("outcome: completed", "outcome: completed, within: 60s");
    assert_eq!(loose.judged("recovers"), "fail", "and does nothing else");
    let slack = late(9_100, "completed").target("policy:", "checks: { recovers: { slack: 20s } }\npolicy:");
    assert_eq!(slack.judged("recovers"), "pass");
}

#[test]
fn a_machine_on_which_the_control_was_slow_has_more_slack() {
    let control = |took_ms| Some(ControlFacts { completed: true, took_ms, ..ControlFacts::default() });
    assert_eq!(late(9_500, "completed").control(control(100)).judged("recovers"), "fail");
    assert_eq!(late(9_500, "completed").control(control(200)).judged("recovers"), "pass");
    let own = late(9_500, "completed").target("policy:", "checks: { recovers: { slack: 5s } }\npolicy:");
    assert_eq!(own.control(control(60_000)).judged("recovers"), "fail", "a slack of one's own is all there is");
}

#[test]
fn who_stops_waiting_before_the_bound_has_shown_nothing() {
    assert_eq!(late(1_000, "running").judged("recovers"), "inconclusive");
    assert_eq!(late(60_000, "running").judged("recovers"), "fail");
}

#[test]
fn a_lost_attempt_may_take_its_whole_timeout() {
    let lost = |ms: u64| {
        Tale::default()
            .opened("a", 1)
            .start("a", "Ship", 1)
            .fired("f1", "worker.kill")
            .wait(ms)
            .closed("a", "completed")
            .scheduled("a", "Ship", json!({"start_to_close_timeout": "30s", "heartbeat_timeout": "12s"}))
    };
    assert_eq!(lost(16_000).judged("recovers"), "pass");
    assert_eq!(lost(17_001).judged("recovers"), "fail");
    assert!(lost(16_000).verdict("recovers").detail.contains("heartbeat timeout 12.00 s"));
}

#[test]
fn a_workflow_that_starts_after_the_faults_has_as_long_from_its_start() {
    let after = |ms: u64| {
        let tale = Tale::default().fired("f1", "idp.respond").healed("f1").wait(60_000).opened("a", 1);
        tale.wait(ms).closed("a", "completed").verdict("recovers")
    };
    let sum = "bound after its start, which followed the last healing: 0.00 s (no wait was pending) + 5.00 s slack = \
               5.00 s; a took 5.00 s";
    let verdict = after(4_999);
    assert_eq!((verdict.judgement.name(), &*verdict.detail), ("pass", sum));
    assert_eq!(after(5_000).judgement.name(), "fail");

    // A dead worker may have been given its first workflow task.
    let killed = |ms: u64| {
        let exit = json!({"kind": "worker.exited", "instance": "w1.1", "code": null, "signal": 9, "expected": true});
        let tale = Tale::default().fired("f1", "worker.restart").then(exit).opened("a", 1);
        tale.wait(ms).closed("a", "completed").verdict("recovers")
    };
    let verdict = killed(14_999);
    assert_eq!(verdict.judgement.name(), "pass", "{}", verdict.detail);
    assert!(verdict.detail.contains("10.00 s (workflow task timeout, as a worker was lost)"), "{}", verdict.detail);
    assert_eq!(killed(15_000).judgement.name(), "fail");
}

#[test]
fn a_task_that_the_server_gave_out_in_vain_is_given_out_anew_after_its_timeout() {
    let after = |ms: u64, events: &[&str]| {
        let mut tale = Tale::default().opened("a", 1).fired("f1", "idp.respond").healed("f1").wait(ms);
        tale = tale.closed("a", "completed");
        for event in events {
            tale = tale.then(json!({
                "kind": "history.event", "workflow": "a", "event_id": 3, "event": event, "attributes": {},
            }));
        }
        tale.verdict("recovers")
    };
    let (started, timed_out, completed) =
        ("WORKFLOW_TASK_STARTED", "WORKFLOW_TASK_TIMED_OUT", "WORKFLOW_TASK_COMPLETED");
    for lost in [&[started][..], &[started, timed_out, started, completed]] {
        let verdict = after(14_999, lost);
        assert_eq!(verdict.judgement.name(), "pass", "{lost:?}: {}", verdict.detail);
        assert!(verdict.detail.contains("10.00 s (workflow task timeout, as a task was lost)"), "{}", verdict.detail);
        assert_eq!(after(15_000, lost).judgement.name(), "fail", "{lost:?}");
    }
    assert_eq!(after(5_000, &[started, completed]).judgement.name(), "fail", "none was lost");
}

#[test]
fn who_waits_for_a_workflow_that_starts_after_the_faults_is_told_how_long() {
    let records = Tale::default().fired("f1", "idp.respond").wait(60_000).opened("a", 1).records();
    let started = records.iter().find(|it| matches!(it.event, Event::WorkflowStarted { .. })).expect("it starts");
    let until = deadline(&Run::new(&records)).expect("a fault fired");
    assert_eq!(until.as_micros(), u128::from(started.at_us + 5_000_000));
}

#[test]
fn what_it_did_instead_is_said_before_what_was_expected() {
    for (expected, status, what, wanted) in [
        ("running", "completed", "workflow a ended as completed", "still running"),
        ("running", "failed", "workflow a ended as failed", "still running"),
        ("failed", "running", "workflow a is still running", "failed within "),
        ("failed", "terminated", "workflow a ended as terminated", "failed within "),
        ("completed", "running", "workflow a is still running", "completed within "),
    ] {
        // Later than any bound.
        let tale = late(60_000, status).scenario("outcome: completed", &format!("outcome: {expected}"));
        let Judgement::Fail(findings) = tale.verdict("recovers").judgement else { panic!("{expected}: it fails") };
        assert_eq!(findings[0].what, what);
        let said = &findings[0].expected;
        assert!(said.starts_with(wanted) && (wanted.ends_with(' ') || said == wanted), "{expected}: {said}");
    }
}

#[test]
fn who_runs_a_scenario_is_told_how_long_to_wait() {
    let mut tale = late(1_000, "running");
    let records = tale.records();
    let run = Run::new(&records);
    assert_eq!(deadline(&run), None, "nothing is open");
    tale.told.retain(|told| !matches!(told.event, Event::WorkflowClosed { .. }));
    let records = tale.records();
    let until = deadline(&Run::new(&records)).expect("a fault fired");
    assert_eq!(until.as_millis(), 1_003 + 1 + 4_000 + 5_000);
}

// ---- stops-on-permanent ----

/// Told that access is gone, then `attempts` more attempts with a grant each.
fn goes_on(attempts: u32) -> Tale {
    let mut tale = Tale::default().scenario("outcome: completed", "outcome: permanent").opened("a", 1);
    tale = tale.fired("f1", "idp.revoke");
    for attempt in 1..=attempts + 1 {
        tale = tale.start("a", "Ship", attempt).grant(400, &[], json!({"error": "invalid_grant"})).fail(
            "a",
            "Ship",
            attempt,
            "TokenRevoked",
        );
    }
    tale
}

#[test]
fn a_few_more_attempts_after_a_permanent_refusal_are_tolerated() {
    for (attempts, expected) in [(0, "pass"), (3, "pass"), (4, "fail"), (50, "fail")] {
        assert_eq!(goes_on(attempts).closed("a", "failed").judged("stops-on-permanent"), expected, "{attempts}");
    }
    let none = goes_on(0).target("attempts: 3", "attempts: 0");
    assert_eq!(none.closed("a", "failed").judged("stops-on-permanent"), "pass");
    assert_eq!(goes_on(1).target("attempts: 3", "attempts: 0").judged("stops-on-permanent"), "fail");
}

#[test]
fn who_did_not_get_the_reply_was_not_told_that_access_is_gone() {
    let lost = || json!({"error": "invalid_grant", "delivered": false});
    let tale = (1..=9).fold(Tale::default(), |tale, attempt| tale.start("a", "Ship", attempt).grant(400, &[], lost()));
    assert_eq!(tale.judged("stops-on-permanent"), "not_applicable");
}

#[test]
fn a_permanent_end_has_to_be_the_one_that_the_target_promises() {
    assert_eq!(goes_on(0).closed("a", "running").judged("stops-on-permanent"), "fail");
    let parks = goes_on(0).target("attempts: 3", "attempts: 3\n  on_permanent: wait");
    assert_eq!(parks.clone().closed("a", "running").judged("stops-on-permanent"), "pass");
    assert_eq!(parks.closed("a", "failed").judged("stops-on-permanent"), "fail");
}

#[test]
fn grants_of_several_activities_are_judged_together() {
    // Two attempts are under way all the time, so no grant can be attributed.
    let shared = |grants: usize| {
        let tale = Tale::default().start("a", "Ship", 1).start("b", "Ship", 1);
        let refusal = || json!({"error": "invalid_client"});
        (0..=grants).fold(tale, |tale, _| tale.grant(401, &[], refusal())).judged("stops-on-permanent")
    };
    assert_eq!([shared(3), shared(4), shared(6), shared(7)], ["pass", "inconclusive", "inconclusive", "fail"]);

    // What one of them certainly used up leaves it no room for more.
    let refused = |tale: Tale, times: u32| {
        (0..times).fold(tale, |tale, _| tale.grant(401, &[], json!({"error": "invalid_client"})))
    };
    let used_up = refused(Tale::default().start("a", "Ship", 1), 4).start("b", "Ship", 1);
    assert_eq!(refused(used_up.clone(), 3).judged("stops-on-permanent"), "inconclusive");
    assert_eq!(refused(used_up, 4).judged("stops-on-permanent"), "fail");
}

#[test]
fn a_new_consent_ends_the_counting() {
    let mut tale = goes_on(2).grant(200, &["T2"], json!({}));
    for attempt in 4..9 {
        tale = tale.start("a", "Ship", attempt).ship("T2", 503).fail("a", "Ship", attempt, "ApiUnavailable");
    }
    assert_eq!(tale.closed("a", "completed").judged("stops-on-permanent"), "pass");
}

// ---- persists-on-transient ----

#[test]
fn a_transient_fault_must_not_end_a_workflow() {
    let failed = |tale: Tale| tale.fail("a", "Ship", 1, "X").closed("a", "failed").judged("persists-on-transient");
    let begun = || Tale::default().opened("a", 1).fired("f1", "x").start("a", "Ship", 1);
    assert_eq!(failed(begun().ship("T1", 401)), "fail");
    assert_eq!(failed(begun().ship("T1", 503)), "fail");
    assert_eq!(failed(begun().ship("T1", 429)), "fail");
    assert_eq!(failed(begun().ship("T1", 408)), "fail");
    assert_eq!(failed(begun().ship("T1", 425)), "fail");
    let timed_out = begun().ship("T1", 503).fail("a", "Ship", 1, "X").closed("a", "timed_out");
    assert_eq!(timed_out.judged("persists-on-transient"), "fail");
    assert_eq!(failed(begun().grant(503, &[], json!({}))), "fail");
    assert_eq!(failed(begun()), "fail", "a broken link shows nothing at either end");
    assert_eq!(failed(begun().grant(400, &[], json!({"error": "invalid_grant"}))), "pass");
    assert_eq!(failed(begun().ship("T1", 403)), "pass");
    assert_eq!(failed(begun().ship("T1", 403).scenario("outcome: completed", "outcome: failed")), "not_applicable");
    let told_and_lifted = begun().grant(400, &[], json!({"error": "invalid_grant"})).grant(200, &["T1"], json!({}));
    assert_eq!(failed(told_and_lifted.ship("T1", 503)), "fail");
    let perhaps = begun().start("b", "Ship", 1).api("POST /x", "T1", 404, None, json!({}));
    assert_eq!(failed(perhaps), "inconclusive");
    assert_eq!(failed(Tale::default().opened("a", 1).start("a", "Ship", 1)), "not_applicable", "nothing went wrong");
}

// ---- diagnosable ----

fn failing(meets: impl Fn(Tale) -> Tale, failure_type: &str) -> &'static str {
    meets(Tale::default().start("a", "Ship", 1)).fail("a", "Ship", 1, failure_type).judged("diagnosable")
}

const ANY: &[&str] =
    &["TokenExpired", "TokenRevoked", "InsufficientScope", "RateLimited", "IdpUnavailable", "ApiUnavailable"];

/// A link refuses connections, as the scenario says.
fn refusing(tale: Tale, end: &str) -> Tale {
    let action = format!("do: {{ link.refuse: {{ on: {end} }} }}");
    tale.scenario("do: { time.pass: { until: token-expiry } }", &action).fired("f1", "link.refuse")
}

#[test]
fn each_cause_has_the_type_that_the_target_declares_for_it() {
    type Meets = fn(Tale) -> Tale;
    let causes: &[(&[&str], Meets)] = &[
        (&["TokenExpired"], |tale| tale.ship("T1", 401)),
        (&["TokenExpired", "TokenRevoked"], |tale| tale.api("POST /x", "T1", 401, None, json!({"refused": "revoked"}))),
        (&["TokenRevoked"], |tale| tale.grant(400, &[], json!({"error": "invalid_grant"}))),
        (&["TokenRevoked"], |tale| tale.grant(401, &[], json!({"error": "invalid_client"}))),
        (&["InsufficientScope"], |tale| tale.api("POST /x", "T1", 403, None, json!({"error": "insufficient_scope"}))),
        (&["InsufficientScope"], |tale| tale.grant(400, &[], json!({"error": "invalid_scope"}))),
        (&["RateLimited"], |tale| tale.ship("T1", 429)),
        (&["RateLimited"], |tale| tale.grant(429, &[], json!({}))),
        (&["RateLimited", "IdpUnavailable", "ApiUnavailable"], |tale| {
            tale.grant(503, &[], json!({"retry_after_ms": 1000}))
        }),
        (&["IdpUnavailable", "ApiUnavailable"], |tale| tale.grant(503, &[], json!({}))),
        (&["IdpUnavailable", "ApiUnavailable"], |tale| tale.grant(200, &["T1"], json!({"delivered": false}))),
        (&["IdpUnavailable", "ApiUnavailable"], |tale| tale.grant(200, &["T1"], json!({"fault": "f1"}))),
        (&["IdpUnavailable", "ApiUnavailable"], |tale| tale.ship("T1", 502)),
        (&["IdpUnavailable", "ApiUnavailable"], |tale| {
            tale.api("POST /x", "T1", 201, None, json!({"delivered": false}))
        }),
        (&["IdpUnavailable", "ApiUnavailable"], |tale| refusing(tale, "idp")),
        // What is over explains nothing: any type will do.
        (ANY, |tale| tale.ship("T1", 401).ship("T2", 201)),
        (ANY, |tale| refusing(tale, "idp").healed("f1")),
        // What it is reported to is no reason either.
        (ANY, |tale| refusing(tale, "temporal")),
        // The last that it met counts.
        (&["IdpUnavailable", "ApiUnavailable"], |tale| tale.ship("T1", 401).grant(503, &[], json!({}))),
    ];
    for (index, (right, meets)) in causes.iter().enumerate() {
        for failure_type in ANY {
            let expected = if right.contains(failure_type) { "pass" } else { "fail" };
            assert_eq!(failing(meets, failure_type), expected, "cause {index} as {failure_type}");
        }
    }
}

#[test]
fn without_a_declaration_any_type_that_is_not_generic_will_do() {
    for (failure_type, expected) in
        [("", "fail"), ("ApplicationError", "fail"), ("*errors.errorString", "fail"), ("Whatever", "pass")]
    {
        assert_eq!(failing(|tale| tale, failure_type), expected, "{failure_type:?}");
        assert_eq!(failing(|tale| tale.ship("T1", 404), failure_type), expected, "{failure_type:?}");
        let undeclared = |tale: Tale| tale.target("expired: [TokenExpired]", "expired: []").ship("T1", 401);
        assert_eq!(failing(undeclared, failure_type), expected, "{failure_type:?}");
    }
}

#[test]
fn of_several_attempts_each_may_have_waited_for_the_grant() {
    let both = || Tale::default().start("a", "Ship", 1).start("b", "Ship", 1);
    let waits = both().grant(503, &[], json!({}));
    assert_eq!(waits.clone().fail("a", "Ship", 1, "IdpUnavailable").judged("diagnosable"), "pass");
    assert_eq!(waits.clone().fail("a", "Ship", 1, "TokenExpired").judged("diagnosable"), "fail");
    let own = waits.ship("T1", 401);
    assert_eq!(own.clone().fail("a", "Ship", 1, "TokenExpired").judged("diagnosable"), "pass", "its own refusal");
    assert_eq!(own.clone().fail("a", "Ship", 1, "IdpUnavailable").judged("diagnosable"), "inconclusive");
    assert_eq!(own.fail("a", "Ship", 1, "RateLimited").judged("diagnosable"), "fail");
}

// ---- truthful-health ----

#[test]
fn a_worker_that_lives_without_polling_is_found() {
    let polling = |tale: Tale| tale.poll("PollWorkflowTaskQueue").poll("PollActivityTaskQueue");
    let silent = |ms: u64| polling(Tale::default()).polled("PollActivityTaskQueue").wait(ms);
    assert_eq!(polling(Tale::default()).wait(69_000).finished().judged("truthful-health"), "pass", "open polls");
    assert_eq!(silent(500).finished().judged("truthful-health"), "pass");
    let (what, _) = silent(3_000).finished().found("truthful-health");
    assert_eq!(what, "worker w1.1 lives, but has made no PollActivityTaskQueue for 3.0 s");
    let busy = silent(0).start("a", "Ship", 1).wait(9_000).finished();
    assert_eq!(busy.judged("truthful-health"), "pass", "it may have no room");
    let cut_off = silent(0).fired("f1", "link.refuse").wait(9_000).healed("f1").wait(500).finished();
    assert_eq!(cut_off.judged("truthful-health"), "pass", "it could not poll");
    assert_eq!(silent(9_000).judged("truthful-health"), "inconclusive", "the workload has not ended");
    let word = |kind: &str| json!({"kind": kind, "instance": "w1.1"});
    let frozen = silent(500).then(word("worker.frozen")).wait(9_000);
    assert_eq!(frozen.clone().finished().judged("truthful-health"), "pass", "it cannot");
    let thawed = frozen.then(word("worker.resumed"));
    assert_eq!(thawed.clone().wait(500).finished().judged("truthful-health"), "pass", "it has just begun to go on");
    assert_eq!(thawed.wait(3_000).finished().judged("truthful-health"), "fail", "it could again");
}

#[test]
fn a_worker_that_exits_unasked_is_found_unless_somebody_restarts_it() {
    let exited = |expected: bool| {
        let exit = json!({
            "kind": "worker.exited", "instance": "w1.1", "code": 1, "signal": null, "expected": expected,
        });
        let polling = Tale::default().poll("PollActivityTaskQueue").polled("PollActivityTaskQueue");
        polling.then(exit).wait(9_000).finished()
    };
    assert_eq!(exited(true).judged("truthful-health"), "pass", "a fault killed it");
    assert_eq!(exited(false).judged("truthful-health"), "fail");
    let supervised = exited(false).target("restart: never", "restart: on-exit");
    assert_eq!(supervised.judged("truthful-health"), "pass");
}

#[test]
fn a_workflow_that_no_worker_is_left_for_needs_no_bound() {
    let exit = json!({"kind": "worker.exited", "instance": "w1.1", "code": 0, "expected": false});
    let started = |instance: &str| json!({"kind": "worker.started", "instance": instance, "command": ["./worker"]});
    let open = Tale::default().then(started("w1.1")).opened("a", 1).start("a", "Ship", 1).fired("f1", "time.pass");
    let (what, events) = open.clone().then(exit.clone()).closed("a", "running").found("recovers");
    assert_eq!(what, "workflow a is still running, and no worker is left");
    assert_eq!(events.len(), 2);
    let another = open.then(exit).then(started("w1.2")).closed("a", "running");
    assert_eq!(another.judged("recovers"), "inconclusive", "it might have gone on");
}
