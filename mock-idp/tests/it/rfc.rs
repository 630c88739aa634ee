//! Rules of RFC 6749, 7009, 7662, 8414 and 9068, each on the wire.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use mock_idp::{Algorithm, AuthMethod, Client, Config, GrantType, Idp, Reuse, Rotation, TokenFormat, TokenKind, Which};
use proptest::prelude::*;

use crate::support::{self, Served, basic, serve, serve_idp};

fn config() -> Config {
    let worker = Client::new("worker", "secret").scopes(["orders.read", "orders.write"]);
    let other = Client::new("other", "else").scopes(["orders.read"]);
    Config { clients: vec![worker, other], format: TokenFormat::Opaque, ..Config::default() }
}

fn rotating(reuse: Reuse, grace: Duration) -> Config {
    Config { rotation: Rotation::On { reuse, grace }, ..config() }
}

fn first_refresh_token(served: &Served) -> String {
    let token = served.idp.mint_refresh_token("worker", "alice", &served.listener).expect("the client is known");
    token.value.expose().to_owned()
}

async fn refresh(served: &Served, token: &str) -> support::Reply {
    served.token(&format!("grant_type=refresh_token&refresh_token={token}")).await
}

#[tokio::test]
async fn rfc6749_5_1_a_success_is_uncached_json_with_type_and_lifetime() {
    let served = serve(config()).await;
    let reply = served.token("grant_type=client_credentials&scope=orders.read").await;
    assert_eq!(reply.status, 200);
    assert!(
        reply.head.contains("cache-control: no-store") && reply.head.contains("pragma: no-cache"),
        "{}",
        reply.head
    );
    assert!(reply.head.contains("content-type: application/json"), "{}", reply.head);
    assert_eq!(reply.text("token_type"), "Bearer");
    assert_eq!(reply.field("expires_in"), 300);
    assert_eq!(reply.text("scope"), "orders.read");
    assert_eq!(reply.field("refresh_token"), serde_json::Value::Null, "RFC 6749 §4.4.3");
    assert!(reply.text("access_token").starts_with("tlat_"));
}

#[tokio::test]
async fn rfc6749_5_2_each_refusal_has_its_code_and_status() {
    let served = serve(config()).await;
    let ok = basic("worker", "secret");
    let cases: &[(&str, &str, u16, &str)] = &[
        (&ok, "", 400, "invalid_request"),
        (&ok, "grant_type=", 400, "invalid_request"),
        (&ok, "grant_type=password", 400, "unsupported_grant_type"),
        (&ok, "grant_type=client_credentials&scope=admin", 400, "invalid_scope"),
        (&ok, "grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"),
        (&ok, "grant_type=client_credentials&client_id=other", 400, "invalid_request"),
        (&ok, "grant_type=client_credentials&client_id=worker&client_secret=secret", 400, "invalid_request"),
        (&ok, "grant_type=refresh_token", 400, "invalid_request"),
        (&ok, "grant_type=refresh_token&refresh_token=what", 400, "invalid_grant"),
        ("", "grant_type=client_credentials", 401, "invalid_client"),
        ("", "grant_type=client_credentials&client_id=worker&client_secret=wrong", 401, "invalid_client"),
        ("", "grant_type=client_credentials&client_id=worker", 401, "invalid_client"),
        (&basic("worker", "wrong"), "grant_type=client_credentials", 401, "invalid_client"),
        (&basic("nobody", "secret"), "grant_type=client_credentials", 401, "invalid_client"),
        ("Authorization: Bearer x\r\n", "grant_type=client_credentials", 401, "invalid_client"),
        ("Authorization: Basic !\r\n", "grant_type=client_credentials", 401, "invalid_client"),
    ];
    for (headers, form, status, code) in cases {
        let reply = served.post("/oauth2/token", headers, form).await;
        assert_eq!((reply.status, reply.text("error").as_str()), (*status, *code), "{headers}{form}");
        assert!(reply.head.contains("cache-control: no-store"));
        let challenged = reply.head.contains("www-authenticate: Basic");
        assert_eq!(challenged, *status == 401, "RFC 6749 §5.2, RFC 9110 §15.5.2: a 401 challenges: {headers}");
    }
}

