//! `refreshes-on-retry`, `bounded-load`, `single-redemption`.

use serde_json::{Value, json};
use tokenlapse::journal::Event;

use super::support::{Tale, recovery};

fn none() -> Value {
    json!({})
}

// ---- refreshes-on-retry ----

#[test]
fn a_live_token_is_not_replaced() {
    let check = "refreshes-on-retry";
    let held = || Tale::default().grant(200, &["T1"], none());
    let (what, events) = held().grant(200, &["T2"], none()).found(check);
    assert_eq!((what.as_str(), events), ("w1.1 asked for a token while T1 was live and unrefused", vec![2, 7]));
    assert_eq!(held().ship("T1", 401).grant(200, &["T2"], none()).judged(check), "pass");
    assert_eq!(held().dies("T1", "expired").grant(200, &["T2"], none()).judged(check), "pass");
    assert_eq!(held().dies("T1", "revoked").grant(200, &["T2"], none()).judged(check), "pass");
    let another = |extra| held().grant(200, &["T2"], extra).judged(check);
    assert_eq!(another(json!({"scope": "orders.read"})), "pass", "for another purpose");
    assert_eq!(another(json!({"audience": "billing"})), "pass");
    assert_eq!(another(json!({"client": "c2"})), "pass");
    assert_eq!(held().on("w1.2").grant(200, &["T2"], none()).judged(check), "pass", "another generation");
    let lost = Tale::default().grant(200, &["T1"], json!({"delivered": false})).grant(200, &["T2"], none());
    assert_eq!(lost.judged(check), "pass", "it never had the first");
    let newest = held().ship("T1", 401).grant(200, &["T2"], none()).ship("T1", 401).grant(200, &["T3"], none());
    assert_eq!(newest.judged(check), "fail", "an old refusal says nothing of the newest token");
}

#[test]
fn the_order_of_scopes_says_nothing() {
    let tale = Tale::default().grant(200, &["T1"], json!({"scope": "orders.read orders.write"}));
    let tale = tale.grant(200, &["T2"], json!({"scope": "orders.write orders.read"}));
    assert_eq!(tale.judged("refreshes-on-retry"), "fail");
}

#[test]
fn who_promises_nothing_gets_a_note() {
    let early = Tale::default().grant(200, &["T1"], none()).grant(200, &["T2"], none());
    let verdict =
        early.target("refresh: on-retry", "refresh: proactive\n  refresh_margin: 0s").verdict("refreshes-on-retry");
    assert_eq!(verdict.judgement.name(), "not_applicable");
    assert!(verdict.detail.contains("note: 1 refreshed early"), "{}", verdict.detail);
    assert_eq!(verdict.events.len(), 2);
}

/// A token of the default five minutes, and a grant `ms` later, both with their `exp` in the journal.
fn real_time(ms: u64) -> Tale {
    let mut tale = Tale::default().grant(200, &["T1"], none()).wait(ms).grant(200, &["T2"], none());
    for told in &mut tale.told {
        if let Event::IdpToken(token) = &mut told.event {
            token.expires_at_ms = Some(1_800_000_000_000 + 300_000 + i64::try_from(told.at_us / 1000).expect("small"));
        }
    }
    tale
}

#[test]
fn a_token_that_is_over_by_the_clock_needs_no_event_to_be_so() {
    assert_eq!(real_time(200_000).judged("refreshes-on-retry"), "fail");
    assert_eq!(real_time(300_000).judged("refreshes-on-retry"), "pass");
    let second_under_way =
        (real_time(298_500).judged("refreshes-on-retry"), real_time(299_500).judged("refreshes-on-retry"));
    assert_eq!(second_under_way, ("fail", "pass"), "`exp` says whole seconds");
    let skewed = |by: i64| {
        let mut tale = real_time(1_000);
        let moved = json!({"kind": "clock.moved", "clock": "idp", "offset_ms": by});
        let mut event = Tale::default().then(moved).told.remove(0);
        event.at_us = tale.told[3].at_us;
        tale.told.insert(4, event);
        tale.judged("refreshes-on-retry")
    };
    assert_eq!((skewed(250_000), skewed(300_000)), ("fail", "pass"));
}

// ---- bounded-load ----

#[test]
fn the_sum_of_reasons_is_printed_and_holds() {
    let check = "bounded-load";
    let verdict = recovery().verdict(check);
    assert_eq!(
        verdict.detail,
        "2 token requests, at most 1 (generations and keys) + 1 expired + 0 refused + 2 × 0 failed = 2"
    );
    let storm = (0..4).fold(Tale::default(), |tale, i| tale.grant(200, &[&format!("T{i}")], none()));
    let (what, events) = storm.found(check);
    assert_eq!((what.as_str(), events.len()), ("4 token requests", 4));
    let scope = || json!({"scope": "orders.read orders.write"});
    let twice = recovery().ship("T2", 401).grant(200, &["T3"], scope()).grant(200, &["T4"], scope());
    assert_eq!(twice.judged(check), "fail", "one refusal, two grants");
}

#[test]
fn failed_and_lost_grants_may_be_repeated_twice() {
    let check = "bounded-load";
    for failure in [json!({}), json!({"delivered": false}), json!({"fault": "f1"})] {
        let status = if failure == json!({}) { 503 } else { 200 };
        let issued: &[&str] = if status == 200 { &["T1"] } else { &[] };
        let failed = || Tale::default().grant(status, issued, failure.clone());
        let again = |times: usize| (0..times).fold(failed(), |tale, _| tale.grant(200, &["T2"], none())).judged(check);
        assert_eq!((again(2), again(3)), ("pass", "fail"), "{failure}");
    }
}

