//! DPoP (RFC 9449), at the token endpoint and at an API.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use mock_idp::dpop::{DpopError, DpopRules, DpopVerifier, Nonces, Presented};
use mock_idp::{AuthMethod, Client, Config, ExchangePolicy, GrantType, TokenFormat};
use serde_json::{Value, json};

use crate::support::signer::{Signer, with};
use crate::support::{Reply, Served, basic, serve};

const GRANT: &str = "grant_type=client_credentials";

fn config() -> Config {
    let mut api = Client::new("api", "secret");
    api.resource_server = true;
    Config { clients: vec![Client::new("worker", "secret"), api], ..Config::default() }
}

fn claims(served: &Served, jti: &str) -> Value {
    let url = format!("{}/oauth2/token", served.listener.origin);
    json!({"htm": "POST", "htu": url, "iat": served.now_s(), "jti": jti})
}

async fn post(served: &Served, proofs: &[&str], form: &str) -> Reply {
    let lines: String = proofs.iter().map(|proof| format!("DPoP: {proof}\r\n")).collect();
    served.post("/oauth2/token", &format!("{}{lines}", basic("worker", "secret")), form).await
}

#[tokio::test]
async fn rfc9449_5_and_6_a_proof_binds_the_token_to_its_key() {
    for format in [TokenFormat::Opaque, TokenFormat::Jwt(mock_idp::Algorithm::Es256)] {
        for algorithm in [Algorithm::ES256, Algorithm::EdDSA, Algorithm::PS256] {
            let signer = Signer::new(algorithm, "k1");
            let served = serve(Config { format, ..config() }).await;
            let reply = post(&served, &[&signer.proof(&claims(&served, "1"))], GRANT).await;
            assert_eq!((reply.status, reply.text("token_type").as_str()), (200, "DPoP"), "{}", reply.body);
            let token = reply.text("access_token");
            let told = served.post("/oauth2/introspect", &basic("api", "secret"), &format!("token={token}")).await;
            assert_eq!(told.text("token_type"), "DPoP");
            assert_eq!(told.field("cnf"), json!({"jkt": signer.jkt()}), "RFC 9449 §6.2");
            if let Some(part) = token.split('.').nth(1) {
                let claims: Value =
                    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON");
                assert_eq!(claims["cnf"]["jkt"], signer.jkt(), "RFC 9449 §6.1");
            }
        }
    }
    let served = serve(config()).await;
    let plain = post(&served, &[], GRANT).await;
    assert_eq!((plain.status, plain.text("token_type").as_str()), (200, "Bearer"));
}

#[tokio::test]
async fn rfc9449_4_3_each_check_of_a_proof_refuses() {
    let signer = Signer::new(Algorithm::ES256, "k1");
    let served = serve(config()).await;
    let now = served.now_s();
    let refused = async |proof: &str, what: &str| {
        let reply = post(&served, &[proof], GRANT).await;
        assert_eq!((reply.status, reply.text("error").as_str()), (400, "invalid_dpop_proof"), "{what}");
    };
    let good = claims(&served, "1");
    for bad in [
        json!({"htm": "GET"}),
        json!({"htm": null}),
        json!({"htu": "http://127.0.0.1:1/oauth2/token"}),
        json!({"htu": format!("{}/oauth2/revoke", served.listener.origin)}),
        json!({"htu": null}),
        json!({"iat": null}),
        json!({"iat": now - 100}),
        json!({"iat": now + 100}),
        json!({"iat": "x"}),
        json!({"jti": null}),
    ] {
        refused(&signer.proof(&with(&good, bad.clone())), &bad.to_string()).await;
    }
    let mut header = Header::new(Algorithm::ES256);
    header.jwk = Some(signer.jwk.clone());
    refused(&signer.sign(&header, &good), "typ is JWT").await;
    header.typ = Some("dpop+jwt".into());
    header.jwk = None;
    refused(&signer.sign(&header, &good), "no jwk").await;
    header.jwk = Some(Signer::new(Algorithm::ES256, "k1").jwk);
    refused(&signer.sign(&header, &good), "another's jwk").await;
    let shared = Signer::shared(Algorithm::HS256, "0123456789abcdef0123456789abcdef");
    refused(&shared.proof(&good), "a shared secret").await;
    // The private part is in the header that is signed, so that nothing else is wrong with it.
    let mut jwk = serde_json::to_value(&signer.jwk).expect("JSON");
    jwk["d"] = "AA".into();
    let mut private = Header::new(Algorithm::ES256);
    private.typ = Some("dpop+jwt".into());
    private.extras.insert("jwk", jwk);
    refused(&signer.sign(&private, &good), "a private key").await;
    let twice = signer.proof(&claims(&served, "2"));
    let reply = post(&served, &[&twice, &twice], GRANT).await;
    assert_eq!(reply.text("error"), "invalid_dpop_proof", "more than one");
    assert_eq!(post(&served, &[&signer.proof(&good)], GRANT).await.status, 200, "the good one is good");
    refused(&signer.proof(&good), "RFC 9449 §11.1: jti was used").await;
    let query = with(&claims(&served, "3"), json!({"htu": format!("{}/oauth2/token?x=1#y", served.listener.origin)}));
    assert_eq!(post(&served, &[&signer.proof(&query)], GRANT).await.status, 200, "query and fragment do not matter");
}

