//! Recorded requests: filters, counts, waiting.

use mock_idp::{Config, Rule};
use serde_json::{Value, json};
use std::time::Duration;

use super::support::{Lab, config};

fn numbers(requests: &Value) -> Vec<u64> {
    let requests = requests["requests"].as_array().expect("a list");
    requests.iter().filter_map(|request| request["number"].as_u64()).collect()
}

#[tokio::test]
async fn requests_are_recorded_with_their_outcome_and_without_secrets() {
    let lab = Lab::new().await;
    lab.granted().await;
    lab.token("wrong", &[("grant_type", "client_credentials"), ("scope", "a b"), ("own", "private")]).await;
    let all = lab.get("/requests").await;
    let [granted, refused] = all["requests"].as_array().expect("a list").as_slice() else { panic!("{all}") };
    assert_eq!((&granted["status"], &granted["issued"], &granted["stage"]), (&json!(200), &json!([1]), &json!("done")));
    assert_eq!(
        [&refused["status"], &refused["error"], &refused["cause"], &refused["client"], &refused["grant"]],
        [&json!(401), &json!("invalid_client"), &json!("wrong_secret"), &json!("worker"), &json!("client_credentials")]
    );
    let sent = refused["parameters"].to_string();
    assert!(sent.contains(r#"["scope","a b"]"#) && sent.contains(r#"["own","sha256:"#), "{sent}");
    let headers = refused["headers"].to_string();
    assert!(headers.contains(r#"["authorization","Basic sha256:"#), "{headers}");

    for (query, wanted) in [
        ("status=401", vec![2]),
        ("endpoint=token", vec![1, 2]),
        ("endpoint=jwks", vec![]),
        ("client=worker&after=1", vec![2]),
        ("error=invalid_client", vec![2]),
        ("grant=refresh_token", vec![]),
        ("stage=done", vec![1, 2]),
    ] {
        assert_eq!(numbers(&lab.get(&format!("/requests?{query}")).await), wanted, "{query}");
        let count = lab.get(&format!("/requests/count?{query}")).await;
        assert_eq!(count, json!({"count": wanted.len(), "forgotten": 0}), "{query}");
    }
    let counters =
        json!([{"endpoint": "token", "status": 200, "count": 1}, {"endpoint": "token", "status": 401, "count": 1}]);
    assert_eq!(lab.get("/state").await["counters"], counters);
    assert_eq!(lab.call("DELETE", "/requests", None).await.0, 204);
    assert!(numbers(&lab.get("/requests").await).is_empty());
}

#[tokio::test]
async fn only_the_newest_are_kept_and_the_rest_is_counted() {
    let lab = Lab::with(Config { records: 3, ..config() }, None).await;
    for _ in 0..5 {
        lab.granted().await;
    }
    let kept = lab.get("/requests").await;
    assert_eq!((numbers(&kept), &kept["forgotten"]), (vec![3, 4, 5], &json!(2)));
    assert_eq!(lab.get("/state").await["counters"][0]["count"], 5, "counters forget nothing");
    assert_eq!(lab.get("/events").await.as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn nothing_is_kept_if_nothing_shall_be() {
    let lab = Lab::with(Config { records: 0, ..config() }, None).await;
    lab.granted().await;
    assert!(numbers(&lab.get("/requests").await).is_empty());
    assert_eq!(lab.get("/events").await, json!([]));
}

#[tokio::test]
async fn the_nth_request_is_waited_for_even_while_its_reply_is_held() {
    let lab = Lab::new().await;
    lab.idp.rules().add(Rule::on(mock_idp::Endpoint::Token).delay(Duration::from_secs(3600)).times(1));
    let held = lab.token("hush-worker", &[("grant_type", "client_credentials")]);
    tokio::select! {
        _ = held => panic!("its reply is held for an hour"),
        found = lab.get("/requests/wait?endpoint=token&nth=1&timeout_ms=60000") => {
            assert_eq!((&found["number"], &found["delivered"]), (&json!(1), &json!(null)));
        }
    }
    // The client above is gone with its request.
    let lost = lab.get("/requests/wait?stage=done&timeout_ms=60000").await;
    assert_eq!((&lost["number"], &lost["delivered"]), (&json!(1), &json!(false)));
    let (second, _) =
        tokio::join!(lab.get("/requests/wait?nth=2&after=1&status=200&stage=answered&timeout_ms=60000"), async {
            lab.granted().await;
            lab.granted().await
        });
    assert_eq!(second["number"], 3);
}

#[tokio::test]
async fn waiting_ends_and_says_how_many_came() {
    let lab = Lab::new().await;
    lab.granted().await;
    let (status, problem) = lab.call("GET", "/requests/wait?nth=3&timeout_ms=0", None).await;
    assert_eq!(status, 404);
    assert!(problem["detail"].as_str().expect("text").contains("1 of 3 requests came"), "{problem}");
    for query in ["nth=0", "timeout_ms=60001", "nth=x", "endpont=token", "status=900000"] {
        assert_eq!(lab.call("GET", &format!("/requests/wait?{query}"), None).await.0, 400, "{query}");
    }
    for (query, said) in [
        ("timeout=5", "unknown parameter `timeout` (did you mean `timeout_ms`?)"),
        ("endpont=token&nth=1", "unknown parameter `endpont` (did you mean `endpoint`?)"),
        ("xyzxyzxyz=1", "`nth`, `timeout_ms`"),
        ("timeout_ms=60001", "`timeout_ms` 60000 at most"),
    ] {
        let (_, problem) = lab.call("GET", &format!("/requests/wait?{query}"), None).await;
        assert!(problem["detail"].as_str().is_some_and(|told| told.contains(said)), "{query}: {problem}");
    }
}
