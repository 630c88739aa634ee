//! Control and observation over HTTP.

mod complaints;
mod events;
mod guard;
mod keys;
mod openapi;
mod people;
mod requests;
mod rules;
mod support;

use serde_json::json;
use support::{Lab, config};

use mock_idp::{Config, Reuse, Rotation, TokenFormat};

#[tokio::test]
async fn a_client_can_be_added_changed_disabled_and_removed() {
    let lab = Lab::new().await;
    let new = json!({"id": "late", "secret": "hush-late", "scopes": ["x"], "methods": ["client_secret_post"]});
    let (status, shown) = lab.call("POST", "/clients", Some(new.clone())).await;
    assert_eq!((status, &shown["id"], &shown["methods"]), (201, &json!("late"), &json!(["client_secret_post"])));
    assert!(shown["secrets"][0].as_str().expect("text").starts_with("sha256:"), "{shown}");
    assert_eq!(lab.call("POST", "/clients", Some(new)).await.0, 409, "the first one stays");
    assert_eq!(lab.get("/clients").await.as_array().map(Vec::len), Some(2));

    lab.granted().await;
    let (status, shown) = lab.call("PATCH", "/clients/worker", Some(json!({"disabled": true}))).await;
    assert_eq!((status, &shown["disabled"]), (200, &json!(true)));
    assert_eq!(lab.token("hush-worker", &[("grant_type", "client_credentials")]).await.0, 401);
    assert_eq!(lab.get("/tokens").await["tokens"][0]["state"], "revoked", "what it held is dead");
    lab.call("PATCH", "/clients/worker", Some(json!({"disabled": false, "scopes": ["y", "z"]}))).await;
    let (_, body) = lab.token("hush-worker", &[("grant_type", "client_credentials")]).await;
    assert_eq!(body["scope"], "y z");

    assert_eq!(lab.call("DELETE", "/clients/worker", None).await.0, 204);
    assert_eq!(lab.token("hush-worker", &[("grant_type", "client_credentials")]).await.0, 401);
    assert!(lab.get("/tokens?state=live").await["tokens"].as_array().expect("a list").is_empty());
    for (method, path) in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/refresh-tokens")] {
        let body = Some(if path.is_empty() { json!({}) } else { json!({"subject": "alice"}) });
        let (status, problem) = lab.call(method, &format!("/clients/worker{path}"), body).await;
        assert_eq!((status, &problem["status"]), (404, &json!(404)), "{method} {path}");
    }
}

#[tokio::test]
async fn a_rotated_secret_counts_at_once_and_is_never_told() {
    let lab = Lab::new().await;
    let before = lab.get("/clients/worker").await["secrets"].clone();
    let (status, shown) = lab.call("POST", "/clients/worker/rotate-secret", Some(json!({"secret": "newer"}))).await;
    assert_eq!(status, 200);
    assert_ne!(shown["secrets"], before);
    assert_eq!(lab.token("hush-worker", &[("grant_type", "client_credentials")]).await.0, 401);
    assert_eq!(lab.token("newer", &[("grant_type", "client_credentials")]).await.0, 200);
    for path in ["/clients", "/requests", "/events", "/tokens", "/state"] {
        let text = lab.get(path).await.to_string();
        assert!(!text.contains("newer") && !text.contains("hush") && !text.contains("tlat_"), "{path}: {text}");
    }
}

#[tokio::test]
async fn tokens_are_listed_page_by_page_and_die_on_request() {
    let lab = Lab::new().await;
    let value = lab.granted().await;
    for _ in 0..4 {
        lab.granted().await;
    }
    let first = lab.get("/tokens?limit=2").await;
    assert_eq!((&first["tokens"][1]["name"], &first["next"]), (&json!("A2"), &json!(2)));
    let last = lab.get("/tokens?limit=2&after=3").await;
    assert_eq!((last["tokens"].as_array().map(Vec::len), last.get("next")), (Some(2), None));

    let (_, found) = lab.call("POST", "/tokens/find", Some(json!({"token": value}))).await;
    assert_eq!((&found["number"], &found["state"]), (&json!(1), &json!("live")));
    assert_eq!(lab.call("POST", "/tokens/find", Some(json!({"token": "tlat_bogus"}))).await.0, 404);
    let (_, expired) = lab.call("POST", "/tokens/1/expire", None).await;
    assert_eq!(expired["state"], "expired");
    let which = json!({"which": {"token": 2}, "reason": "a test"});
    assert_eq!(lab.call("POST", "/tokens/revoke", Some(which)).await.0, 204);
    assert_eq!(lab.get("/tokens/2").await["reason"], "a test");
    assert_eq!(lab.call("POST", "/tokens/revoke", Some(json!({"which": {"client": "worker"}}))).await.0, 204);
    assert!(lab.get("/tokens?state=live").await["tokens"].as_array().expect("a list").is_empty());
    for number in ["0", "99", "18446744073709551615"] {
        assert_eq!(lab.call("POST", &format!("/tokens/{number}/expire"), None).await.0, 404);
        let which = json!({"which": {"token": number.parse::<u64>().expect("a number")}});
        assert_eq!(lab.call("POST", "/tokens/revoke", Some(which)).await.0, 404);
    }
}

