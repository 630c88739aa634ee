//! OpenID Connect Core, Discovery and RP-Initiated Logout; RFC 6750 where UserInfo is a resource. On the wire.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use mock_idp::{Algorithm, Client, Config, Endpoint, LoginMode, LoginSettings, TokenFormat, User};
use serde_json::{Value, json};

use crate::support::{Reply, Served, basic, encoded, serve};

const SCOPES: [&str; 5] = ["openid", "profile", "email", "offline_access", "orders.read"];
const BACK: &str = "https://app.example/cb";

fn config(format: TokenFormat) -> Config {
    let mut web = Client::new("web", "secret").scopes(SCOPES).redirect_uris([BACK]);
    web.post_logout_redirect_uris = vec!["https://app.example/bye?x=1".into()];
    let other = Client::new("other", "secret").scopes(SCOPES).redirect_uris([BACK]);
    let alice = User::new("alice").name("Alice Example").email("alice@example.com").claim("locale", "de");
    Config { clients: vec![web, other], users: vec![alice], format, ..Config::default() }
}

struct SignedIn {
    granted: Reply,
    cookie: String,
}

impl SignedIn {
    fn text(&self, name: &str) -> String {
        self.granted.text(name)
    }
}

async fn sign_in(served: &Served, cookie: &str, more: &[(&str, &str)]) -> SignedIn {
    let mut parameters =
        vec![("response_type", "code"), ("client_id", "web"), ("redirect_uri", BACK), ("scope", "openid profile")];
    for (name, value) in more {
        parameters.retain(|(given, _)| given != name);
        parameters.push((name, value));
    }
    let cookie_header = format!("Cookie: {cookie}\r\n");
    let back = served.get_with(&format!("/oauth2/authorize?{}", encoded(&parameters)), &cookie_header).await;
    let code = back.sent("code").unwrap_or_else(|| panic!("{back:?}"));
    let form = encoded(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", BACK)]);
    let client = parameters.iter().find(|(name, _)| *name == "client_id").expect("a client").1;
    let granted = served.post("/oauth2/token", &basic(client, "secret"), &form).await;
    let set = back.cookies();
    SignedIn { granted, cookie: if set.is_empty() { cookie.to_owned() } else { set } }
}

async fn refresh(served: &Served, token: &str) -> Reply {
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    served.post("/oauth2/token", &basic("web", "secret"), &form).await
}

async fn claims(served: &Served, id_token: &str) -> Value {
    let keys: JwkSet = serde_json::from_str(&served.get("/oauth2/jwks").await.body).expect("a key set");
    let header = jsonwebtoken::decode_header(id_token).expect("a JWT");
    let key = keys.find(header.kid.as_deref().expect("a kid")).expect("published");
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&["web", "other"]);
    validation.set_issuer(&[&served.listener.origin]);
    jsonwebtoken::decode(id_token, &DecodingKey::from_jwk(key).expect("a key"), &validation).expect("valid").claims
}

#[tokio::test]
async fn openid_connect_2_an_id_token_says_who_signed_in_when_and_for_whom() {
    for format in [TokenFormat::Jwt(Algorithm::Es256), TokenFormat::Jwt(Algorithm::Rs256), TokenFormat::Opaque] {
        let served = serve(config(format)).await;
        served.idp.move_clock(3_600_000);
        let now_s = served.idp.clock().now_s();
        let granted = sign_in(&served, "", &[("nonce", "n-0S6")]).await;
        let claims = claims(&served, &granted.text("id_token")).await;
        assert_eq!((&claims["sub"], &claims["aud"], &claims["azp"]), (&json!("alice"), &json!("web"), &json!("web")));
        assert_eq!((&claims["nonce"], &claims["acr"]), (&json!("n-0S6"), &json!("0")));
        assert!(claims["auth_time"].as_i64().is_some_and(|at| (now_s..now_s + 5).contains(&at)), "{claims}");
        assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(3600));
        assert!(claims["sid"].as_str().is_some_and(|sid| !sid.is_empty()) && claims["amr"].is_null());
        let hash = digest(&SHA256, granted.text("access_token").as_bytes());
        assert_eq!(claims["at_hash"], URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]), "§3.1.3.6");
        let names = served.get("/.well-known/openid-configuration").await.field("claims_supported");
        let named = names.as_array().expect("a list");
        assert!(claims.as_object().expect("claims").keys().all(|name| named.contains(&json!(name))), "{names}");
    }
}