#[tokio::test]
async fn rfc9449_8_a_nonce_is_asked_for_told_and_rotated() {
    let signer = Signer::new(Algorithm::ES256, "k1");
    let dpop = DpopRules { nonces: Nonces::On { lifetime: Duration::from_secs(30) }, ..DpopRules::default() };
    let served = serve(Config { dpop, ..config() }).await;
    let nonce = |reply: &Reply| {
        let line = reply.head.lines().find_map(|line| line.strip_prefix("dpop-nonce: "));
        line.expect("a nonce").to_owned()
    };
    let send = async |nonce: Option<&str>, jti: &str| {
        let proof = signer.proof(&with(&claims(&served, jti), json!({"nonce": nonce})));
        post(&served, &[&proof], GRANT).await
    };
    let asked = send(None, "1").await;
    assert_eq!((asked.status, asked.text("error").as_str()), (400, "use_dpop_nonce"));
    let first = nonce(&asked);
    let granted = send(Some(&first), "1").await;
    assert_eq!((granted.status, nonce(&granted) == first), (200, true), "a refused proof does not use up its jti");
    served.idp.move_clock(30_000);
    let next = send(Some(&first), "2").await;
    assert_eq!(next.status, 200, "the one before the newest is good");
    assert_ne!(nonce(&next), first, "RFC 9449 §8.2: a new one on a 200");
    served.idp.move_clock(30_000);
    let late = send(Some(&first), "3").await;
    assert_eq!(late.text("error"), "use_dpop_nonce");
    let newest = nonce(&late);
    assert_eq!(send(Some("guessed"), "4").await.text("error"), "use_dpop_nonce");
    served.idp.replace_dpop_nonces();
    assert_eq!(send(Some(&newest), "5").await.text("error"), "use_dpop_nonce", "replaced by hand");
    let bearer = post(&served, &[], GRANT).await;
    assert!(bearer.status == 200 && !bearer.head.contains("dpop-nonce"), "who shows no proof needs no nonce");
}

#[tokio::test]
async fn a_client_may_have_to_use_dpop() {
    let mut worker = Client::new("worker", "secret");
    worker.dpop_bound = true;
    let served = serve(Config { clients: vec![worker], ..config() }).await;
    assert_eq!(post(&served, &[], GRANT).await.text("error"), "invalid_dpop_proof");
    let signer = Signer::new(Algorithm::ES256, "k1");
    assert_eq!(post(&served, &[&signer.proof(&claims(&served, "1"))], GRANT).await.text("token_type"), "DPoP");
}

#[tokio::test]
async fn rfc9449_5_the_refresh_token_of_a_public_client_is_bound_that_of_another_is_not() {
    let exchange = ExchangePolicy { impersonation: true, ..ExchangePolicy::default() };
    let grants = [GrantType::RefreshToken, GrantType::TokenExchange, GrantType::ClientCredentials];
    let mut app = Client::public("app").grants(grants);
    let mut worker = Client::new("worker", "secret").grants(grants);
    (app.exchange, worker.exchange) = (exchange.clone(), exchange);
    for (client, bound) in [(app, true), (worker, false)] {
        let credentials = match client.methods[..] {
            [AuthMethod::None] => "&client_id=app",
            _ => "&client_id=worker&client_secret=secret",
        };
        let other = Client::new("source", "secret");
        let served = serve(Config { clients: vec![client, other], ..config() }).await;
        let send = async |proof: Option<String>, form: &str| {
            let line = proof.map(|proof| format!("DPoP: {proof}\r\n")).unwrap_or_default();
            served.post("/oauth2/token", &line, &format!("{form}{credentials}")).await
        };
        let source = served.post("/oauth2/token", &basic("source", "secret"), GRANT).await.text("access_token");
        let (signer, thief) = (Signer::new(Algorithm::ES256, "k1"), Signer::new(Algorithm::ES256, "k1"));
        let form = format!(
            "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={source}\
             &subject_token_type=urn:ietf:params:oauth:token-type:access_token\
             &requested_token_type=urn:ietf:params:oauth:token-type:refresh_token"
        );
        let first = send(Some(signer.proof(&claims(&served, "1"))), &form).await;
        assert_eq!((first.status, first.text("token_type").as_str()), (200, "N_A"), "{}", first.body);
        let form = format!("grant_type=refresh_token&refresh_token={}", first.text("access_token"));
        for (proof, right, what) in [
            (None, !bound, "no proof"),
            (Some(thief.proof(&claims(&served, "2"))), !bound, "another key"),
            (Some(signer.proof(&claims(&served, "3"))), true, "the key"),
        ] {
            let reply = send(proof, &form).await;
            let expected = if right { "" } else { "invalid_grant" };
            assert_eq!(reply.text("error"), expected, "{what}, bound {bound}: {}", reply.body);
        }
    }
}