#[test]
fn each_token_that_expired_is_a_reason_not_the_newest_alone() {
    let grant = |tale: Tale, token| tale.grant(200, &[token], none());
    let two = ["T1", "T2"].into_iter().fold(Tale::default().grant(503, &[], none()), grant);
    let replaced = ["T3", "T4"].into_iter().fold(two.dies("T1", "expired").dies("T2", "expired"), grant);
    assert_eq!(replaced.clone().judged("bounded-load"), "pass");
    assert_eq!(grant(replaced, "T5").judged("bounded-load"), "fail");
}

#[test]
fn who_gets_a_token_for_each_attempt_may_ask_as_often_as_it_attempts() {
    let attempt = |tale: Tale, number| {
        tale.start("a", "Ship", number).grant(200, &[&format!("T{number}")], none()).fail("a", "Ship", number, "Rate")
    };
    let tale = (1..=3).fold(Tale::default(), attempt).target("refresh: on-retry", "refresh: per-attempt");
    assert_eq!(tale.clone().judged("bounded-load"), "pass");
    assert_eq!(tale.grant(200, &["T4"], none()).judged("bounded-load"), "fail");
}

#[test]
fn many_refusals_of_one_token_are_one_reason() {
    let refused =
        |times: usize| (0..times).fold(Tale::default().grant(200, &["T1"], none()), |tale, _| tale.ship("T1", 401));
    let storm = (0..5).fold(refused(5), |tale, i| tale.grant(200, &[&format!("U{i}")], none()));
    assert_eq!(storm.judged("bounded-load"), "fail");
    assert_eq!(refused(5).grant(200, &["T2"], none()).judged("bounded-load"), "pass");
}

#[test]
fn each_generation_and_key_may_begin_once() {
    let tale = Tale::default().grant(200, &["T1"], none()).on("w1.2").grant(200, &["T2"], none());
    assert_eq!(tale.clone().grant(200, &["T3"], json!({"scope": "a"})).judged("bounded-load"), "pass");
    assert_eq!(tale.grant(200, &["T3"], none()).judged("bounded-load"), "fail");
}

#[test]
fn who_asks_for_each_attempt_is_measured_by_attempts() {
    let tale = || Tale::default().target("refresh: on-retry", "refresh: per-attempt").start("a", "Ship", 1);
    assert_eq!(tale().grant(200, &["T1"], none()).judged("bounded-load"), "pass");
    assert_eq!(tale().grant(200, &["T1"], none()).grant(200, &["T2"], none()).judged("bounded-load"), "fail");
}

#[test]
fn who_renews_within_the_margin_has_a_reason() {
    let ahead = |ms| {
        let tale = real_time(ms).target("refresh: on-retry", "refresh: proactive\n  refresh_margin: 60s");
        tale.scenario("time.pass: { until: token-expiry }", "idp.revoke: {}")
    };
    assert_eq!(ahead(241_000).judged("bounded-load"), "pass");
    assert_eq!(ahead(200_000).judged("bounded-load"), "fail");
}

// ---- single-redemption ----

fn redeem(tale: Tale, token: &str, status: u16, issued: &[&str], extra: Value) -> Tale {
    let mut extra = extra;
    extra["grant"] = "refresh_token".into();
    extra["token"] = token.into();
    tale.grant(status, issued, extra)
}

#[test]
fn a_refresh_token_is_redeemed_once_unless_nobody_can_know_that_it_was() {
    let check = "single-redemption";
    let user = || Tale::default().with_refresh_tokens();
    let first = || redeem(user(), "R1", 200, &["T1", "R2"], none());
    assert_eq!(redeem(first(), "R2", 200, &["T2", "R3"], none()).judged(check), "pass");
    let (what, events) = redeem(first(), "R1", 400, &[], none()).found(check);
    assert_eq!(what, "w1.1 presented R1 again, though its successor had been granted");
    assert_eq!(events, [4, 7]);
    assert_eq!(redeem(first().on("w2.1"), "R1", 400, &[], none()).judged(check), "fail", "whoever presents it");
    let lost = redeem(user(), "R1", 200, &["T1", "R2"], json!({"delivered": false}));
    assert_eq!(redeem(lost, "R1", 200, &["T2", "R3"], none()).judged(check), "pass");
    let failed = redeem(user(), "R1", 503, &[], none());
    assert_eq!(redeem(failed, "R1", 200, &["T2", "R2"], none()).judged(check), "pass");
    let unknown = redeem(user(), "R1", 200, &["T1", "R2"], json!({"silent": true}));
    assert_eq!(redeem(unknown, "R1", 200, &["T2", "R3"], none()).judged(check), "inconclusive");
    assert_eq!(user().judged(check), "not_applicable");
    let kept = redeem(first(), "R1", 200, &["T2"], none()).target("rotation: true", "rotation: false");
    assert_eq!(kept.judged(check), "not_applicable");
}

#[test]
fn two_redemptions_at_once_are_two() {
    let request = |call: u64| {
        json!({
            "kind": "idp.request", "call": call, "instance": "w1.1", "endpoint": "token", "grant": "refresh_token",
            "client": "worker", "token": "R1",
        })
    };
    let reply = |call: u64, status: u16| {
        let mut reply = request(call);
        reply["kind"] = "idp.response".into();
        reply["status"] = status.into();
        reply["issued"] = if status == 200 { json!(["T1", "R2"]) } else { json!([]) };
        reply
    };
    let done = |call: u64| json!({"kind": "http.done", "call": call, "delivered": true});
    let tale = Tale::default().with_refresh_tokens().then(request(91)).then(request(92));
    let tale = tale.then(reply(91, 200)).then(reply(92, 400)).then(done(91)).then(done(92));
    assert_eq!(tale.judged("single-redemption"), "fail");
}