#[tokio::test]
async fn openid_connect_12_2_a_refreshed_id_token_keeps_the_login_and_has_no_nonce() {
    let served = serve(config(TokenFormat::Opaque)).await;
    let granted = sign_in(&served, "", &[("nonce", "x")]).await;
    let first = claims(&served, &granted.text("id_token")).await;
    // Longer than the ID token and the access token are good.
    served.idp.move_clock(5 * 3_600_000);
    let renewed = refresh(&served, &granted.text("refresh_token")).await;
    let second = claims(&served, &renewed.text("id_token")).await;
    for same in ["iss", "sub", "aud", "azp", "auth_time", "sid"] {
        assert_eq!(first[same], second[same], "{same}");
    }
    assert!(second["nonce"].is_null() && second["iat"].as_i64() > first["iat"].as_i64(), "{second}");
    assert_ne!(first["at_hash"], second["at_hash"]);
    let narrowed = format!("grant_type=refresh_token&refresh_token={}&scope=profile", granted.text("refresh_token"));
    let narrowed = served.post("/oauth2/token", &basic("web", "secret"), &narrowed).await;
    assert_eq!((narrowed.status, narrowed.field("id_token")), (200, Value::Null), "openid was left out");
}

#[tokio::test]
async fn openid_connect_3_1_2_1_without_the_scope_openid_there_is_no_id_token() {
    let served = serve(config(TokenFormat::Opaque)).await;
    assert_eq!(sign_in(&served, "", &[("scope", "orders.read")]).await.granted.field("id_token"), Value::Null);
    let client =
        served.post("/oauth2/token", &basic("web", "secret"), "grant_type=client_credentials&scope=openid").await;
    assert_eq!((client.status, client.field("id_token")), (200, Value::Null), "no user stands behind it");
}