#[tokio::test]
async fn rfc9449_7_an_api_verifies_what_is_presented() {
    let served = serve(config()).await;
    let (signer, thief) = (Signer::new(Algorithm::ES256, "k1"), Signer::new(Algorithm::ES256, "k1"));
    let token = post(&served, &[&signer.proof(&claims(&served, "1"))], GRANT).await.text("access_token");
    let facts = served.idp.facts(&token).expect("ours");
    let bound = &facts.holder.as_ref().expect("it is bound").binding;
    let now_ms = served.idp.clock().now_ms();
    let ath =
        |token: &str| URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()));
    let verifier = DpopVerifier::new(DpopRules::default());
    let verify = |proof: Option<String>| {
        let mut headers = http::HeaderMap::new();
        if let Some(proof) = proof {
            headers.insert("dpop", proof.parse().expect("a header"));
        }
        let url = "http://127.0.0.1:9/orders?page=2";
        verifier.verify_presented(
            &Presented { headers: &headers, method: "GET", url, access_token: Some(&token) },
            bound,
            now_ms,
        )
    };
    let good = json!({
        "htm": "GET", "htu": "http://127.0.0.1:9/orders", "iat": now_ms / 1000, "jti": "1", "ath": ath(&token),
    });
    assert_eq!(verify(None), Err(DpopError::Missing));
    assert_eq!(verify(Some(thief.proof(&good))), Err(DpopError::OtherKey));
    for bad in [json!({"ath": null}), json!({"ath": ath("another")})] {
        let refused = verify(Some(signer.proof(&with(&good, bad.clone())))).expect_err("refused");
        assert_eq!(refused.code(), "invalid_dpop_proof", "{bad}");
    }
    assert_eq!(verify(Some(signer.proof(&good))), Ok(()));
    assert!(verify(Some(signer.proof(&good))).is_err(), "it was used");
}

#[tokio::test]
async fn rfc9449_7_1_userinfo_takes_a_bound_token_with_a_proof_of_its_key_only() {
    let (signer, other) = (Signer::new(Algorithm::ES256, "k1"), Signer::new(Algorithm::ES256, "k1"));
    let served = serve(config()).await;
    let bound = post(&served, &[&signer.proof(&claims(&served, "1"))], GRANT).await.text("access_token");
    let plain = post(&served, &[], GRANT).await.text("access_token");
    let url = format!("{}/oauth2/userinfo", served.listener.origin);
    let proof = |signer: &Signer, jti: &str, token: &str| {
        let ath = URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()));
        signer.proof(&json!({"htm": "GET", "htu": url, "iat": served.now_s(), "jti": jti, "ath": ath}))
    };
    // A client's own token speaks for no user: who is let in is told so.
    for (scheme, token, proof, status, what) in [
        ("DPoP", &bound, Some(proof(&signer, "2", &bound)), 403, "as it should be"),
        ("DPoP", &bound, None, 401, "no proof"),
        ("DPoP", &bound, Some(proof(&other, "3", &bound)), 401, "another key"),
        ("DPoP", &bound, Some(proof(&signer, "4", &plain)), 401, "another token's proof"),
        ("Bearer", &bound, Some(proof(&signer, "5", &bound)), 401, "the scheme of those that are bound to nothing"),
        ("Bearer", &bound, None, 401, "as a thief would"),
        ("DPoP", &plain, Some(proof(&signer, "6", &plain)), 401, "a token that is bound to nothing"),
        ("Bearer", &plain, None, 403, "as it should be"),
    ] {
        let line = proof.map_or(String::new(), |proof| format!("DPoP: {proof}\r\n"));
        let reply = served.get_with("/oauth2/userinfo", &format!("Authorization: {scheme} {token}\r\n{line}")).await;
        let error = if status == 403 { "insufficient_scope" } else { "invalid_token" };
        assert_eq!((reply.status, reply.text("error").as_str()), (status, error), "{what}");
    }
}