#[tokio::test]
async fn rfc6749_5_2_a_description_keeps_to_its_letters() {
    let served = serve(config()).await;
    let token = first_refresh_token(&served);
    served.idp.revoke(&Which::All(TokenKind::Refresh), "\"näh\\\"\n");
    let reply = refresh(&served, &token).await;
    assert_eq!(reply.text("error_description"), "the refresh token was revoked: ?n?h???");
}

#[tokio::test]
async fn rfc6749_3_3_a_scope_is_never_empty_and_names_each_once() {
    for format in [TokenFormat::Opaque, TokenFormat::Jwt(Algorithm::Es256)] {
        let clients = vec![Client::new("worker", "secret")];
        let served = serve(Config { clients, format, ..config() }).await;
        let reply = served.token("grant_type=client_credentials").await;
        assert_eq!((reply.status, reply.field("scope")), (200, serde_json::Value::Null));
        let token = reply.text("access_token");
        let told = served.post("/oauth2/introspect", &basic("worker", "secret"), &format!("token={token}")).await;
        assert_eq!((told.field("active"), told.field("scope")), (true.into(), serde_json::Value::Null));
        if let Some(claims) = token.split('.').nth(1) {
            let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
            assert!(!String::from_utf8_lossy(&claims).contains("scope"), "RFC 9068 §2.2.3");
        }
    }
    let served = serve(config()).await;
    let reply = served.token("grant_type=client_credentials&scope=orders.write+orders.read++orders.write").await;
    assert_eq!(reply.text("scope"), "orders.write orders.read");
}

#[tokio::test]
async fn rfc8414_metadata_names_what_is_served_and_rfc7517_keys_say_their_use() {
    let served = serve(Config { format: TokenFormat::Jwt(Algorithm::Es256), ..config() }).await;
    let metadata = served.get("/.well-known/oauth-authorization-server").await;
    assert!(metadata.head.contains("content-type: application/json"));
    for required in ["issuer", "token_endpoint", "response_types_supported", "subject_types_supported"] {
        assert!(!metadata.field(required).is_null(), "{required}");
    }
    let grants = serde_json::json!([
        "client_credentials",
        "refresh_token",
        "authorization_code",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ]);
    assert_eq!(metadata.field("grant_types_supported"), grants);
    for endpoint in ["token_endpoint", "introspection_endpoint", "revocation_endpoint"] {
        let url = metadata.text(endpoint);
        let path = url.strip_prefix(&served.listener.origin).expect("under the issuer");
        assert_eq!(served.post(path, "", "x=y").await.text("error"), "invalid_client", "{endpoint} is served");
    }
    let keys = served.get("/oauth2/jwks").await.field("keys");
    assert_eq!((&keys[0]["use"], &keys[0]["alg"], &keys[0]["kty"]), (&"sig".into(), &"ES256".into(), &"EC".into()));
}

#[tokio::test]
async fn rfc6749_3_2_only_post_with_a_form_is_a_token_request() {
    let served = serve(config()).await;
    assert_eq!(served.get("/oauth2/token?grant_type=client_credentials").await.status, 405);
    // The right letters under the wrong name: it is the type that is refused.
    let form = "grant_type=client_credentials";
    let request = format!(
        "POST /oauth2/token HTTP/1.1\r\nHost: idp\r\nConnection: close\r\nContent-Type: application/json\r\n{}\
         Content-Length: {}\r\n\r\n{form}",
        basic("worker", "secret"),
        form.len()
    );
    let reply = served.raw(&request).await.expect("a reply");
    assert_eq!((reply.status, reply.text("error").as_str()), (400, "invalid_request"));
}

