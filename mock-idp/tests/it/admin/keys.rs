//! Keys over HTTP.

use mock_idp::{Algorithm, Config, Endpoint, KeySettings, TokenFormat};
use serde_json::{Value, json};

use super::support::{Lab, config};

fn view(keys: &[&str], signing: Option<&str>, id_tokens: &str) -> (u16, Value) {
    (200, json!({"keys": keys, "signing": signing, "id_tokens": id_tokens}))
}

#[tokio::test]
async fn keys_are_added_chosen_and_replaced() {
    let keys = KeySettings { id_tokens: Some(Algorithm::EdDsa), ..KeySettings::default() };
    let lab = Lab::with(Config { format: TokenFormat::Jwt(Algorithm::Es256), keys, ..config() }, None).await;
    let id = "eddsa-1";
    assert_eq!(lab.call("GET", "/keys", None).await, view(&["es256-1", id], Some("es256-1"), id));
    let two = ["es256-1", "es256-2", id];
    assert_eq!(lab.call("POST", "/keys", None).await, view(&two, Some("es256-1"), id));
    assert_eq!(lab.call("POST", "/keys/es256-2/sign", None).await, view(&two, Some("es256-2"), id));
    assert_eq!(lab.call("POST", "/keys/eddsa-1/sign", None).await.0, 409, "it is for ID tokens alone");
    assert_eq!(lab.call("POST", "/keys/es256-9/sign", None).await.0, 404);
    assert_eq!(lab.call("POST", "/keys/es256-2/replace", None).await, view(&two, Some("es256-2"), id));
    assert_eq!(lab.call("POST", "/keys/es256-9/replace", None).await.0, 404);
    assert_eq!(lab.call("DELETE", "/keys/eddsa-1", None).await.0, 409);
    let events = lab.get("/events").await;
    let newest = events.as_array().and_then(|events| events.last()).expect("one");
    let reason = "es256-2 is another key from now on: by it nothing verifies that the old one signed";
    assert_eq!((&newest["kind"], &newest["reason"]), (&json!("key"), &json!(reason)));

    let opaque = Lab::new().await;
    assert_eq!(opaque.call("POST", "/keys/es256-1/replace", None).await, view(&["es256-1"], None, "es256-1"));
}

#[tokio::test]
async fn how_long_documents_may_be_kept_is_set_and_shown() {
    let lab = Lab::new().await;
    let of_dialect = json!({"jwks": null, "discovery": null});
    assert_eq!(lab.get("/caching").await, of_dialect);
    let set = json!({"jwks": "max-age=5", "discovery": ""});
    assert_eq!(lab.call("PUT", "/caching", Some(set.clone())).await, (200, set.clone()));
    assert_eq!(lab.get("/caching").await, set);
    let url = lab.idp.url(Endpoint::Jwks, &lab.listener).expect("served");
    let reply = reqwest::get(url).await.expect("an answer");
    assert_eq!(reply.headers().get("cache-control").and_then(|value| value.to_str().ok()), Some("max-age=5"));
    let (status, problem) = lab.call("PUT", "/caching", Some(json!({"jwks": "a\nb"}))).await;
    assert_eq!(status, 400, "{problem}");
    assert_eq!(lab.get("/caching").await, set, "what is wrong changes nothing");
    assert_eq!(lab.call("PUT", "/caching", Some(json!({}))).await, (200, of_dialect));
}
