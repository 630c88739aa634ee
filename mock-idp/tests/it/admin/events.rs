//! The audit log, and following it.

use mock_idp::Config;
use serde_json::{Value, json};

use super::support::{Lab, config};

/// Follows the log until it has so many events, as names, ids and data.
async fn follow(lab: &Lab, last: Option<&str>, wanted: usize) -> Vec<(String, String, Value)> {
    let mut request = lab.request("GET", "/events/stream");
    if let Some(last) = last {
        request = request.header("Last-Event-ID", last);
    }
    let mut response = request.send().await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while text.matches("\n\n").count() < wanted {
        let chunk = response.chunk().await.expect("it goes on").expect("it has no end");
        text.push_str(std::str::from_utf8(&chunk).expect("text"));
    }
    let field = |event: &str, name: &str| {
        let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_default().to_owned()
    };
    let events = text.split("\n\n").take(wanted);
    events
        .map(|event| {
            let data = serde_json::from_str(&field(event, "data")).expect("JSON");
            (field(event, "event"), field(event, "id"), data)
        })
        .collect()
}

#[tokio::test]
async fn every_decision_and_change_is_told_with_a_reason() {
    let lab = Lab::new().await;
    lab.granted().await;
    lab.token("wrong", &[("grant_type", "client_credentials")]).await;
    lab.call("POST", "/tokens/revoke", Some(json!({"which": {"token": 1}, "reason": "a test"}))).await;
    lab.call("PATCH", "/clients/worker", Some(json!({"disabled": true}))).await;
    let log = lab.get("/events").await;
    let told: Vec<String> = log
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| format!("{} {} {}: {}", it["number"], it["kind"], it["request"], it["reason"]).replace('"', ""))
        .collect();
    assert_eq!(
        told,
        [
            "1 token.issued 1: issued for worker with scope `orders.read`",
            "2 request.decided 1: answered with 200",
            "3 request.decided 2: refused (wrong_secret): client authentication failed",
            "4 token.revoked null: revoked: a test",
            "5 control null: the client was changed",
            "6 control null: the client was disabled",
        ]
    );
    assert_eq!(lab.get("/events?after=5").await.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn whoever_follows_gets_what_was_and_what_comes_and_can_come_back() {
    let lab = Lab::new().await;
    lab.granted().await;
    let (events, ()) = tokio::join!(follow(&lab, None, 4), async {
        lab.granted().await;
    });
    let names: Vec<_> = events.iter().map(|(name, id, _)| format!("{name} {id}")).collect();
    assert_eq!(names, ["token.issued 1", "request.decided 2", "token.issued 3", "request.decided 4"]);
    assert_eq!(events[2].2["token"], "A2");
    let resumed = follow(&lab, Some("3"), 1).await;
    assert_eq!((resumed[0].1.as_str(), &resumed[0].2["number"]), ("4", &json!(4)));
    let restarted = follow(&lab, Some("400"), 1).await;
    assert_eq!(restarted[0].1, "1", "a number from before a restart begins again");
    let wrong = lab.request("GET", "/events/stream").header("Last-Event-ID", "x").send().await.expect("an answer");
    assert_eq!(wrong.status().as_u16(), 400);
}

#[tokio::test]
async fn whoever_was_away_too_long_is_told_what_is_missing() {
    let lab = Lab::with(Config { records: 2, ..config() }, None).await;
    for _ in 0..3 {
        lab.granted().await;
    }
    let events = follow(&lab, Some("1"), 3).await;
    assert_eq!((events[0].0.as_str(), &events[0].2), ("gap", &json!(3)));
    assert_eq!((events[1].1.as_str(), events[2].1.as_str()), ("5", "6"));
}