#[tokio::test]
async fn a_minted_refresh_token_can_be_redeemed() {
    let rotation = Rotation::On { reuse: Reuse::RevokeFamily, grace: std::time::Duration::ZERO };
    let lab = Lab::with(Config { rotation, ..config() }, None).await;
    let (status, minted) = lab.call("POST", "/clients/worker/refresh-tokens", Some(json!({"subject": "alice"}))).await;
    assert_eq!((status, &minted["token"]["subject"]), (201, &json!("alice")));
    let token = minted["refresh_token"].as_str().expect("a token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    assert_eq!(lab.token("hush-worker", &form).await.0, 200);
    assert_eq!(lab.token("hush-worker", &form).await.0, 400);
    let events = lab.get("/events").await;
    let reason = events.as_array().expect("a list").last().expect("one")["reason"].as_str().expect("text").to_owned();
    let wanted =
        "refused (refresh_token_reused): token R1 of client worker: the refresh token was redeemed at request 1";
    assert!(reason.starts_with(wanted), "{reason}");
}

#[tokio::test]
async fn keys_rotate_and_leave() {
    let config = Config { format: TokenFormat::Jwt(mock_idp::Algorithm::Es256), ..config() };
    let lab = Lab::with(config, None).await;
    let (_, two) = lab.call("POST", "/keys/rotate", None).await;
    let keys = two["keys"].as_array().expect("a list").clone();
    assert_eq!(keys.len(), 2, "they overlap");
    let old = keys[0].as_str().expect("a kid");
    assert_eq!(lab.call("DELETE", &format!("/keys/{old}"), None).await.0, 204);
    assert_eq!(lab.call("DELETE", &format!("/keys/{old}"), None).await.0, 404);
    assert_eq!(lab.call("DELETE", &format!("/keys/{}", keys[1].as_str().expect("a kid")), None).await.0, 409);
    let (_, one) = lab.call("POST", "/keys/rotate", Some(json!({"overlap": false}))).await;
    assert_eq!(one["keys"].as_array().map(Vec::len), Some(1));
    let opaque = Lab::new().await;
    assert_eq!(opaque.call("POST", "/keys/rotate", None).await.0, 409);
}

#[tokio::test]
async fn the_clock_is_moved_and_drifts() {
    let lab = Lab::new().await;
    lab.granted().await;
    let (_, clock) = lab.call("POST", "/clock/move", Some(json!({"by": "5m"}))).await;
    assert_eq!(clock["offset_ms"], 300_000);
    assert_eq!(lab.get("/tokens/1").await["state"], "expired");
    let (_, clock) = lab.call("PUT", "/clock/drift", Some(json!({"ms_per_second": 250}))).await;
    assert_eq!(clock["drift_ms_per_s"], 250);
    let (status, problem) = lab.call("POST", "/clock/move", Some(json!({"by": "5 min"}))).await;
    assert_eq!(status, 400);
    assert!(problem["detail"].as_str().expect("text").contains("body:1:"), "{problem}");
}

#[tokio::test]
async fn the_lifetime_can_change_and_be_a_lie() {
    let lab = Lab::new().await;
    let set = json!({"lifetime": "1m", "stated": "1h"});
    assert_eq!(lab.call("PUT", "/tokens/lifetime", Some(set)).await.0, 204);
    let (_, body) = lab.token("hush-worker", &[("grant_type", "client_credentials")]).await;
    assert_eq!(body["expires_in"], 3600);
    let token = lab.get("/tokens/1").await;
    let ms = |name: &str| token[name].as_i64().expect("a time");
    assert!(ms("expires_at_ms") - ms("issued_at_ms") <= 60_000);
}

#[tokio::test]
async fn a_snapshot_brings_everything_back_and_a_reset_begins_again() {
    let lab = Lab::new().await;
    let kept = lab.granted().await;
    let (status, snapshot) = lab.call("POST", "/snapshots", None).await;
    assert_eq!((status, &snapshot["number"]), (201, &json!(1)));

    lab.call("POST", "/tokens/revoke", Some(json!({"which": {"client": "worker"}}))).await;
    lab.call("DELETE", "/clients/worker", None).await;
    lab.call("PUT", "/clock/drift", Some(json!({"ms_per_second": 5}))).await;
    assert_eq!(lab.call("POST", "/snapshots/1/restore", None).await.0, 204);
    let (_, found) = lab.call("POST", "/tokens/find", Some(json!({"token": kept}))).await;
    assert_eq!(found["state"], "live");
    assert_eq!(lab.get("/clock").await["drift_ms_per_s"], 0);
    let later = lab.granted().await;

    assert_eq!(lab.call("POST", "/reset", None).await.0, 204);
    for gone in [kept.as_str(), later.as_str()] {
        assert_eq!(lab.call("POST", "/tokens/find", Some(json!({"token": gone}))).await.0, 404);
    }
    assert_eq!(lab.get("/state").await["counters"], json!([]));
    let fresh = lab.granted().await;
    assert!(fresh != kept && fresh != later, "without a seed no value comes twice");
    assert_eq!(lab.call("DELETE", "/snapshots/1", None).await.0, 204);
    assert_eq!(lab.call("POST", "/snapshots/1/restore", None).await.0, 404);
}

#[tokio::test]
async fn with_a_seed_a_reset_brings_the_same_values() {
    let lab = Lab::with(Config { seed: Some(7), ..config() }, None).await;
    let before = lab.granted().await;
    lab.call("POST", "/reset", None).await;
    assert_eq!(lab.granted().await, before);
}

#[tokio::test]
async fn a_wrong_body_is_told_with_its_place_and_the_nearest_word() {
    let lab = Lab::new().await;
    let wrong = json!({"id": "c", "secret": "s", "scops": []});
    let (status, problem) = lab.call("POST", "/clients", Some(wrong)).await;
    let detail = problem["detail"].as_str().expect("text");
    assert!(status == 400 && detail.contains("body:1:") && detail.contains("did you mean `scopes`?"), "{detail}");
    for (path, body, status) in [
        ("/clients", "id: c\nsecret: s\n", 400),
        ("/clients", "{", 400),
        ("/clients", r#"{"id": "", "secret": "s"}"#, 400),
        ("/clients", r#"{"id": "c", "secret": ""}"#, 400),
        ("/clients", r#"{"id": "c\n", "secret": "s"}"#, 400),
        ("/clients", r#"{"id": "c", "secret": "s\n"}"#, 400),
        ("/clients", r#"{"id": "c", "secret": "s", "scopes": ["a b"]}"#, 400),
        ("/clients/worker/rotate-secret", r#"{"secret": "s\n"}"#, 400),
        ("/clock/move", "", 400),
        ("/nothing", "{}", 404),
    ] {
        let request = lab.request("POST", path).header("content-type", "application/json").body(body);
        assert_eq!(request.send().await.expect("an answer").status().as_u16(), status, "{path} {body}");
    }
    for (scopes, status) in [(json!(["a b"]), 400), (json!(["a"]), 200)] {
        assert_eq!(lab.call("PATCH", "/clients/worker", Some(json!({"scopes": scopes}))).await.0, status, "{scopes}");
    }
    let untyped = lab.request("POST", "/clients").body("{}").send().await.expect("an answer");
    assert_eq!(untyped.status().as_u16(), 415);
    let large = format!("{{\"id\": \"{}\"}}", "x".repeat(300_000));
    let large = lab.request("POST", "/clients").header("content-type", "application/json").body(large);
    assert_eq!(large.send().await.expect("an answer").status().as_u16(), 413);
    assert_eq!(lab.call("PUT", "/clients", None).await.0, 405);
    assert_eq!(lab.call("GET", "/requests?endpont=token", None).await.0, 400, "a slip does not count everything");
}

#[tokio::test]
async fn the_page_shows_state_and_nothing_that_was_sent_is_markup() {
    let lab = Lab::new().await;
    lab.granted().await;
    lab.token("x", &[("grant_type", "<script>alert(1)</script>")]).await;
    let response = lab.request("GET", "").send().await.expect("an answer");
    let policy = response.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = response.text().await.expect("text");
    assert!(page.contains("A1") && page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
    assert!(!page.contains("hush") && !page.contains("tlat_"), "{page}");
}
