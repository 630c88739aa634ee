//! `no-refused-reuse`.

use serde_json::json;

use super::support::{Tale, recovery};

const CHECK: &str = "no-refused-reuse";

/// Attempt 1 is refused with T1 and fails; attempt 2 is delivered.
fn refused() -> Tale {
    Tale::default().start("a", "Ship", 1).ship("T1", 401).fail("a", "Ship", 1, "TokenExpired").start("a", "Ship", 2)
}

#[test]
fn a_refused_token_that_is_sent_again_is_found_with_its_evidence() {
    let (what, events) = refused().ship("T1", 401).found(CHECK);
    assert_eq!(events, [4, 6, 8], "refusal, failure report, second use");
    assert!(what.contains("attempt 2 of Ship sent token T1 again"), "{what}");
    assert_eq!(refused().ship("T1", 401).verdict(CHECK).attribution.name(), "attempt");
}

#[test]
fn another_token_is_what_is_expected() {
    assert_eq!(refused().grant(200, &["T2"], json!({})).ship("T2", 200).judged(CHECK), "pass");
    assert_eq!(recovery().judged(CHECK), "pass");
}

#[test]
fn an_attempt_that_was_in_flight_may_hold_the_old_token() {
    let other = |tale: Tale, workflow| tale.api("POST /orders/2/ship", "T1", 401, workflow, json!({}));
    let tale = Tale::default().start("a", "Ship", 1).start("b", "Ship", 1).ship("T1", 401);
    let tale = other(tale.fail("a", "Ship", 1, "TokenExpired"), Some("b"));
    assert_eq!(tale.judged(CHECK), "pass");
    let tale = other(tale.fail("b", "Ship", 1, "TokenExpired").start("b", "Ship", 2), None);
    assert_eq!(tale.judged(CHECK), "fail", "by its retry it is known");
}

#[test]
fn a_token_request_shows_that_the_refusal_was_processed_if_that_had_arrived() {
    let tale = Tale::default().start("a", "Ship", 1).ship("T1", 401).grant(503, &[], json!({}));
    assert_eq!(tale.clone().ship("T1", 401).judged(CHECK), "pass", "in flight");
    let later = |tale: Tale| tale.start("b", "Ship", 1).api("POST /orders/2/ship", "T1", 401, Some("b"), json!({}));
    assert_eq!(later(tale).judged(CHECK), "fail");

    // The reply with the refusal is still on its way while the instance asks for a token for another reason.
    let refusal = json!({"silent": true});
    let tale = Tale::default().start("a", "Ship", 1).api("POST /orders/1/ship", "T1", 401, Some("a"), refusal);
    let tale = tale.grant(503, &[], json!({})).then(json!({"kind": "http.done", "call": 1, "delivered": true}));
    assert_eq!(later(tale).judged(CHECK), "pass");
}

#[test]
fn a_refusal_is_known_when_all_have_reported_that_it_may_have_met() {
    let met = Tale::default().start("a", "Ship", 1).start("b", "Ship", 1);
    let met = met.api("POST /orders/1/ship", "T1", 401, None, json!({})).fail("a", "Ship", 1, "TokenExpired");
    let again = |tale: Tale| {
        tale.start("a", "Ship", 2).api("POST /orders/1/ship", "T1", 401, Some("a"), json!({})).judged(CHECK)
    };
    assert_eq!(again(met.clone()), "pass", "it may have been the other one's");
    assert_eq!(again(met.fail("b", "Ship", 1, "TokenExpired")), "fail");
}

#[test]
fn a_refusal_whose_reply_was_lost_is_not_known() {
    let lost = json!({"delivered": false});
    let tale = Tale::default().start("a", "Ship", 1).api("POST /orders/1/ship", "T1", 401, Some("a"), lost);
    let tale = tale.fail("a", "Ship", 1, "ApiUnavailable").start("a", "Ship", 2).ship("T1", 401);
    assert_eq!(tale.judged(CHECK), "pass");
}

#[test]
fn what_cannot_be_attributed_is_not_decided() {
    // One attempt was in flight, one is later, and the request names neither.
    let tale = Tale::default()
        .start("a", "Ship", 1)
        .start("b", "Ship", 1)
        .ship("T1", 401)
        .fail("a", "Ship", 1, "TokenExpired")
        .start("a", "Ship", 2)
        .api("POST /orders/1/ship", "T1", 401, None, json!({}));
    assert_eq!(tale.judged(CHECK), "inconclusive");
    assert_eq!(tale.verdict(CHECK).attribution.name(), "set");
}

#[test]
fn other_instances_do_not_know_of_a_refusal() {
    let tale = Tale::default().start("a", "Ship", 1).ship("T1", 401).fail("a", "Ship", 1, "TokenExpired");
    assert_eq!(tale.on("w2.1").start("a", "Ship", 2).ship("T1", 401).judged(CHECK), "pass");
}
