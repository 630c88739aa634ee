//! What a configuration file says of clients, assertions, proofs and claims is what the provider does.

use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use mock_idp::settings::Settings;
use mock_idp::{ClaimsError, ExtraClaims, Secret};
use serde_json::{Map, Value, json};

use crate::support::signer::{Signer, with};
use crate::support::{Reply, Served, basic, serve_idp};

const GRANT: &str = "grant_type=client_credentials";
const BEARER: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
const LONG: &str = "0123456789abcdef0123456789abcdef";

async fn served(file: &str) -> Served {
    let settings = Settings::parse(file, "idp.yaml").unwrap_or_else(|errors| panic!("{errors:?}"));
    serve_idp(settings.idp(), "w1").await
}

fn claims(served: &Served, jti: &str) -> Value {
    let now = served.now_s();
    json!({"iss": "worker", "sub": "worker", "aud": served.listener.origin, "iat": now, "exp": now + 60, "jti": jti})
}

async fn assert_with(served: &Served, jwt: &str) -> Reply {
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    let form = format!("{GRANT}&client_assertion_type={kind}&client_assertion={jwt}");
    served.post("/oauth2/token", "", &form).await
}

/// Claims of a JWT.
fn said(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("a JWT");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// The keys of a signer at an address of this machine.
async fn at_an_address(signer: &Signer) -> String {
    let keys = json!({"keys": [signer.jwk]}).to_string();
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("an address");
    let router = Router::new().route("/jwks", get(async move || keys.clone()));
    tokio::spawn(async move { axum::serve(socket, router).await });
    format!("http://{address}/jwks")
}

#[tokio::test]
async fn a_client_signs_with_keys_that_stand_in_the_file_or_at_an_address() {
    let (signer, other) = (Signer::new(Algorithm::ES256, "k1"), Signer::new(Algorithm::ES256, "k1"));
    let inline = format!("jwks: {}", json!({"keys": [signer.jwk]}));
    let fetched = format!("jwks_uri: \"{}\"", at_an_address(&signer).await);
    for keys in [inline, fetched] {
        let served = served(&format!("clients: [{{ id: worker, methods: [private_key_jwt], {keys} }}]\n")).await;
        let reply = assert_with(&served, &signer.jwt(&claims(&served, "1"))).await;
        assert_eq!(reply.status, 200, "{keys}: {}", reply.body);
        let forged = assert_with(&served, &other.jwt(&claims(&served, "2"))).await;
        assert_eq!((forged.status, forged.text("error").as_str()), (401, "invalid_client"), "{keys}");
        let empty = served.post("/oauth2/token", &basic("worker", ""), GRANT).await;
        assert_eq!(empty.status, 401, "a client without a secret has no empty one");
    }
}

#[tokio::test]
async fn a_client_signs_with_its_secret() {
    let served = served(&format!("clients: [{{ id: worker, methods: [client_secret_jwt], secret: {LONG} }}]\n")).await;
    let reply = assert_with(&served, &Signer::shared(Algorithm::HS256, LONG).jwt(&claims(&served, "1"))).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let other = Signer::shared(Algorithm::HS256, &LONG.to_uppercase()).jwt(&claims(&served, "2"));
    assert_eq!(assert_with(&served, &other).await.status, 401);
    assert_eq!(served.post("/oauth2/token", &basic("worker", LONG), GRANT).await.status, 401, "it may not send it");
}

#[tokio::test]
async fn a_client_must_prove_a_dpop_key_and_perhaps_a_nonce() {
    let client = "clients: [{ id: worker, secret: secret, dpop_bound_access_tokens: true }]\n";
    let signer = Signer::new(Algorithm::ES256, "k1");
    let proof = |served: &Served, age: i64, more: Value| {
        let url = format!("{}/oauth2/token", served.listener.origin);
        let claims = json!({"htm": "POST", "htu": url, "iat": served.now_s() - age, "jti": format!("{age}{more}")});
        format!("{}DPoP: {}\r\n", basic("worker", "secret"), signer.proof(&with(&claims, more)))
    };
    let strict = served(&format!("{client}dpop: {{ max_age: 10s }}\n")).await;
    let without = strict.token(GRANT).await;
    assert_eq!((without.status, without.text("error").as_str()), (400, "invalid_dpop_proof"), "{}", without.body);
    assert_eq!(strict.post("/oauth2/token", &proof(&strict, 60, json!({})), GRANT).await.status, 400, "it is too old");
    let bound = strict.post("/oauth2/token", &proof(&strict, 0, json!({})), GRANT).await;
    assert_eq!((bound.status, bound.text("token_type").as_str()), (200, "DPoP"), "{}", bound.body);

    let served = served(&format!("{client}dpop: {{ nonce_lifetime: 5m }}\n")).await;
    let asked = served.post("/oauth2/token", &proof(&served, 0, json!({})), GRANT).await;
    assert_eq!(asked.text("error"), "use_dpop_nonce", "RFC 9449 §8");
    let nonce = asked.header("dpop-nonce").expect("it is told").to_owned();
    let with_it = served.post("/oauth2/token", &proof(&served, 1, json!({"nonce": nonce})), GRANT).await;
    assert_eq!(with_it.status, 200, "{}", with_it.body);
}

#[tokio::test]
async fn assertions_are_held_to_the_rules_of_the_file() {
    let signer = Signer::new(Algorithm::ES256, "k1");
    let client =
        format!("clients: [{{ id: worker, methods: [private_key_jwt], jwks: {} }}]\n", json!({"keys": [signer.jwk]}));
    let default = served(&client).await;
    let rules = "client_assertions: { audiences: [token_endpoint], other_audiences: [\"urn:here\"], max_lifetime: 2m, \
                 skew: 30s, jti_required: false }\n";
    let ruled = served(&format!("{client}{rules}")).await;
    let now = default.now_s();
    for (changes, by_default, by_rules) in [
        (json!({}), 200, 401),
        (json!({"aud": "urn:here"}), 401, 200),
        (json!({"aud": "urn:here", "exp": now + 600}), 401, 401),
        (json!({"exp": now + 600}), 200, 401),
        (json!({"aud": "urn:here", "iat": now + 20, "exp": now + 40}), 401, 200),
        (json!({"aud": "urn:here", "jti": null}), 401, 200),
    ] {
        for (served, wanted) in [(&default, by_default), (&ruled, by_rules)] {
            let unique = json!({"jti": changes.to_string()});
            let jwt = signer.jwt(&with(&with(&claims(served, ""), unique), changes.clone()));
            let reply = assert_with(served, &jwt).await;
            assert_eq!(reply.status, wanted, "{changes}: {}", reply.body);
        }
    }
    let jwt =
        signer.jwt(&with(&claims(&ruled, "t"), json!({"aud": format!("{}/oauth2/token", ruled.listener.origin)})));
    assert_eq!(assert_with(&ruled, &jwt).await.status, 200, "the word stands for the address");
}

#[tokio::test]
async fn assertions_of_trusted_issuers_are_grants() {
    let signer = Signer::new(Algorithm::ES256, "k1");
    let file = |more: &str| {
        format!(
            "clients:\n  - {{ id: robot@example, methods: [none], grants: [\
             \"urn:ietf:params:oauth:grant-type:jwt-bearer\"], scopes: [orders.read] }}\ntrusted_issuers:\n  - issuer: \
             robot@example\n    service_account: robot@example\n    audiences: [\"https://oauth2.googleapis.com/token\"]\n    \
             jwks: {}\n{more}",
            json!({"keys": [signer.jwk]})
        )
    };
    let ask = async |served: &Served, jti: &str, changes: Value| {
        let own = json!({"iss": "robot@example", "sub": null, "aud": "https://oauth2.googleapis.com/token"});
        let jwt = signer.jwt(&with(&with(&claims(served, jti), own), changes));
        served.post("/oauth2/token", "", &format!("{BEARER}&assertion={jwt}")).await
    };
    let alone = served(&file("")).await;
    let reply = ask(&alone, "1", json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(said(&reply.text("access_token"))["sub"], "robot@example");
    assert_eq!(ask(&alone, "2", json!({"sub": "alice"})).await.status, 400, "it speaks for itself only");
    assert_eq!(ask(&alone, "3", json!({"aud": "urn:elsewhere"})).await.status, 400);
    let for_others = served(&file("    subjects: [alice]\nassertion_grants: { max_lifetime: 30s }\n")).await;
    let within = json!({"sub": "alice", "exp": for_others.now_s() + 20});
    assert_eq!(ask(&for_others, "4", within).await.status, 200);
    assert_eq!(ask(&for_others, "5", json!({"sub": "alice"})).await.status, 400, "it lives for a minute");
    assert_eq!(ask(&for_others, "6", json!({})).await.status, 400, "not for itself then");
}

/// Claims of so many bytes as JSON.
fn of_size(bytes: usize) -> Map<String, Value> {
    // {"a":"…"} has eight bytes beside the text.
    Map::from_iter([("a".to_owned(), "x".repeat(bytes - 8).into())])
}

#[tokio::test]
async fn tokens_have_the_claims_of_their_client() {
    for format in ["es256", "opaque"] {
        let file = format!(
            "tokens: {{ format: {format} }}\nclients:\n  - {{ id: worker, secret: secret, claims: {{ team: billing, \
             limits: {{ orders: 7 }} }} }}\n  - {{ id: plain, secret: secret }}\n"
        );
        let served = served(&file).await;
        let token = served.token(GRANT).await.text("access_token");
        let plain = served.post("/oauth2/token", &basic("plain", "secret"), GRANT).await.text("access_token");
        if format == "es256" {
            assert_eq!((&said(&token)["team"], &said(&token)["limits"]), (&json!("billing"), &json!({"orders": 7})));
            assert_eq!(said(&token)["client_id"], "worker", "the server's own are there");
            assert!(said(&plain).get("team").is_none(), "others have nothing of it");
        }
        let told = served.post("/oauth2/introspect", &basic("worker", "secret"), &format!("token={token}")).await;
        assert_eq!((told.text("team"), told.field("active")), ("billing".into(), json!(true)), "{}", told.body);
    }
}

#[tokio::test]
async fn claims_may_have_64_kib_and_no_byte_more() {
    let file = |bytes: usize| {
        let claims = json!(of_size(bytes));
        format!("clients:\n  - id: worker\n    secret: secret\n    claims: {claims}\n")
    };
    let served = served(&file(ExtraClaims::LIMIT)).await;
    let token = served.token(GRANT).await.text("access_token");
    assert_eq!(said(&token)["a"].as_str().map(str::len), Some(ExtraClaims::LIMIT - 8));
    assert!(served.is_active(&token).await, "so large a token can be presented");
    let errors = Settings::parse(&file(ExtraClaims::LIMIT + 1), "idp.yaml").expect_err("one byte too many");
    assert_eq!((errors[0].line(), errors[0].column()), (4, 13), "{}", errors[0]);
    assert!(
        errors[0].message().contains("65537 bytes as JSON") && errors[0].message().contains("64 KiB"),
        "{}",
        errors[0]
    );
    assert!(matches!(ExtraClaims::new(of_size(ExtraClaims::LIMIT + 1)), Err(ClaimsError::TooLarge { size: 65537 })));
}

#[tokio::test]
async fn changes_take_as_long_as_the_file_says_and_a_reset_keeps_that() {
    let served = served("clients: [{ id: worker, secret: secret }]\npropagation: { secret: 10s }\n").await;
    for _ in 0..2 {
        served.idp.rotate_secret("worker", Secret::new("newer"));
        assert_eq!(served.token(GRANT).await.status, 200, "the old one is still right");
        served.idp.move_clock(10_000);
        assert_eq!(served.token(GRANT).await.status, 401);
        served.idp.reset();
    }
}