#[tokio::test]
async fn a_client_uses_only_its_grants_and_methods() {
    let mut narrow = Client::new("narrow", "secret");
    narrow.methods = vec![AuthMethod::Post];
    narrow.grants = vec![GrantType::RefreshToken];
    let served = serve(Config { clients: vec![narrow], ..config() }).await;
    let reply = served.post("/oauth2/token", &basic("narrow", "secret"), "grant_type=client_credentials").await;
    assert_eq!(reply.text("error"), "invalid_client");
    let form = "grant_type=client_credentials&client_id=narrow&client_secret=secret";
    assert_eq!(served.post("/oauth2/token", "", form).await.text("error"), "unauthorized_client");
}

#[tokio::test]
async fn rfc6749_6_a_refresh_narrows_and_never_widens() {
    let served = serve(config()).await;
    let token = first_refresh_token(&served);
    let narrowed = served.token(&format!("grant_type=refresh_token&refresh_token={token}&scope=orders.read")).await;
    assert_eq!(narrowed.text("scope"), "orders.read");
    let wider = served.token(&format!("grant_type=refresh_token&refresh_token={token}&scope=admin")).await;
    assert_eq!(wider.text("error"), "invalid_scope");
    assert_eq!(refresh(&served, &token).await.text("scope"), "orders.read orders.write", "the consent stays as wide");
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    let foreign = served.post("/oauth2/token", &basic("other", "else"), &form).await;
    assert_eq!(foreign.text("error"), "invalid_grant");
    let access = narrowed.text("access_token");
    assert_eq!(refresh(&served, &access).await.text("error"), "invalid_grant", "an access token is no refresh token");
}

#[tokio::test]
async fn rfc9700_4_14_reuse_of_a_rotated_token_kills_the_family() {
    let served = serve(rotating(Reuse::RevokeFamily, Duration::ZERO)).await;
    let first = first_refresh_token(&served);
    let second = refresh(&served, &first).await;
    assert_ne!(second.text("refresh_token"), first);
    assert!(served.is_active(&second.text("access_token")).await);
    let reused = refresh(&served, &first).await;
    assert_eq!((reused.status, reused.text("error").as_str()), (400, "invalid_grant"));
    assert!(!served.is_active(&second.text("access_token")).await);
    assert_eq!(refresh(&served, &second.text("refresh_token")).await.text("error"), "invalid_grant");
}

#[tokio::test]
async fn reuse_is_found_whatever_else_is_wrong() {
    let served = serve(rotating(Reuse::RevokeFamily, Duration::ZERO)).await;
    let first = first_refresh_token(&served);
    let second = refresh(&served, &first).await;
    let reused = served.token(&format!("grant_type=refresh_token&refresh_token={first}&scope=admin")).await;
    assert_eq!(reused.text("error"), "invalid_grant");
    assert!(!served.is_active(&second.text("access_token")).await);
}

