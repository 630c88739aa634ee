//! How clients prove who they are: secrets, assertions (RFC 7523), public clients. Certificates are in `tls.rs`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use jsonwebtoken::{Algorithm, Header};
use mock_idp::{
    AssertionRules, Audience, AuthMethod, Client, ClientSecret, Config, GrantType, KeySource, Secret, TokenFormat,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::signer::{Signer, with};
use crate::support::{Reply, Served, basic, serve};

const GRANT: &str = "grant_type=client_credentials";
const LONG: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn config(clients: Vec<Client>) -> Config {
    Config { clients, format: TokenFormat::Opaque, ..Config::default() }
}

fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("j{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn claims(served: &Served) -> Value {
    let now = served.now_s();
    json!({"iss": "worker", "sub": "worker", "aud": served.listener.origin, "iat": now, "exp": now + 60, "jti": unique()})
}

async fn assert_with(served: &Served, jwt: &str, more: &str) -> Reply {
    let form = format!(
        "{GRANT}&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
         &client_assertion={jwt}{more}"
    );
    served.post("/oauth2/token", "", &form).await
}

async fn keyed(signer: &Signer) -> Served {
    let client = Client::new("worker", LONG).methods([AuthMethod::PrivateKeyJwt]).keys(signer.keys());
    serve(config(vec![client])).await
}

#[tokio::test]
async fn private_key_jwt_with_each_algorithm_that_metadata_name() {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let all = [RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA];
    for algorithm in all {
        let signer = Signer::new(algorithm, "k1");
        let served = keyed(&signer).await;
        let reply = assert_with(&served, &signer.jwt(&claims(&served)), "").await;
        assert_eq!(reply.status, 200, "{algorithm:?} {}", reply.body);
    }
    let served = serve(config(vec![])).await;
    let metadata = served.get("/.well-known/oauth-authorization-server").await;
    let named = metadata.field("token_endpoint_auth_signing_alg_values_supported");
    let hmac = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    let all: Vec<String> = all.iter().chain(&hmac).map(|algorithm| format!("{algorithm:?}")).collect();
    assert_eq!(named, json!(all), "RFC 8414 §2");
    let methods = ["none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"];
    assert_eq!(metadata.field("token_endpoint_auth_methods_supported"), json!(methods), "no certificates without TLS");
    assert_eq!(metadata.field("introspection_endpoint_auth_methods_supported"), json!(methods[1..]));
}

#[tokio::test]
async fn client_secret_jwt_needs_a_secret_as_long_as_its_hash() {
    for (algorithm, shortest) in [(Algorithm::HS256, 32), (Algorithm::HS384, 48), (Algorithm::HS512, 64)] {
        for (length, good) in [(shortest, true), (shortest - 1, false)] {
            let secret = &LONG[..length];
            let client = Client::new("worker", secret).methods([AuthMethod::SecretJwt]);
            let served = serve(config(vec![client])).await;
            let reply = assert_with(&served, &Signer::shared(algorithm, secret).jwt(&claims(&served)), "").await;
            assert_eq!(reply.status == 200, good, "RFC 7518 §3.2: {algorithm:?} with {length} bytes: {}", reply.body);
            let wrong =
                assert_with(&served, &Signer::shared(algorithm, &"x".repeat(64)).jwt(&claims(&served)), "").await;
            assert_eq!((wrong.status, wrong.text("error").as_str()), (401, "invalid_client"));
        }
    }
}

#[tokio::test]
async fn rfc7523_3_whatever_is_wrong_with_a_client_assertion_is_invalid_client() {
    let signer = Signer::new(Algorithm::ES256, "k1");
    let served = keyed(&signer).await;
    let now = served.now_s();
    let token_url = format!("{}/oauth2/token", served.listener.origin);
    for good in [
        json!({}),
        json!({"aud": token_url}),
        json!({"aud": ["elsewhere", served.listener.origin]}),
        json!({"iat": null}),
        json!({"nbf": now}),
        json!({"exp": now + 3600}),
        json!({"exp": f64::from(i32::try_from(now).expect("before 2038")) + 60.5}),
    ] {
        let reply = assert_with(&served, &signer.jwt(&with(&claims(&served), good.clone())), "").await;
        assert_eq!(reply.status, 200, "{good}: {}", reply.body);
    }
    for bad in [
        json!({"iss": null}),
        json!({"iss": "other"}),
        json!({"sub": null}),
        json!({"sub": "nobody"}),
        json!({"aud": null}),
        json!({"aud": "https://elsewhere.example"}),
        json!({"aud": format!("{}/", served.listener.origin)}),
        json!({"aud": 1}),
        json!({"exp": null}),
        json!({"exp": now}),
        json!({"exp": (now + 60).to_string()}),
        json!({"iat": now - 3600, "exp": now + 1}),
        json!({"exp": now + 3700}),
        json!({"iat": null, "exp": now + 3700}),
        json!({"iat": now + 30}),
        json!({"nbf": now + 30}),
        json!({"jti": null}),
        json!({"jti": ""}),
    ] {
        let reply = assert_with(&served, &signer.jwt(&with(&claims(&served), bad.clone())), "").await;
        assert_eq!((reply.status, reply.text("error").as_str()), (401, "invalid_client"), "{bad}: {}", reply.body);
        assert_eq!(reply.text("error_description"), "client authentication failed", "one text for every cause");
    }
}

#[tokio::test]
async fn an_assertion_is_verified_by_the_clients_own_key_of_its_kid_and_algorithm() {
    let signer = Signer::new(Algorithm::ES256, "k1");
    let served = keyed(&signer).await;
    let good = claims(&served);
    let mut none = Header::new(Algorithm::ES256);
    none.kid = None;
    assert_eq!(assert_with(&served, &signer.sign(&none, &claims(&served)), "").await.status, 200, "kid is optional");
    let other_kid = Header { kid: Some("k2".into()), ..Header::new(Algorithm::ES256) };
    let critical = Header { crit: Some(vec!["exp".into()]), kid: Some("k1".into()), ..Header::new(Algorithm::ES256) };
    let signed = signer.jwt(&good);
    let unsigned = signed.rsplit_once('.').expect("a JWT").0;
    // The public key as a shared secret: the oldest trick of all.
    let public = serde_json::to_string(&signer.jwk).expect("JSON");
    for (bad, what) in [
        (Signer::new(Algorithm::ES256, "k1").jwt(&good), "another key"),
        (Signer::new(Algorithm::RS256, "k1").jwt(&good), "another algorithm"),
        (Signer::shared(Algorithm::HS256, &public).jwt(&good), "the public key as a secret"),
        (Signer::shared(Algorithm::HS256, LONG).jwt(&good), "another method than is registered"),
        (signer.sign(&other_kid, &good), "another kid"),
        (signer.sign(&critical, &good), "RFC 7515 §4.1.11"),
        (format!("{unsigned}."), "no signature"),
        ("e30.e30.e30".into(), "no algorithm"),
        ("x".into(), "no JWT"),
    ] {
        let reply = assert_with(&served, &bad, "").await;
        assert_eq!((reply.status, reply.text("error").as_str()), (401, "invalid_client"), "{what}");
    }
}

#[tokio::test]
async fn rfc7523_3_a_jti_is_good_once_until_its_time_is_over() {
    let signer = Signer::new(Algorithm::ES256, "k1");
    let served = keyed(&signer).await;
    let jwt = signer.jwt(&claims(&served));
    assert_eq!(assert_with(&served, &jwt, "").await.status, 200);
    assert_eq!(assert_with(&served, &jwt, "").await.text("error"), "invalid_client");
    let again = with(&claims(&served), json!({"jti": "once", "exp": served.now_s() + 5}));
    assert_eq!(assert_with(&served, &signer.jwt(&again), "").await.status, 200);
    let later = with(&again, json!({"exp": served.now_s() + 10}));
    assert_eq!(assert_with(&served, &signer.jwt(&later), "").await.status, 401, "another JWT with the same jti");
    served.idp.move_clock(6_000);
    assert_eq!(assert_with(&served, &signer.jwt(&later), "").await.status, 200, "forgotten when it is over");
}

#[tokio::test]
async fn rules_of_assertions_are_data() {
    let signer = Signer::new(Algorithm::ES256, "k1");
    let client = Client::new("worker", LONG).methods([AuthMethod::PrivateKeyJwt]).keys(signer.keys());
    let rules = AssertionRules {
        audiences: vec![Audience::Exactly("https://tenant.example/".into())],
        max_lifetime: Some(Duration::from_secs(300)),
        skew: Duration::from_secs(10),
        jti_required: false,
        max_length: Some(2048),
        max_claim_length: Some(64),
    };
    let served = serve(Config { client_assertions: Some(rules), ..config(vec![client]) }).await;
    let now = served.now_s();
    let base = with(&claims(&served), json!({"aud": "https://tenant.example/", "jti": null}));
    for (changes, good) in [
        (json!({}), true),
        (json!({"aud": served.listener.origin}), false),
        (json!({"iat": now + 8}), true),
        (json!({"iat": now + 20}), false),
        (json!({"iat": null, "exp": now - 8}), true),
        (json!({"iat": null, "exp": now - 20}), false),
        (json!({"exp": now + 300}), true),
        (json!({"exp": now + 301}), false),
        (json!({"jti": "x".repeat(64)}), true),
        (json!({"jti": "x".repeat(65)}), false),
        (json!({"padding": "x".repeat(2048)}), false),
    ] {
        let reply = assert_with(&served, &signer.jwt(&with(&base, changes.clone())), "").await;
        assert_eq!(reply.status == 200, good, "{changes}: {}", reply.body);
    }
}

#[tokio::test]
async fn rfc6749_2_3_one_method_a_request_and_for_one_client() {
    let signer = Signer::new(Algorithm::ES256, "k1");
    let served = keyed(&signer).await;
    let jwt = || signer.jwt(&claims(&served));
    assert_eq!(assert_with(&served, &jwt(), "&client_id=worker").await.status, 200, "RFC 7521 §4.2");
    for (jwt, more) in [(jwt(), "&client_id=other"), (jwt(), "&client_secret=x"), (jwt(), "&client_assertion=x")] {
        let reply = assert_with(&served, &jwt, more).await;
        assert_eq!((reply.status, reply.text("error").as_str()), (400, "invalid_request"), "{more}");
    }
    let form = format!("{GRANT}&client_assertion={}", jwt());
    assert_eq!(served.post("/oauth2/token", "", &form).await.text("error"), "invalid_request", "its type is missing");
    let form = format!("{form}&client_assertion_type=urn%3Asaml");
    assert_eq!(served.post("/oauth2/token", "", &form).await.text("error"), "invalid_client", "another type");
    let type_name = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    let form = format!("{GRANT}&{type_name}&client_assertion={}", jwt());
    let both = served.post("/oauth2/token", &basic("worker", LONG), &form).await;
    assert_eq!((both.status, both.text("error").as_str()), (400, "invalid_request"));
}

#[tokio::test]
async fn an_assertion_opens_the_other_endpoints_too() {
    let signer = Signer::new(Algorithm::ES256, "k1");
    let served = keyed(&signer).await;
    let token = assert_with(&served, &signer.jwt(&claims(&served)), "").await.text("access_token");
    for (path, called) in [("/oauth2/introspect", true), ("/oauth2/introspect", false), ("/oauth2/revoke", true)] {
        let origin = &served.listener.origin;
        let aud = if called { format!("{origin}{path}") } else { format!("{origin}/oauth2/token") };
        let jwt = signer.jwt(&with(&claims(&served), json!({"aud": aud})));
        let form = format!(
            "token={token}&client_assertion={jwt}\
             &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
        );
        let reply = served.post(path, "", &form).await;
        assert_eq!(reply.status, 200, "{path} with {aud}: {}", reply.body);
    }
    assert!(served.idp.facts(&token).is_some_and(|facts| facts.death.is_some()), "it was revoked");
}

/// Serves key sets, and counts how often it is asked.
async fn key_server(replies: Vec<(u16, String)>) -> (String, std::sync::Arc<AtomicU64>) {
    let asked = std::sync::Arc::new(AtomicU64::new(0));
    let counted = std::sync::Arc::clone(&asked);
    let answer = move || {
        let turn = usize::try_from(counted.fetch_add(1, Ordering::SeqCst)).expect("few");
        let (status, body) = replies[turn.min(replies.len() - 1)].clone();
        async move { (axum::http::StatusCode::from_u16(status).expect("a status"), body) }
    };
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/keys?of=worker", socket.local_addr().expect("an address"));
    let router = Router::new().route("/keys", get(answer)).into_service();
    tokio::spawn(async move {
        while let Ok((io, _)) = socket.accept().await {
            tokio::spawn(mock_idp::fault::serve_connection(io, router.clone()));
        }
    });
    (url, asked)
}

#[tokio::test]
async fn keys_are_fetched_kept_and_fetched_again_when_one_is_not_known() {
    let (old, new) = (Signer::new(Algorithm::ES256, "k1"), Signer::new(Algorithm::ES256, "k2"));
    let set = |signers: &[&Signer]| json!({"keys": signers.iter().map(|one| &one.jwk).collect::<Vec<_>>()}).to_string();
    let (url, asked) = key_server(vec![(200, set(&[&old])), (200, set(&[&old, &new]))]).await;
    let keys = KeySource::url(&url).expect("an address here");
    let client = Client::new("worker", LONG).methods([AuthMethod::PrivateKeyJwt]).keys(keys);
    let served = serve(config(vec![client])).await;
    for (signer, status, times) in [(&old, 200, 1), (&old, 200, 1), (&new, 200, 2), (&old, 200, 2)] {
        let reply = assert_with(&served, &signer.jwt(&claims(&served)), "").await;
        assert_eq!((reply.status, asked.load(Ordering::SeqCst)), (status, times), "{}", reply.body);
    }
    served.idp.move_clock(300_000);
    assert_eq!(assert_with(&served, &old.jwt(&claims(&served)), "").await.status, 200);
    assert_eq!(asked.load(Ordering::SeqCst), 3, "after five minutes they are fetched again");
    served.post("/oauth2/token", &basic("nobody", "x"), GRANT).await;
    assert_eq!(asked.load(Ordering::SeqCst), 3, "nothing is fetched for those who sign nothing");
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_no_keys() {
    let signer = Signer::new(Algorithm::ES256, "k1");
    let set = json!({"keys": [signer.jwk]}).to_string();
    let huge = json!({"keys": [signer.jwk], "padding": "x".repeat(300_000)}).to_string();
    for (status, body) in [(500, set.clone()), (200, "x".into()), (200, huge), (302, set)] {
        let (url, _) = key_server(vec![(status, body)]).await;
        let keys = KeySource::url(&url).expect("an address here");
        let client = Client::new("worker", LONG).methods([AuthMethod::PrivateKeyJwt]).keys(keys);
        let served = serve(config(vec![client])).await;
        let reply = assert_with(&served, &signer.jwt(&claims(&served)), "").await;
        assert_eq!((reply.status, reply.text("error").as_str()), (401, "invalid_client"), "{status}");
    }
}

#[tokio::test]
async fn two_secrets_are_good_at_once_each_in_its_time() {
    let served = serve(config(vec![Client::new("worker", "first")])).await;
    let status = async |secret: &str| served.post("/oauth2/token", &basic("worker", secret), GRANT).await.status;
    let now_ms = served.idp.clock().now_ms();
    served.idp.add_secret("worker", ClientSecret::new("second").from_ms(now_ms + 10_000), Duration::from_secs(60));
    assert_eq!((status("first").await, status("second").await), (200, 401), "not valid yet");
    served.idp.move_clock(15_000);
    assert_eq!((status("first").await, status("second").await), (200, 200));
    served.idp.move_clock(60_000);
    assert_eq!((status("first").await, status("second").await), (401, 200), "the overlap is over");
    served.idp.rotate_secret("worker", Secret::new("third"));
    assert_eq!((status("second").await, status("third").await), (401, 200), "without overlap");
}

#[tokio::test]
async fn an_expired_secret_signs_nothing_either() {
    let served = serve(config(vec![Client::new("worker", LONG).methods([AuthMethod::SecretJwt])])).await;
    let signer = Signer::shared(Algorithm::HS256, LONG);
    served.idp.add_secret("worker", ClientSecret::new("x"), Duration::from_secs(30));
    assert_eq!(assert_with(&served, &signer.jwt(&claims(&served)), "").await.status, 200);
    served.idp.move_clock(31_000);
    assert_eq!(assert_with(&served, &signer.jwt(&claims(&served)), "").await.status, 401);
}

#[tokio::test]
async fn a_public_client_uses_what_needs_no_proof() {
    let everything = [GrantType::ClientCredentials, GrantType::RefreshToken];
    let served = serve(config(vec![Client::public("app").grants(everything), Client::new("worker", "secret")])).await;
    let post = async |path: &str, form: &str| served.post(path, "", form).await;
    let token = served.idp.mint_refresh_token("app", "alice", &served.listener).expect("known").value;
    let refresh = format!("grant_type=refresh_token&refresh_token={}&client_id=app", token.expose());
    let granted = post("/oauth2/token", &refresh).await;
    assert_eq!(granted.status, 200, "{}", granted.body);
    let alone = post("/oauth2/token", &format!("{GRANT}&client_id=app")).await;
    assert_eq!(alone.text("error"), "unauthorized_client", "RFC 6749 §4.4");
    let confidential = post("/oauth2/token", &refresh.replace("client_id=app", "client_id=worker")).await;
    assert_eq!((confidential.status, confidential.text("error").as_str()), (401, "invalid_client"));
    let told = post("/oauth2/introspect", &format!("token={}&client_id=app", granted.text("access_token"))).await;
    assert_eq!((told.status, told.text("error").as_str()), (401, "invalid_client"), "RFC 7662 §2.1");
    let revoked = post("/oauth2/revoke", &format!("token={}&client_id=app", token.expose())).await;
    assert_eq!(revoked.status, 200, "RFC 7009 §2.1");
    assert_eq!(post("/oauth2/token", &refresh).await.text("error"), "invalid_grant");
    let with_secret = served.post("/oauth2/token", &basic("app", "x"), &refresh).await;
    assert_eq!(with_secret.text("error"), "invalid_client", "it has no secret");
}

#[tokio::test]
async fn a_disabled_client_is_refused_whatever_it_shows() {
    let signer = Signer::new(Algorithm::ES256, "k1");
    let served = keyed(&signer).await;
    served.idp.disable_client("worker");
    assert_eq!(assert_with(&served, &signer.jwt(&claims(&served)), "").await.text("error"), "invalid_client");
    served.idp.enable_client("worker");
    assert_eq!(assert_with(&served, &signer.jwt(&claims(&served)), "").await.status, 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_header_and_no_assertion_is_a_server_error(
        header in "[ -~]{0,60}",
        encoded in "[A-Za-z0-9+/=]{0,40}",
        assertion in "[A-Za-z0-9_.-]{0,80}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let served = serve(config(vec![Client::new("worker", LONG)])).await;
            for header in [header, format!("Basic {encoded}")] {
                let reply = served.post("/oauth2/token", &format!("Authorization: {header}\r\n"), GRANT).await;
                assert!((400..500).contains(&reply.status), "{header}: {}", reply.status);
            }
            assert!((400..500).contains(&assert_with(&served, &assertion, "").await.status), "{assertion}");
        });
    }
}
