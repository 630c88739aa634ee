//! Users and their devices, at each vendor's own addresses.

use std::collections::BTreeSet;

use mock_idp::{Dialect, Endpoint};

use super::{Provider, part, quoted};
use crate::support::encoded;

const CALLBACK: &str = "http://127.0.0.1/callback";

async fn with_users(dialect: Dialect) -> Provider {
    Provider::with(dialect, |config| config.clients[0] = config.clients[0].clone().redirect_uris([CALLBACK])).await
}

#[tokio::test]
async fn a_user_signs_in_at_each_vendors_own_address() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = with_users(dialect).await;
        let path = provider.path(Endpoint::Authorize).expect("each vendor has users");
        let query = encoded(&[("response_type", "code"), ("client_id", "worker"), ("redirect_uri", CALLBACK)]);
        let sent = provider.served.get(&format!("{path}?{query}")).await;
        let code = sent.sent("code").unwrap_or_else(|| panic!("{dialect}: {}", sent.head));
        let form = [("grant_type", "authorization_code"), ("redirect_uri", CALLBACK), ("code", &code)];
        let reply = provider.token(&encoded(&form)).await;
        assert_eq!(reply.status, 200, "{dialect}: {}", reply.body);
        let facts = provider.served.idp.facts(&reply.text("access_token")).expect("ours");
        assert_eq!((facts.subject.as_str(), facts.client.as_str()), ("alice", "worker"), "{dialect}");
    }
}

#[tokio::test]
async fn id_tokens_have_a_key_of_their_own_where_that_is_said() {
    let mut own = Vec::new();
    for dialect in Dialect::ALL.iter().copied().filter(|dialect| dialect.opaque_prefix().is_none()) {
        let provider = Provider::with(dialect, |config| {
            config.clients[0] = config.clients[0].clone().scopes(["openid"]).redirect_uris([CALLBACK]);
        })
        .await;
        let path = provider.path(Endpoint::Authorize).expect("each vendor has users");
        let query =
            [("response_type", "code"), ("client_id", "worker"), ("scope", "openid"), ("redirect_uri", CALLBACK)];
        let sent = provider.served.get(&format!("{path}?{}", encoded(&query))).await;
        let code = sent.sent("code").unwrap_or_else(|| panic!("{dialect}: {}", sent.head));
        let form = [("grant_type", "authorization_code"), ("redirect_uri", CALLBACK), ("code", &code)];
        let reply = provider.token(&encoded(&form)).await;
        let kids = ["access_token", "id_token"].map(|name| part(&reply.text(name), 0)["kid"].clone());
        let says = provider.fact("key of ID tokens").expect("said");
        assert_eq!(kids[0] != kids[1], says.starts_with("one of its own"), "{dialect}: {says}");
        let keys = provider.served.get(&provider.path(Endpoint::Jwks).expect("served")).await;
        assert!(kids.iter().all(|kid| keys.body.contains(kid.as_str().expect("text"))), "{dialect}: {}", keys.body);
        own.extend((kids[0] != kids[1]).then_some(dialect));
    }
    assert_eq!(own, [Dialect::Cognito], "no other vendor is known to have one");
    for (text, id_tokens) in
        [("dialect: cognito", "rs256-"), ("{ dialect: cognito, keys: { id_tokens: es256 } }", "es256-")]
    {
        let idp = mock_idp::settings::Settings::parse(text, "f").expect(text).idp();
        assert!(idp.id_token_key().starts_with(id_tokens) && Some(idp.id_token_key()) != idp.signing_key(), "{text}");
    }
}

#[tokio::test]
async fn a_device_is_told_where_to_go_as_each_vendor_does_and_gets_its_tokens() {
    let mut without = Vec::new();
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        if provider.path(Endpoint::DeviceAuthorization).is_none() {
            let said = provider.facts("address");
            assert!(said.iter().any(|fact| fact.says.starts_with("device-authorization: none")), "{dialect}: {said:?}");
            assert_eq!(provider.fact("where a device sends its user"), None, "{dialect}");
            without.push(dialect);
            continue;
        }
        let asked = provider.post_as("tv", Endpoint::DeviceAuthorization, "").await;
        assert_eq!(asked.status, 200, "{dialect}: {}", asked.body);
        let body: serde_json::Value = serde_json::from_str(&asked.body).expect("JSON");
        let members: BTreeSet<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
        let says = provider.fact("where a device sends its user").expect("said");
        let told = quoted(says.split(';').next().expect("names"));
        let always = ["device_code", "user_code", "expires_in", "interval"];
        assert_eq!(members, always.iter().chain(&told).copied().collect(), "{dialect}");

        let address = asked.text(told[0]);
        let page = address.strip_prefix(&provider.served.listener.origin).expect("its own address");
        assert_eq!(provider.path(Endpoint::Device).as_deref(), Some(page), "{dialect}");
        let code = asked.text("user_code");
        let entered = provider.served.post(page, "", &encoded(&[("user_code", &code)])).await;
        assert!(entered.status == 200 && entered.body.contains("connected"), "{dialect}: {entered:?}");
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let form = encoded(&[("grant_type", grant), ("device_code", &asked.text("device_code"))]);
        let reply = provider.post_as("tv", Endpoint::Token, &form).await;
        assert_eq!(reply.status, 200, "{dialect}: {}", reply.body);
        assert_eq!(provider.served.idp.facts(&reply.text("access_token")).expect("ours").subject, "alice", "{dialect}");
    }
    assert_eq!(without, [Dialect::Cognito], "no other vendor is known to have no such thing");
}

#[tokio::test]
async fn entra_reads_the_scopes_of_a_device_as_those_of_a_token_request() {
    let entra = Provider::of(Dialect::Entra).await;
    let asked =
        entra.post_as("tv", Endpoint::DeviceAuthorization, "scope=https%3A%2F%2Fapi.example%2Forders.read").await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    assert!(asked.text("message").contains(&asked.text("user_code")), "{}", asked.body);
    let other = "scope=https%3A%2F%2Fother.example%2Forders.read";
    assert_eq!(entra.post_as("tv", Endpoint::DeviceAuthorization, other).await.text("error"), "invalid_scope");
}
