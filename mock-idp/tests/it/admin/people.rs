//! Subjects, the tenant, consents and devices; changes that take effect late.

use mock_idp::{Client, Config, GrantType};
use serde_json::{Value, json};

use super::support::{Lab, config};

const GRANT: [(&str, &str); 1] = [("grant_type", "client_credentials")];

/// A refresh token for a subject.
async fn minted(lab: &Lab, subject: &str) -> String {
    let (status, minted) = lab.call("POST", "/clients/worker/refresh-tokens", Some(json!({"subject": subject}))).await;
    assert_eq!(status, 201, "{minted}");
    minted["refresh_token"].as_str().expect("a token").to_owned()
}

async fn refreshed(lab: &Lab, token: &str) -> (u16, Value) {
    lab.token("hush-worker", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

#[tokio::test]
async fn a_subject_is_turned_away_and_served_again() {
    let lab = Lab::new().await;
    let (alice, bob) = (minted(&lab, "alice").await, minted(&lab, "bob").await);
    let (status, shown) = lab.call("PUT", "/subjects/alice", Some(json!({"disabled": true}))).await;
    assert_eq!((status, shown), (200, json!({"subject": "alice", "disabled": true})));
    assert_eq!(lab.get("/subjects").await, json!([{"subject": "alice", "disabled": true}]));
    assert_eq!(lab.get("/state").await["disabled_subjects"], json!(["alice"]));
    let (status, refused) = refreshed(&lab, &alice).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    assert_eq!(refreshed(&lab, &bob).await.0, 200, "others are served");
    lab.call("PUT", "/subjects/alice", Some(json!({"disabled": false}))).await;
    assert_eq!(lab.get("/subjects").await, json!([]));
    assert_eq!(refreshed(&lab, &alice).await.0, 400, "what died stays dead");
    assert_eq!(refreshed(&lab, &minted(&lab, "alice").await).await.0, 200);
    let (status, _) = lab.call("PUT", "/subjects/alice", Some(json!({"disable": true}))).await;
    assert_eq!(status, 400);
    let told = lab.get("/events").await.to_string();
    assert!(
        told.contains("the subject alice was disabled") && told.contains("the subject alice was enabled"),
        "{told}"
    );
}

#[tokio::test]
async fn the_tenant_is_turned_away_and_served_again() {
    let lab = Lab::new().await;
    let token = lab.granted().await;
    assert_eq!(lab.call("PUT", "/tenant", Some(json!({"disabled": true}))).await, (200, json!({"disabled": true})));
    assert_eq!(lab.get("/tenant").await, json!({"disabled": true}));
    assert_eq!(lab.get("/state").await["tenant_disabled"], true);
    let (status, refused) = lab.token("hush-worker", &GRANT).await;
    assert_eq!((status, &refused["error"]), (400, &json!("unauthorized_client")));
    let (_, found) = lab.call("POST", "/tokens/find", Some(json!({"token": token}))).await;
    assert_eq!(found["state"], "live", "what was issued lives on");
    lab.call("PUT", "/tenant", Some(json!({"disabled": false}))).await;
    assert_eq!(lab.token("hush-worker", &GRANT).await.0, 200);
    let told = lab.get("/events").await.to_string();
    assert!(told.contains("the tenant was disabled") && told.contains("the tenant was enabled"), "{told}");
}

#[tokio::test]
async fn a_consent_is_taken_back_from_one_client_only() {
    let lab = Lab::new().await;
    let (alice, bob) = (minted(&lab, "alice").await, minted(&lab, "bob").await);
    assert_eq!(lab.call("DELETE", "/clients/worker/consents/alice", None).await.0, 204);
    assert_eq!(refreshed(&lab, &alice).await.0, 400);
    assert_eq!(refreshed(&lab, &bob).await.0, 200);
    assert_eq!(lab.call("DELETE", "/clients/nobody/consents/alice", None).await.0, 404);
    let told = lab.get("/events").await.to_string();
    assert!(told.contains("the consent of alice was withdrawn"), "{told}");
}

#[tokio::test]
async fn a_device_is_approved_or_denied() {
    let mut tv = Client::public("tv").scopes(["films"]);
    tv.grants = vec![GrantType::DeviceCode];
    let lab = Lab::with(Config { clients: vec![tv], ..config() }, None).await;
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    for (decision, body, wanted) in
        [("approve", Some(json!({"subject": "alice"})), json!(null)), ("deny", None, json!("access_denied"))]
    {
        let asked = lab.ask(mock_idp::Endpoint::DeviceAuthorization, &[("client_id", "tv")]).await;
        let (device_code, user_code) = (asked["device_code"].as_str(), asked["user_code"].as_str());
        let (device_code, user_code) = (device_code.expect("a code"), user_code.expect("a code"));
        let path = format!("/devices/{user_code}/{decision}");
        assert_eq!(lab.call("POST", &path, body.clone()).await.0, 204);
        let (status, problem) = lab.call("POST", &path, body.clone()).await;
        assert!(status == 404 && problem["detail"].as_str().is_some_and(|told| told.contains(user_code)), "{problem}");
        let form = [("grant_type", grant), ("device_code", device_code), ("client_id", "tv")];
        assert_eq!(lab.ask(mock_idp::Endpoint::Token, &form).await["error"], wanted, "{decision}");
    }
    let newest = lab.get("/tokens").await["tokens"].as_array().and_then(|all| all.last().cloned()).expect("one");
    assert_eq!(newest["subject"], "alice");
    assert_eq!(lab.call("POST", "/devices/AAAA/approve", Some(json!({"subject": ""}))).await.0, 400);
}

#[tokio::test]
async fn devices_that_wait_are_listed_until_somebody_decides_or_their_time_is_over() {
    let mut tv = Client::public("tv").scopes(["films", "news"]);
    tv.grants = vec![GrantType::DeviceCode];
    let lab = Lab::with(Config { clients: vec![tv], ..config() }, None).await;
    assert_eq!(lab.get("/devices").await, json!([]));
    let ask = async || {
        let asked = lab.ask(mock_idp::Endpoint::DeviceAuthorization, &[("client_id", "tv"), ("scope", "films")]).await;
        (
            asked["user_code"].as_str().expect("a code").to_owned(),
            asked["device_code"].as_str().expect("a code").to_owned(),
        )
    };
    let (first, device_code) = ask().await;
    lab.call("POST", "/clock/move", Some(json!({"by": "60s"}))).await;
    let second = ask().await.0;
    lab.call("POST", "/clock/move", Some(json!({"by": "1s"}))).await;
    let third = ask().await.0;
    let codes = |listed: &Value| -> Vec<String> {
        listed
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| one["user_code"].as_str().expect("a code").to_owned())
            .collect()
    };
    let listed = lab.get("/devices").await;
    assert_eq!(codes(&listed), [&*first, &*second, &*third], "the one that ends first comes first");
    let expires_at_ms = lab.idp.clock().now_ms() + 539_000;
    let left_ms = listed[0]["expires_at_ms"].as_i64().expect("a time") - expires_at_ms;
    assert!((-60_000..=0).contains(&left_ms), "{left_ms}");
    assert_eq!((&listed[0]["client"], &listed[0]["scopes"]), (&json!("tv"), &json!(["films"])));
    assert!(!listed.to_string().contains(&device_code), "what fetches the tokens stays the device's secret");
    lab.call("POST", &format!("/devices/{second}/approve"), Some(json!({"subject": "alice"}))).await;
    lab.call("POST", &format!("/devices/{third}/deny"), None).await;
    assert_eq!(codes(&lab.get("/devices").await), [first]);
    lab.call("POST", "/clock/move", Some(json!({"by": "540s"}))).await;
    assert_eq!(lab.get("/devices").await, json!([]), "its time is over, though it is still known");
}

#[tokio::test]
async fn changes_are_late_from_when_that_is_set() {
    let lab = Lab::new().await;
    let at_once = json!({"secret": "0s", "key": "0s", "revocation": "0s", "client": "0s", "consent": "0s"});
    assert_eq!(lab.get("/propagation").await, at_once);
    let (status, set) = lab.call("PUT", "/propagation", Some(json!({"secret": "1m30s"}))).await;
    assert_eq!((status, &set["secret"], &set["key"]), (200, &json!("1m30s"), &json!("0s")));
    assert_eq!(lab.get("/propagation").await, set);
    lab.call("POST", "/clients/worker/rotate-secret", Some(json!({"secret": "newer"}))).await;
    assert_eq!(lab.token("hush-worker", &GRANT).await.0, 200, "the old one is still right");
    lab.call("POST", "/clock/move", Some(json!({"by": "90s"}))).await;
    assert_eq!(lab.token("hush-worker", &GRANT).await.0, 401);
    assert_eq!(lab.token("newer", &GRANT).await.0, 200);
    let (status, problem) = lab.call("PUT", "/propagation", Some(json!({"secrt": "1s"}))).await;
    assert!(status == 400 && problem["detail"].as_str().is_some_and(|told| told.contains("`secret`")), "{problem}");
    lab.call("POST", "/reset", None).await;
    assert_eq!(lab.get("/propagation").await, at_once);
}

#[tokio::test]
async fn a_clients_proofs_and_claims_are_set_and_what_is_wrong_with_them_is_told() {
    let lab = Lab::new().await;
    let key = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]});
    let new = json!({"id": "signer", "methods": ["private_key_jwt"], "jwks": key, "claims": {"team": "a"},
        "dpop_bound_access_tokens": true});
    let (status, shown) = lab.call("POST", "/clients", Some(new)).await;
    assert_eq!(status, 201, "{shown}");
    assert_eq!((&shown["claims"], &shown["secrets"]), (&json!({"team": "a"}), &json!([])));
    assert_eq!(shown["dpop_bound_access_tokens"], true);
    let large = "x".repeat(64 * 1024);
    for (method, path, body, said) in [
        ("POST", "/clients", json!({"id": "b", "methods": ["private_key_jwt"]}), "give it `jwks` or `jwks_uri`"),
        ("POST", "/clients", json!({"id": "b", "secret": "s", "claims": {"a": large}}), "64 KiB"),
        ("PATCH", "/clients/worker", json!({"claims": {"a": large}}), "64 KiB"),
        ("PATCH", "/clients/worker", json!({"claims": {"sub": "a"}}), "the server's own"),
        ("PATCH", "/clients/worker", json!({"jwks_uri": "http://192.0.2.1/"}), "this machine only"),
    ] {
        let (status, problem) = lab.call(method, path, Some(body)).await;
        let detail = problem["detail"].as_str().expect("text");
        assert!(status == 400 && detail.contains(said), "{method} {path}: {detail}");
    }
    assert_eq!(lab.get("/clients/worker").await["claims"], json!({}), "nothing of it was taken");
    let change = json!({"claims": {"team": "b"}, "dpop_bound_access_tokens": true, "jwks": key});
    let (_, shown) = lab.call("PATCH", "/clients/worker", Some(change)).await;
    assert_eq!((&shown["claims"], &shown["dpop_bound_access_tokens"]), (&json!({"team": "b"}), &json!(true)));
    let (status, refused) = lab.token("hush-worker", &GRANT).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_dpop_proof")));
    lab.call("PATCH", "/clients/worker", Some(json!({"dpop_bound_access_tokens": false}))).await;
    let token = lab.granted().await;
    let form = [("client_id", "worker"), ("client_secret", "hush-worker"), ("token", token.as_str())];
    assert_eq!(lab.ask(mock_idp::Endpoint::Introspect, &form).await["team"], "b");
}
