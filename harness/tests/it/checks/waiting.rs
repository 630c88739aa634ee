//! `honours-retry-after`.

use serde_json::json;

use super::support::{Tale, recovery};

const CHECK: &str = "honours-retry-after";

fn limited(seconds: u64) -> Tale {
    let wait = json!({"retry_after_ms": seconds * 1000});
    Tale::default().start("a", "Ship", 1).api("POST /orders/1/ship", "T1", 429, Some("a"), wait)
}

#[test]
fn the_next_attempt_comes_no_sooner_than_asked() {
    let again = |ms| limited(2).fail("a", "Ship", 1, "RateLimited").wait(ms).start("a", "Ship", 2).ship("T1", 201);
    assert_eq!(again(2_000).judged(CHECK), "pass");
    assert_eq!(again(1_000).judged(CHECK), "fail");
    assert_eq!(
        (again(1_960).judged(CHECK), again(1_930).judged(CHECK)),
        ("pass", "fail"),
        "timers fire a little early"
    );
    let (what, events) = again(1_000).found(CHECK);
    assert!(what.contains("w1.1 called POST /orders/{id}/ship 1.00 s too early") || what.contains("0.99"), "{what}");
    assert_eq!(events, [4, 8]);
    assert_eq!(again(1_000).on("w2.1").judged(CHECK), "fail");
    assert_eq!(limited(2).ship("T1", 201).judged(CHECK), "fail", "within the attempt");
    assert_eq!(recovery().judged(CHECK), "not_applicable");
}

#[test]
fn what_the_failure_wishes_does_not_matter_but_when_the_next_attempt_comes_does() {
    let wish = json!({"message": "m", "type": "RateLimited", "next_retry_delay_ms": 2_000});
    let tale = limited(2).fail_with("a", "Ship", 1, wish);
    assert_eq!(tale.clone().wait(2_000).start("a", "Ship", 2).ship("T1", 201).judged(CHECK), "pass");
    assert_eq!(tale.start("a", "Ship", 2).ship("T1", 201).judged(CHECK), "fail");
}

#[test]
fn others_and_other_places_were_not_asked_to_wait() {
    let other = limited(2).start("b", "Ship", 1);
    let named = other.clone().api("POST /orders/2/ship", "T1", 201, Some("b"), json!({}));
    assert_eq!(named.judged(CHECK), "pass", "another activity");
    let unnamed = other.api("POST /orders/2/ship", "T1", 201, None, json!({}));
    assert_eq!(unnamed.judged(CHECK), "inconclusive");
    let wait = json!({"retry_after_ms": 2_000});
    let either = Tale::default().start("a", "Ship", 1).start("b", "Ship", 1);
    let either = either.api("POST /orders/1/ship", "T1", 429, None, wait).complete("b", "Ship", 1);
    assert_eq!(either.ship("T1", 201).judged(CHECK), "inconclusive", "the other one may have been asked");
    assert_eq!(limited(2).get("T1", 200).judged(CHECK), "pass", "another route");
    assert_eq!(limited(2).grant(200, &["T2"], json!({})).judged(CHECK), "pass", "the identity provider");
}

#[test]
fn the_token_endpoint_asks_as_well() {
    let wait = || json!({"retry_after_ms": 2_000});
    let tale = Tale::default().start("a", "Ship", 1).grant(429, &[], wait());
    assert_eq!(tale.clone().grant(200, &["T1"], json!({})).judged(CHECK), "fail");
    assert_eq!(tale.wait(2_000).grant(200, &["T1"], json!({})).judged(CHECK), "pass");
    let background = Tale::default().grant(429, &[], wait());
    assert_eq!(background.clone().grant(200, &["T1"], json!({})).judged(CHECK), "fail", "no attempt is needed");
    assert_eq!(background.on("w2.1").grant(200, &["T1"], json!({})).judged(CHECK), "pass");
}

#[test]
fn a_reply_that_was_lost_asked_nothing() {
    let lost = json!({"retry_after_ms": 2_000, "delivered": false});
    let tale = Tale::default().start("a", "Ship", 1).api("POST /orders/1/ship", "T1", 429, Some("a"), lost);
    assert_eq!(tale.ship("T1", 201).judged(CHECK), "not_applicable");
}

#[test]
fn who_has_not_got_the_reply_yet_was_not_asked_to_wait() {
    let asked = Tale::default()
        .start("a", "Ship", 1)
        .api("GET /orders/1", "T1", 429, Some("a"), json!({"retry_after_ms": 2000, "silent": true}))
        .get("T1", 200);
    let reply_arrives = json!({"kind": "http.done", "call": 1, "delivered": true});
    let late = asked.clone().then(reply_arrives.clone());
    assert_eq!(late.judged("honours-retry-after"), "pass", "both were on their way");
    assert_eq!(late.get("T1", 200).judged("honours-retry-after"), "fail");
}
