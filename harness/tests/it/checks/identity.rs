//! `right-identity`.

use serde_json::{Value, json};

use tokenlapse::check::Judgement;

use super::support::{Tale, recovery};

const CHECK: &str = "right-identity";
const BOTH: &str = "orders.read orders.write";

fn with_token(extra: Value) -> Tale {
    Tale::default().start("a", "Ship", 1).grant(200, &["T1"], extra)
}

#[test]
fn a_token_of_another_client_or_subject_is_found() {
    assert_eq!(with_token(json!({"scope": BOTH})).ship("T1", 201).judged(CHECK), "pass");
    let (what, events) = with_token(json!({"client": "other", "sub": "other"})).found(CHECK);
    assert_eq!((what.as_str(), events), ("w1.1 asked for a token as client other", vec![4]));
    let (what, _) = with_token(json!({"sub": "user-9"})).ship("T1", 201).found(CHECK);
    assert!(what.contains("token T1 of client worker for user-9"), "{what}");
    let user = |sub: &str| with_token(json!({"sub": sub})).with_refresh_tokens().ship("T1", 201).judged(CHECK);
    assert_eq!((user("user-1"), user("worker")), ("pass", "fail"), "not as itself, where there is a user");
}

#[test]
fn without_an_id_in_the_file_it_is_the_one_that_the_lab_gives() {
    let tale = |extra| with_token(extra).ship("T1", 201).target("id: worker, ", "");
    assert_eq!(tale(json!({"scope": BOTH})).judged(CHECK), "pass");
    let (what, _) = tale(json!({"client": "w7", "sub": "w7"})).found(CHECK);
    assert_eq!(what, "w1.1 asked for a token as client w7");
}

#[test]
fn scopes_are_what_the_activity_needs() {
    let lost = with_token(json!({"scope": "orders.read"}));
    let (what, _) = lost.clone().ship("T1", 403).found(CHECK);
    assert_eq!(what, "Ship used token T1, which was asked for without orders.write");
    let reads = Tale::default().start("a", "Fetch", 1).grant(200, &["T1"], json!({"scope": "orders.read"}));
    assert_eq!(reads.get("T1", 200).judged(CHECK), "pass", "it needs no more");
    let wide = with_token(json!({"scope": "orders.read orders.write admin"})).ship("T1", 201);
    assert!(wide.found(CHECK).0.contains("token T1 allows admin, which no activity needs"));
    let Judgement::Fail(findings) = wide.ship("T1", 201).verdict(CHECK).judgement else { panic!("it allows too much") };
    assert_eq!(findings.len(), 1, "however often it is used");
    let beyond = Tale::default().start("a", "Fetch", 1).grant(200, &["T1"], json!({"scope": BOTH})).ship("T1", 201);
    assert!(beyond.found(CHECK).0.contains("Fetch called POST /orders/1/ship, which needs orders.write"));
    let silent = lost.target("activities: { Fetch: [orders.read], Ship: [orders.write] }", "activities: {}");
    assert_eq!(silent.ship("T1", 403).judged(CHECK), "pass", "the target does not say what it needs");
}

#[test]
fn what_was_asked_for_and_not_given_is_not_the_workers_fault() {
    let tale = Tale::default().start("a", "Ship", 1).then(json!({
        "kind": "idp.token", "token": "T1", "token_kind": "access", "change": "issued", "client": "worker",
        "sub": "worker", "scopes": ["orders.read"],
    }));
    assert_eq!(tale.ship("T1", 403).judged(CHECK), "pass");
}

#[test]
fn an_attempt_that_is_not_known_fails_only_if_each_would() {
    let both = |first: &str, second: &str| {
        let tale = Tale::default().grant(200, &["T1"], json!({"scope": "orders.read"}));
        let tale = tale.start("a", first, 1).start("b", second, 1);
        tale.api("GET /orders/1", "T1", 200, None, json!({})).judged(CHECK)
    };
    assert_eq!(both("Fetch", "Fetch"), "pass");
    assert_eq!(both("Fetch", "Ship"), "inconclusive");
    assert_eq!(both("Ship", "Ship"), "fail");
    assert_eq!(recovery().judged(CHECK), "pass");
}
