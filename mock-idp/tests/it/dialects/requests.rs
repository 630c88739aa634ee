//! How requests are read: scope, audience, revocation.

use mock_idp::{Dialect, Endpoint};

use super::Provider;

const FORM: &str = "grant_type=client_credentials";

#[tokio::test]
async fn entra_wants_exactly_one_resource_as_its_default_scope() {
    let entra = Provider::of(Dialect::Entra).await;
    for (scope, status, error) in [
        ("https%3A%2F%2Fapi.example%2F.default", 200, ""),
        ("orders.read", 400, "invalid_scope"),
        ("https%3A%2F%2Fother.example%2F.default", 400, "invalid_scope"),
        ("https%3A%2F%2Fapi.example%2F.default+https%3A%2F%2Fother.example%2F.default", 400, "invalid_scope"),
    ] {
        let reply = entra.token(&format!("{FORM}&scope={scope}")).await;
        assert_eq!((reply.status, reply.text("error").as_str()), (status, error), "{scope}: {}", reply.body);
    }
    assert_eq!(entra.token(FORM).await.text("error"), "invalid_request", "without a scope there is no resource");
    let facts = entra.served.idp.facts(&entra.access_token().await).expect("ours");
    assert_eq!(facts.scopes, ["orders.read", "orders.write"], "all of that resource");
    let token = entra.consented();
    let form = format!("grant_type=refresh_token&refresh_token={}", token.value.expose());
    let reply = entra.token(&format!("{form}&scope=https%3A%2F%2Fapi.example%2Forders.read")).await;
    assert_eq!(reply.text("scope"), "orders.read");
}

#[tokio::test]
async fn entra_reads_the_scopes_of_an_authorization_request_as_those_of_a_token_request() {
    let entra = Provider::with(Dialect::Entra, |config| {
        config.clients[0] = config.clients[0].clone().redirect_uris(["http://127.0.0.1/callback"]);
    })
    .await;
    let path = entra.path(Endpoint::Authorize).expect("it has one");
    for (scope, granted) in [
        ("https%3A%2F%2Fapi.example%2Forders.read", Some("orders.read")),
        ("https%3A%2F%2Fapi.example%2F.default", Some("orders.read orders.write")),
        ("https%3A%2F%2Fother.example%2F.default", None),
        ("https%3A%2F%2Fother.example%2Forders.read", None),
    ] {
        let query =
            format!("response_type=code&client_id=worker&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&scope={scope}");
        let sent = entra.served.get(&format!("{path}?{query}")).await;
        let Some(granted) = granted else {
            assert_eq!(sent.sent("error").as_deref(), Some("invalid_scope"), "{scope}: {}", sent.head);
            continue;
        };
        let code = sent.sent("code").unwrap_or_else(|| panic!("{scope}: {}", sent.head));
        let form = format!("grant_type=authorization_code&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&code={code}");
        assert_eq!(entra.token(&form).await.text("scope"), granted, "{scope}");
    }
}

#[tokio::test]
async fn entra_gives_no_refresh_token_for_client_credentials_and_keeps_one_that_was_replaced() {
    let entra = Provider::of(Dialect::Entra).await;
    assert!(entra.token(&entra.credentials_form()).await.field("refresh_token").is_null());
    let first = entra.consented();
    let second = entra.refresh(first.value.expose()).await.text("refresh_token");
    assert_ne!(second, first.value.expose());
    for token in [first.value.expose(), &second, first.value.expose()] {
        assert_eq!(entra.refresh(token).await.status, 200);
    }
}

#[tokio::test]
async fn auth0_wants_an_audience_and_knows_only_the_clients_own() {
    let auth0 = Provider::of(Dialect::Auth0).await;
    let reply = auth0.token(FORM).await;
    assert_eq!((reply.status, reply.text("error").as_str()), (400, "invalid_request"));
    let reply = auth0.token(&format!("{FORM}&audience=other")).await;
    assert_eq!((reply.status, reply.text("error").as_str()), (401, "access_denied"));
    let reply = auth0.token(&format!("{FORM}&audience=https%3A%2F%2Fapi.example")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[tokio::test]
async fn cognito_leaves_out_scopes_that_are_not_the_clients() {
    let cognito = Provider::of(Dialect::Cognito).await;
    let reply = cognito.token(&format!("{FORM}&scope=orders.read+admin")).await;
    assert_eq!((reply.status, reply.text("scope").as_str()), (200, "orders.read"));
    let reply = cognito.token(FORM).await;
    assert_eq!(reply.text("scope"), "orders.read orders.write", "none at all means all");
    let reply = cognito.token(&format!("{FORM}&scope=admin")).await;
    assert_eq!(reply.body, r#"{"error":"invalid_scope"}"#, "if nothing is left, nothing is given");
}

#[tokio::test]
async fn keycloak_narrows_a_refresh_in_silence_and_nobody_else_does() {
    for dialect in Dialect::ALL.iter().copied().filter(|dialect| *dialect != Dialect::Cognito) {
        let provider = Provider::of(dialect).await;
        let token = provider.consented();
        let form = format!("grant_type=refresh_token&refresh_token={}&scope=orders.read+admin", token.value.expose());
        let reply = provider.token(&form).await;
        match dialect {
            Dialect::Keycloak => assert_eq!((reply.status, reply.text("scope").as_str()), (200, "orders.read")),
            _ => assert_eq!((reply.status, reply.text("error").as_str()), (400, "invalid_scope"), "{dialect}"),
        }
    }
}

#[tokio::test]
async fn revoking_does_what_each_vendor_says() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        if provider.path(Endpoint::Revoke).is_none() {
            continue;
        }
        let says = provider.fact("revocation").expect("said");
        let revoke = async |token: &str| provider.post_as("worker", Endpoint::Revoke, &format!("token={token}")).await;
        let live = |token: &str| {
            let now_ms = provider.served.idp.clock().now_ms();
            provider.served.idp.facts(token).expect("ours").is_live(now_ms)
        };
        let refresh = provider.consented().value.expose().to_owned();
        let access = provider.refresh(&refresh).await.text("access_token");

        let reply = revoke(&access).await;
        let possible = says.starts_with("access and refresh tokens");
        assert_eq!(reply.status == 200, possible, "{dialect}: {}", reply.body);
        if !possible {
            assert_eq!(reply.text("error"), "unsupported_token_type", "{dialect}");
        }
        assert_eq!(live(&access), !possible, "{dialect}");
        assert_eq!(live(&refresh), !says.contains("takes its refresh token with it"), "{dialect}");

        let refresh = provider.consented().value.expose().to_owned();
        let reply = revoke(&refresh).await;
        assert_eq!((reply.status, reply.body.as_str(), live(&refresh)), (200, "", false), "{dialect}");
        let again = revoke(&refresh).await;
        let told = says.contains("told apart");
        assert_eq!(again.body.is_empty(), !told, "{dialect}: {}", again.body);
        if told {
            assert_eq!(again.text("error"), "invalid_token", "{dialect}");
        }
        assert_eq!(again.status, if dialect == Dialect::Google { 400 } else { 200 }, "{dialect}");
    }
}
