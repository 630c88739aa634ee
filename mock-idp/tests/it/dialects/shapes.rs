//! Snapshots of what is told where nothing is wrong.

use mock_idp::{Dialect, Endpoint};
use serde_json::Value;

use super::{Provider, basic, header, part};
use crate::support::Reply;

/// A body without what differs from run to run, and without secrets.
fn shown(provider: &Provider, reply: &Reply) -> String {
    let mut body: Value = serde_json::from_str(&reply.body).expect("JSON");
    let mut claims = String::new();
    if let Some(token) = body.get_mut("access_token") {
        let value = token.as_str().expect("text").to_owned();
        if value.matches('.').count() == 2 {
            claims = format!("claims: {:#}\n", part(&value, 1));
        }
        let facts = provider.served.idp.facts(&value).expect("ours");
        let begins = value.replace(facts.value.random_part(), "");
        *token = if claims.is_empty() { format!("{begins}[random]").into() } else { "[JWT]".into() };
    }
    if let Some(token) = body.get_mut("refresh_token") {
        *token = "[refresh token]".into();
    }
    let cached = header(reply, "cache-control").unwrap_or("-");
    let text = format!("{} cache-control: {cached}\n{body:#}\n{claims}", reply.status);
    text.replace(&provider.served.listener.origin, "http://idp")
}

#[tokio::test]
async fn success_and_metadata_look_as_they_did() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        let mut text = String::new();
        let mut show = |what: &str, reply: &Reply| text += &format!("# {what}\n{}\n", shown(&provider, reply));
        show("client credentials", &provider.token(&provider.credentials_form()).await);
        let token = provider.consented();
        show("refresh", &provider.refresh(token.value.expose()).await);
        show("metadata", &provider.served.get(&provider.path(Endpoint::Discovery).expect("served")).await);
        insta::with_settings!({ description => dialect.doc(), omit_expression => true }, {
            insta::assert_snapshot!(format!("success-{dialect}"), text);
        });
    }
}

#[tokio::test]
async fn no_snapshot_holds_a_secret() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/dialects/snapshots");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).expect("snapshots") {
        let text = std::fs::read_to_string(entry.expect("a file").path()).expect("text");
        read += 1;
        assert!(!text.contains("eyJ"), "a JWT");
        for (at, _) in text.match_indices("tlrt_") {
            assert!(text[at..].starts_with("tlrt_unknown"), "a refresh token");
        }
    }
    assert!(read >= 2 * Dialect::ALL.len());
}

#[tokio::test]
async fn what_a_user_consented_to_is_told_apart_from_the_client_itself() {
    for (dialect, claim, of_user, of_client) in [
        (Dialect::Okta, "uid", "user-1".into(), Value::Null),
        (Dialect::Entra, "scp", "orders.read orders.write".into(), Value::Null),
        (Dialect::Entra, "roles", Value::Null, serde_json::json!(["orders.read", "orders.write"])),
        (Dialect::Auth0, "sub", "user-1".into(), "worker@clients".into()),
        (Dialect::Auth0, "gty", Value::Null, "client-credentials".into()),
        (Dialect::Cognito, "username", "user-1".into(), Value::Null),
    ] {
        let provider = Provider::of(dialect).await;
        let token = provider.consented();
        let users = provider.refresh(token.value.expose()).await.text("access_token");
        assert_eq!(part(&users, 1)[claim], of_user, "{dialect}: {claim} of a user");
        assert_eq!(part(&provider.access_token().await, 1)[claim], of_client, "{dialect}: {claim} of a client");
    }
    let okta = Provider::of(Dialect::Okta).await;
    let claims = part(&okta.access_token().await, 1);
    assert_eq!(
        claims["scp"],
        serde_json::json!(["orders.read", "orders.write"]),
        "an array, unlike any other vendor's"
    );
    assert!(claims["jti"].as_str().is_some_and(|jti| jti.starts_with("AT.")) && claims["ver"] == 1);
}

#[tokio::test]
async fn an_opaque_token_is_introspected_with_its_scope_as_text() {
    let okta = Provider::of(Dialect::Okta).await;
    let token = okta.access_token().await;
    let reply = okta.post_as("worker", Endpoint::Introspect, &format!("token={token}")).await;
    assert_eq!(reply.text("scope"), "orders.read orders.write", "though the token has `scp` as an array");
    let reply = okta.post_as("worker", Endpoint::Introspect, "token=unknown").await;
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"active":false}"#));
}

#[tokio::test]
async fn the_former_generation_of_entra_has_numbers_as_text_and_claims_of_its_own() {
    let entra = Provider::of(Dialect::Entra).await;
    let path = entra.path(Endpoint::Token).expect("served").replace("/v2.0", "");
    let form = "grant_type=client_credentials&resource=https%3A%2F%2Fapi.example";
    let reply = entra.served.post(&path, &basic("worker", "secret"), form).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let exp = entra.now_s() + 4500;
    for (name, value) in [
        ("expires_in", "4500".to_owned()),
        ("ext_expires_in", "4500".to_owned()),
        ("expires_on", exp.to_string()),
        ("not_before", entra.now_s().to_string()),
        ("resource", "https://api.example".to_owned()),
    ] {
        assert_eq!(reply.field(name), value, "{name} is text");
    }
    assert_eq!(header(&reply, "cache-control"), Some("no-cache, no-store"));
    let claims = part(&reply.text("access_token"), 1);
    assert_eq!((&claims["ver"], &claims["appid"], &claims["appidacr"]), (&"1.0".into(), &"worker".into(), &"1".into()));
    assert!(claims.get("azp").is_none());
    let tenant = claims["tid"].as_str().expect("text");
    let issuer = format!("{}/{tenant}/", entra.served.listener.origin);
    assert_eq!(claims["iss"], issuer);
    assert_eq!(entra.served.idp.facts(&reply.text("access_token")).expect("ours").issuer, issuer);
    let document = entra.served.get(&format!("/{tenant}/.well-known/openid-configuration")).await;
    assert_eq!(
        (document.text("issuer"), document.text("token_endpoint")),
        (issuer, format!("{}{path}", entra.served.listener.origin))
    );
}

#[tokio::test]
async fn who_names_no_tenant_is_told_a_pattern() {
    let entra = Provider::of(Dialect::Entra).await;
    let document = entra.served.get("/common/v2.0/.well-known/openid-configuration").await;
    assert_eq!(document.text("issuer"), format!("{}/{{tenantid}}/v2.0", entra.served.listener.origin));
}
