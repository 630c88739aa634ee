//! Rules of misbehaviour over HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::Lab;

const GRANT: [(&str, &str); 1] = [("grant_type", "client_credentials")];

fn unavailable() -> Value {
    json!({"when": {"endpoint": "token"}, "instead": {"answer": {"status": 503, "body": "{}"}}, "times": 2})
}

#[tokio::test]
async fn a_rule_acts_is_listed_with_what_it_did_and_heals() {
    let lab = Lab::new().await;
    let (status, added) = lab.call("POST", "/rules", Some(unavailable())).await;
    assert_eq!((status, &added["id"], &added["acted"]), (201, &json!(1), &json!(0)));
    assert_eq!(lab.token("hush-worker", &GRANT).await.0, 503);
    assert_eq!(lab.get("/rules").await[0]["acted"], 1);
    assert_eq!(lab.get("/state").await["rules"], 1);
    assert_eq!(lab.call("DELETE", "/rules/1", None).await.0, 204);
    assert_eq!(lab.token("hush-worker", &GRANT).await.0, 200);
    assert_eq!(lab.call("DELETE", "/rules/1", None).await.0, 404);
    lab.call("POST", "/rules", Some(unavailable())).await;
    assert_eq!(lab.call("DELETE", "/rules", None).await.0, 204);
    assert_eq!(lab.get("/rules").await, json!([]));
    let told = lab.get("/events").await.to_string();
    for reason in ["rule 1 was added", "rule 1 was removed", "all rules were removed", "answered by a fault"] {
        assert!(told.contains(reason), "{reason}: {told}");
    }
}

#[tokio::test]
async fn a_rule_that_is_used_up_stays_in_sight() {
    let lab = Lab::new().await;
    lab.call("POST", "/rules", Some(unavailable())).await;
    assert_eq!(lab.get("/rules").await[0]["left"], 2);
    lab.call("POST", "/rules", Some(json!({"when": {"endpoint": "jwks"}, "instead": "drop"}))).await;
    for _ in 0..2 {
        assert_eq!(lab.token("hush-worker", &GRANT).await.0, 503);
    }
    assert_eq!(lab.token("hush-worker", &GRANT).await.0, 200);
    let rules = lab.get("/rules").await;
    let short = |rule: &Value| (rule["id"].clone(), rule["acted"].clone(), rule["left"].clone());
    let shown: Vec<_> = rules.as_array().expect("a list").iter().map(short).collect();
    assert_eq!(shown, [(json!(1), json!(2), json!(0)), (json!(2), json!(0), Value::Null)]);
    assert_eq!(lab.get("/state").await["rules"], 1, "so many hold");
    lab.call("POST", "/rules", Some(json!({"lasting": "1m", "delay": {"fixed": "0s"}}))).await;
    lab.call("POST", "/clock/move", Some(json!({"by": "1m"}))).await;
    assert_eq!(lab.get("/rules").await[2]["left"], 0, "its period is over");
    lab.call("POST", "/rules", Some(json!({"when": {"turn": {"nth": 3}}, "instead": "drop"}))).await;
    assert_eq!(lab.get("/rules").await[3]["left"], 1, "there is one third request");
    assert_eq!(lab.call("POST", "/rules", Some(json!({"times": 0}))).await.0, 409);
    assert_eq!(lab.get("/rules").await.as_array().map(Vec::len), Some(4), "it was none");
    assert_eq!(lab.call("DELETE", "/rules/1", None).await.0, 204);
    assert_eq!(lab.call("DELETE", "/rules/1", None).await.0, 404);
    assert_eq!(lab.get("/rules").await[0]["id"], 2);
    lab.call("POST", "/reset", None).await;
    assert_eq!(lab.get("/rules").await, json!([]));
}

#[tokio::test]
async fn so_many_rules_that_are_used_up_are_remembered() {
    let lab = Lab::new().await;
    let rule = json!({"when": {"endpoint": "token"}, "times": 1});
    for _ in 0..102 {
        lab.call("POST", "/rules", Some(rule.clone())).await;
    }
    lab.granted().await;
    let rules = lab.get("/rules").await;
    assert_eq!((rules.as_array().map(Vec::len), &rules[0]["id"]), (Some(100), &json!(3)));
}

#[tokio::test]
async fn a_wrong_rule_is_told_with_the_nearest_word() {
    let lab = Lab::new().await;
    for (rule, said) in [
        (json!({"wen": {}}), "did you mean `when`?"),
        (json!({"when": {"endpoint": "tokn"}}), "did you mean `token`?"),
        (json!({"instead": {"anser": {}}}), "did you mean `answer`?"),
        (json!({"instead": {"answer": {"status": 99}}}), "`99` is no status of an answer (a number from 200 to 599"),
        (json!({"change": [{"status": 1000}]}), "`1000` is no status of an answer (a number from 200 to 599"),
        (json!({"change": [{"set_headers": {"X Y": "z"}}]}), "\"X Y\" is no name of a header field (letters, digits"),
        (json!({"change": [{"set_headers": {"X": "a\nb"}}]}), "no header field can say \"a\\nb\" (one line without"),
    ] {
        let (status, problem) = lab.call("POST", "/rules", Some(rule)).await;
        let detail = problem["detail"].as_str().expect("text");
        assert!(status == 400 && detail.contains(said) && detail.contains("body:1:"), "{detail}");
    }
    assert_eq!(lab.call("POST", "/rules", Some(json!({"times": 0}))).await.0, 409, "it could never act");
}

#[tokio::test]
async fn rules_are_part_of_a_snapshot_with_what_they_have_counted() {
    let lab = Lab::new().await;
    lab.call("POST", "/rules", Some(unavailable())).await;
    assert_eq!(lab.token("hush-worker", &GRANT).await.0, 503);
    lab.call("POST", "/snapshots", None).await;
    assert_eq!(lab.token("hush-worker", &GRANT).await.0, 503);
    assert_eq!(lab.token("hush-worker", &GRANT).await.0, 200, "it was for two");
    lab.call("POST", "/snapshots/1/restore", None).await;
    assert_eq!(lab.token("hush-worker", &GRANT).await.0, 503, "one was left then");
    assert_eq!(lab.token("hush-worker", &GRANT).await.0, 200);
    lab.call("POST", "/snapshots/1/restore", None).await;
    lab.call("POST", "/reset", None).await;
    assert_eq!(lab.token("hush-worker", &GRANT).await.0, 200, "there was no rule at the start");
}

#[tokio::test]
async fn a_reset_releases_what_a_rule_holds() {
    let lab = Lab::new().await;
    let rule = json!({"when": {"endpoint": "token"}, "deliver": "hang"});
    assert_eq!(lab.call("POST", "/rules", Some(rule)).await.0, 201);
    let both = async {
        tokio::join!(lab.token("hush-worker", &GRANT), async {
            lab.get("/requests/wait?stage=answered&timeout_ms=60000").await;
            assert_eq!(lab.call("POST", "/reset", None).await.0, 204);
        })
    };
    // A rule that is not released holds for ever; the test does not.
    let (granted, ()) = tokio::time::timeout(Duration::from_secs(60), both).await.expect("it is released");
    assert_eq!(granted.0, 200);
}