#[tokio::test]
async fn reuse_may_be_refused_only() {
    let served = serve(rotating(Reuse::Refuse, Duration::ZERO)).await;
    let first = first_refresh_token(&served);
    let second = refresh(&served, &first).await;
    assert_eq!(refresh(&served, &first).await.text("error"), "invalid_grant");
    assert_eq!(refresh(&served, &second.text("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn within_its_grace_a_rotated_token_gives_another_successor() {
    let served = serve(rotating(Reuse::RevokeFamily, Duration::from_secs(30))).await;
    let first = first_refresh_token(&served);
    let lost = refresh(&served, &first).await;
    served.idp.move_clock(20_000);
    let again = refresh(&served, &first).await;
    assert_eq!(again.status, 200);
    assert_ne!(again.text("refresh_token"), lost.text("refresh_token"));
    assert_eq!(refresh(&served, &lost.text("refresh_token")).await.status, 200, "the first successor lives on");
    // More than what is left of it, less than a grace of its own would be.
    served.idp.move_clock(11_000);
    assert_eq!(refresh(&served, &first).await.text("error"), "invalid_grant", "counted from the first redemption");
    assert_eq!(refresh(&served, &again.text("refresh_token")).await.text("error"), "invalid_grant");
}

#[tokio::test]
async fn without_rotation_a_refresh_token_stays() {
    let served = serve(config()).await;
    let token = first_refresh_token(&served);
    for _ in 0..3 {
        let reply = refresh(&served, &token).await;
        assert_eq!((reply.status, reply.field("refresh_token")), (200, serde_json::Value::Null));
    }
}

#[tokio::test]
async fn rfc6749_5_2_a_refresh_token_expires() {
    let served = serve(Config { refresh_token_lifetime: Duration::from_secs(10), ..config() }).await;
    let token = first_refresh_token(&served);
    served.idp.move_clock(8_000);
    assert_eq!(refresh(&served, &token).await.status, 200);
    served.idp.move_clock(2_000);
    assert_eq!(refresh(&served, &token).await.text("error"), "invalid_grant");
}

#[tokio::test]
async fn rfc7662_a_resource_server_may_ask_of_every_token() {
    let mut api = Client::new("api", "secret");
    api.resource_server = true;
    let worker = Client::new("worker", "secret").scopes(["orders.read"]);
    let served = serve(Config { clients: vec![api, worker], ..config() }).await;
    let token = served.token("grant_type=client_credentials").await.text("access_token");
    let told = served.post("/oauth2/introspect", &basic("api", "secret"), &format!("token={token}")).await;
    assert_eq!((told.field("active"), told.text("client_id").as_str()), (true.into(), "worker"));
    assert_eq!((told.text("sub").as_str(), told.text("token_type").as_str()), ("worker", "Bearer"));
    assert_eq!(told.field("exp").as_i64().zip(told.field("iat").as_i64()).map(|(exp, iat)| exp - iat), Some(300));
}

#[tokio::test]
async fn rfc7662_dead_unknown_and_foreign_tokens_look_alike() {
    let served = serve(config()).await;
    let token = served.token("grant_type=client_credentials").await.text("access_token");
    assert!(served.is_active(&token).await);
    assert!(!served.is_active("what").await);
    let foreign = served.post("/oauth2/introspect", &basic("other", "else"), &format!("token={token}")).await;
    assert_eq!(foreign.body, r#"{"active":false}"#);
    let anonymous = served.post("/oauth2/introspect", "", &format!("token={token}")).await;
    assert_eq!(anonymous.status, 401);
    served.idp.move_clock(300_000);
    assert!(!served.is_active(&token).await, "its time is over");
}

#[tokio::test]
async fn rfc7009_revocation_kills_what_is_the_clients_own() {
    let served = serve(rotating(Reuse::RevokeFamily, Duration::ZERO)).await;
    let revoke =
        async |headers: &str, token: &str| served.post("/oauth2/revoke", headers, &format!("token={token}")).await;
    let own = basic("worker", "secret");
    assert_eq!(revoke(&own, "what").await.status, 200, "RFC 7009 §2.2: an unknown token is as good as revoked");
    assert_eq!(revoke("", "what").await.status, 401);
    let granted = refresh(&served, &first_refresh_token(&served)).await;
    let (access, newest) = (granted.text("access_token"), granted.text("refresh_token"));
    assert_eq!(revoke(&basic("other", "else"), &access).await.text("error"), "invalid_grant");
    assert!(served.is_active(&access).await);
    assert_eq!(revoke(&own, &newest).await.status, 200);
    assert!(!served.is_active(&access).await, "RFC 7009 §2.1: the access tokens of the grant die too");
    assert_eq!(refresh(&served, &newest).await.text("error"), "invalid_grant");
}

#[tokio::test]
async fn rfc9068_an_access_token_verifies_against_the_published_keys() {
    for algorithm in Algorithm::ALL {
        let served = serve(Config { format: TokenFormat::Jwt(algorithm), ..config() }).await;
        let metadata = served.get("/.well-known/openid-configuration").await;
        assert_eq!(metadata.body, served.get("/.well-known/oauth-authorization-server").await.body);
        let issuer = metadata.text("issuer");
        assert_eq!(issuer, served.listener.origin);
        let jwks = metadata.text("jwks_uri");
        let before = served.token("grant_type=client_credentials&scope=orders.read").await.text("access_token");
        served.idp.rotate_keys(true);
        let after = served.token("grant_type=client_credentials&scope=orders.read").await.text("access_token");
        let keys = served.get(jwks.strip_prefix(&issuer).expect("under the issuer")).await.body;
        assert!(!keys.contains("\"d\""), "no private key is published");
        let keys: JwkSet = serde_json::from_str(&keys).expect("a key set");
        let mut used = Vec::new();
        for token in [&before, &after] {
            let header = jsonwebtoken::decode_header(token).expect("a JWT");
            assert_eq!(header.typ.as_deref(), Some("at+jwt"));
            assert_eq!(format!("{:?}", header.alg), algorithm.name());
            let key = keys.find(header.kid.as_deref().expect("a kid")).expect("published");
            used.push(header.kid);
            let mut validation = Validation::new(header.alg);
            validation.set_audience(&["api"]);
            validation.set_issuer(&[&issuer]);
            let key = DecodingKey::from_jwk(key).expect("a key");
            let claims = jsonwebtoken::decode::<serde_json::Value>(token, &key, &validation).expect("valid").claims;
            for claim in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
                assert!(!claims[claim].is_null(), "RFC 9068 §2.2 requires {claim}");
            }
            assert_eq!((&claims["scope"], &claims["client_id"]), (&"orders.read".into(), &"worker".into()));
        }
        assert_ne!(used[0], used[1], "another key signs after the rotation");
        served.idp.rotate_keys(false);
        let keys: JwkSet = serde_json::from_str(&served.get("/oauth2/jwks").await.body).expect("a key set");
        assert!(used.iter().flatten().all(|kid| keys.find(kid).is_none()), "without overlap the old ones are gone");
    }
}

#[tokio::test]
async fn addresses_share_one_state_and_have_their_own_issuer() {
    let first = serve(Config { format: TokenFormat::Jwt(Algorithm::Es256), ..config() }).await;
    let second = serve_idp(first.idp.clone(), "w2").await;
    let token = first.token("grant_type=client_credentials").await.text("access_token");
    let reply = second.post("/oauth2/introspect", &basic("worker", "secret"), &format!("token={token}")).await;
    assert_eq!(reply.text("iss"), first.listener.origin);
    assert_eq!(second.get("/.well-known/openid-configuration").await.text("issuer"), second.listener.origin);
}

#[tokio::test]
async fn one_seed_gives_one_sequence_of_tokens() {
    let tokens = async |seed| {
        let served = serve(Config { seed, ..config() }).await;
        let first = served.token("grant_type=client_credentials").await.text("access_token");
        [first, served.token("grant_type=client_credentials").await.text("access_token")]
    };
    let (one, same, other) = (tokens(Some(1)).await, tokens(Some(1)).await, tokens(Some(2)).await);
    assert_eq!(one, same);
    assert_ne!(one, other);
    assert_ne!(one[0], one[1]);
    assert_ne!(tokens(None).await, tokens(None).await, "without a seed no two are alike");
    // 62 characters carry 5.95 bits each.
    let drawn = one[0].strip_prefix("tlat_").expect("an opaque token");
    assert!(drawn.len() * 595 / 100 >= 128, "RFC 6749 §10.10 asks for 128 bits: {}", drawn.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_form_panics_or_is_a_server_error(
        form in "[a-z_=&%+0-9]{0,80}",
        grant in prop::sample::select(vec!["client_credentials", "refresh_token", "x"]),
        path in prop::sample::select(vec!["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let reply = runtime.block_on(async {
            let served = serve_idp(Idp::new(config()), "w1").await;
            served.post(path, &basic("worker", "secret"), &format!("grant_type={grant}&{form}")).await
        });
        prop_assert!(reply.status < 500, "{reply:?}");
    }
}