#[tokio::test]
async fn a_password_is_told_in_acr_and_amr_and_not_guessed() {
    let login = LoginSettings { mode: LoginMode::Page, ..LoginSettings::default() };
    let users = vec![User::new("alice").password("right"), User::new("bob")];
    let served = serve(Config { login, users, ..config(TokenFormat::Opaque) }).await;
    for (name, acr, amr) in [("alice", "1", json!(["pwd"])), ("bob", "0", Value::Null)] {
        let asked = [("response_type", "code"), ("client_id", "web"), ("redirect_uri", BACK), ("scope", "openid")];
        let login = served.get(&format!("/oauth2/authorize?{}", encoded(&asked))).await;
        let browser = format!("Cookie: {}\r\n", login.cookies());
        let key = login.interaction();
        let form = [("interaction", key.as_str()), ("action", "login"), ("username", name), ("password", "right")];
        let consent = served.post("/oauth2/interaction", &browser, &encoded(&form)).await;
        let key = consent.interaction();
        let form = encoded(&[("interaction", key.as_str()), ("action", "allow")]);
        let code = served.post("/oauth2/interaction", &browser, &form).await.sent("code").expect("a code");
        let form = encoded(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", BACK)]);
        let granted = served.post("/oauth2/token", &basic("web", "secret"), &form).await;
        let claims = claims(&served, &granted.text("id_token")).await;
        assert_eq!((&claims["sub"], &claims["acr"], &claims["amr"]), (&json!(name), &json!(acr), &amr));
    }
}

async fn userinfo(served: &Served, token: &str) -> Reply {
    served.get_with("/oauth2/userinfo", &format!("Authorization: Bearer {token}\r\n")).await
}

#[tokio::test]
async fn openid_connect_5_4_userinfo_tells_what_the_scopes_allow() {
    let served = serve(config(TokenFormat::Jwt(Algorithm::Es256))).await;
    for (scope, told) in [
        ("openid", json!({"sub": "alice"})),
        ("openid profile", json!({"sub": "alice", "name": "Alice Example", "locale": "de"})),
        ("openid email", json!({"sub": "alice", "email": "alice@example.com", "email_verified": true})),
    ] {
        let token = sign_in(&served, "", &[("scope", scope)]).await.text("access_token");
        let reply = userinfo(&served, &token).await;
        assert_eq!((reply.status, serde_json::from_str::<Value>(&reply.body).expect("JSON")), (200, told));
        let posted = served.post("/oauth2/userinfo", "", &format!("access_token={token}")).await;
        assert_eq!((posted.status, posted.body), (200, reply.body), "RFC 6750 §2.2");
    }
}

#[tokio::test]
async fn rfc6750_3_1_userinfo_says_in_its_challenge_what_is_wrong() {
    let served = serve(config(TokenFormat::Opaque)).await;
    let granted = sign_in(&served, "", &[]).await;
    let (good, renewing) = (granted.text("access_token"), granted.text("refresh_token"));
    let plain = sign_in(&served, "", &[("scope", "orders.read")]).await.text("access_token");
    let client = served.post("/oauth2/token", &basic("web", "secret"), "grant_type=client_credentials").await;
    let client = client.text("access_token");
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let cases = [
        (String::new(), 401, ""),
        (basic("web", "secret"), 401, ""),
        (bearer("what"), 401, "invalid_token"),
        (bearer(&renewing), 401, "invalid_token"),
        (bearer(&plain), 403, "insufficient_scope"),
        (bearer(&client), 403, "insufficient_scope"),
        (format!("{}{}", bearer(&good), bearer(&good)), 400, "invalid_request"),
    ];
    for (headers, status, code) in &cases {
        let reply = served.get_with("/oauth2/userinfo", headers).await;
        let challenge = reply.header("www-authenticate").expect("a challenge");
        assert_eq!(reply.status, *status, "{headers}");
        assert!(challenge.starts_with(r#"Bearer realm="mock-idp""#), "{challenge}");
        assert_eq!(challenge.contains(&format!(r#"error="{code}""#)), !code.is_empty(), "{headers}{challenge}");
        assert_eq!(challenge.contains("error"), !code.is_empty(), "§3.1: nothing is said to who sent no token");
    }
    let both = served.post("/oauth2/userinfo", &bearer(&good), &format!("access_token={good}")).await;
    assert_eq!((both.status, both.text("error").as_str()), (400, "invalid_request"), "§2: one way only");
    assert_eq!(served.get(&format!("/oauth2/userinfo?access_token={good}")).await.status, 401, "§2.3 is not supported");
    served.idp.move_clock(300_000);
    assert_eq!(userinfo(&served, &good).await.text("error"), "invalid_token", "its time is over");
}

#[tokio::test]
async fn rp_initiated_logout_ends_the_session_and_its_tokens_but_offline_ones() {
    let served = serve(config(TokenFormat::Opaque)).await;
    let first = sign_in(&served, "", &[]).await;
    let second = sign_in(&served, &first.cookie, &[("client_id", "other"), ("scope", "openid")]).await;
    let offline = sign_in(&served, &first.cookie, &[("scope", "openid offline_access")]).await;
    let stranger = sign_in(&served, "", &[]).await;
    let parameters = [
        ("id_token_hint", first.text("id_token")),
        ("post_logout_redirect_uri", "https://app.example/bye?x=1".into()),
        ("state", "s t".into()),
    ];
    let parameters: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // The hint is good though it has expired.
    served.idp.move_clock(2 * 3_600_000);
    let reply = served.get(&format!("/oauth2/logout?{}", encoded(&parameters))).await;
    assert_eq!(reply.header("location"), Some("https://app.example/bye?x=1&state=s+t"));
    assert!(reply.head.contains("Max-Age=0"), "{}", reply.head);
    let dead = async |token: String| served.idp.facts(&token).is_some_and(|token| token.death.is_some());
    assert!(dead(first.text("refresh_token")).await && dead(second.text("refresh_token")).await);
    assert!(!dead(offline.text("refresh_token")).await, "it is there for when the user is away");
    assert!(!dead(stranger.text("refresh_token")).await, "another session's");
    assert_eq!(refresh(&served, &first.text("refresh_token")).await.text("error"), "invalid_grant");
    let again = sign_in(&served, &first.cookie, &[]).await;
    assert_ne!(again.cookie, first.cookie, "the browser is signed out");
}

#[tokio::test]
async fn rp_initiated_logout_3_goes_to_no_address_that_is_not_registered() {
    let served = serve(config(TokenFormat::Jwt(Algorithm::Es256))).await;
    let granted = sign_in(&served, "", &[]).await;
    let (hint, access) = (granted.text("id_token"), granted.text("access_token"));
    let bye = "https://app.example/bye?x=1";
    let cases: &[&[(&str, &str)]] = &[
        &[("id_token_hint", &hint), ("post_logout_redirect_uri", "https://app.example/bye")],
        &[("id_token_hint", &hint), ("post_logout_redirect_uri", "https://evil.example/")],
        &[("post_logout_redirect_uri", bye)],
        &[("client_id", "other"), ("post_logout_redirect_uri", bye)],
        &[("client_id", "nobody"), ("post_logout_redirect_uri", bye)],
        &[("id_token_hint", &hint), ("client_id", "other")],
        &[("id_token_hint", "eyJ")],
        // An access token is no ID token.
        &[("id_token_hint", &access)],
        &[("state", "x"), ("state", "y")],
    ];
    for parameters in cases {
        let reply = served.get(&format!("/oauth2/logout?{}", encoded(parameters))).await;
        assert_eq!((reply.status, reply.header("location")), (400, None), "{parameters:?}");
    }
    assert!(served.idp.facts(&granted.text("refresh_token")).is_some_and(|token| token.death.is_none()));
}

#[tokio::test]
async fn rp_initiated_logout_2_without_a_hint_the_user_is_asked() {
    let login = LoginSettings { mode: LoginMode::Page, ..LoginSettings::default() };
    let served = serve(Config { login, ..config(TokenFormat::Opaque) }).await;
    let asked = [("response_type", "code"), ("client_id", "web"), ("redirect_uri", BACK), ("scope", "openid")];
    let asked = format!("/oauth2/authorize?{}", encoded(&asked));
    let page = served.get(&asked).await;
    let key = page.interaction();
    let form = [("interaction", key.as_str()), ("action", "login"), ("username", "alice"), ("password", "")];
    let browser = format!("Cookie: {}\r\n", page.cookies());
    let signed_in = served.post("/oauth2/interaction", &browser, &encoded(&form)).await;
    let browser = format!("Cookie: {}; {}\r\n", page.cookies(), signed_in.cookies());
    let silent = format!("{asked}&prompt=none");
    let error = async |headers: &str| served.get_with(&silent, headers).await.sent("error");
    assert_eq!(error(&browser).await.as_deref(), Some("consent_required"), "signed in");
    for (word, then) in [("deny", "consent_required"), ("allow", "login_required")] {
        let page = served.get_with("/oauth2/logout", &browser).await;
        assert!(page.body.contains("Sign out?"), "{page:?}");
        assert_eq!(error(&browser).await.as_deref(), Some("consent_required"), "asking changes nothing");
        let form = encoded(&[("interaction", &page.interaction()), ("action", word)]);
        assert_eq!(served.post("/oauth2/interaction", &browser, &form).await.status, 200);
        assert_eq!(error(&browser).await.as_deref(), Some(then));
    }
    assert!(served.get_with("/oauth2/logout", &browser).await.body.contains("signed out"), "nobody is to be asked");
}

#[tokio::test]
async fn openid_connect_discovery_3_metadata_name_what_is_there() {
    for (format, algorithm) in [(TokenFormat::Jwt(Algorithm::Rs256), "RS256"), (TokenFormat::Opaque, "ES256")] {
        let served = serve(config(format)).await;
        let metadata = served.get("/.well-known/openid-configuration").await;
        for required in [
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "response_types_supported",
            "subject_types_supported",
            "id_token_signing_alg_values_supported",
        ] {
            assert!(!metadata.field(required).is_null(), "{required}");
        }
        for (name, endpoint) in [
            ("authorization_endpoint", Endpoint::Authorize),
            ("pushed_authorization_request_endpoint", Endpoint::PushedAuthorization),
            ("device_authorization_endpoint", Endpoint::DeviceAuthorization),
            ("userinfo_endpoint", Endpoint::UserInfo),
            ("end_session_endpoint", Endpoint::EndSession),
        ] {
            assert_eq!(Some(metadata.text(name)), served.idp.url(endpoint, &served.listener), "{name}");
        }
        assert_eq!(metadata.field("response_types_supported"), json!(["code"]));
        assert_eq!(metadata.field("code_challenge_methods_supported"), json!(["S256"]), "RFC 8414 §2");
        assert_eq!(metadata.field("id_token_signing_alg_values_supported"), json!([algorithm]));
        assert_eq!(metadata.field("authorization_response_iss_parameter_supported"), true, "RFC 9207 §3");
        assert_eq!(metadata.field("request_uri_parameter_supported"), false, "it would be true if it were left out");
        let scopes = metadata.field("scopes_supported");
        assert!(SCOPES.iter().all(|scope| scopes.as_array().is_some_and(|all| all.contains(&json!(scope)))));
        let granted = sign_in(&served, "", &[]).await;
        let header = jsonwebtoken::decode_header(granted.text("id_token")).expect("a JWT");
        assert_eq!(format!("{:?}", header.alg), algorithm, "what is signed is what is said");
    }
}

#[tokio::test]
async fn a_key_is_published_though_access_tokens_are_opaque() {
    // ID tokens and answers of introspection (RFC 9701) are signed all the same.
    let served = serve(Config { format: TokenFormat::Opaque, ..Config::default() }).await;
    assert_eq!(served.get("/oauth2/jwks").await.field("keys").as_array().map(Vec::len), Some(1));
}
