//! Token exchange (RFC 8693) and the JWT bearer grant (RFC 7523 §2.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use mock_idp::{Client, Config, ExchangePolicy, GrantType, Subjects, TokenFormat, TrustedIssuer, Which};
use serde_json::{Value, json};

use crate::support::signer::{Signer, with};
use crate::support::{Reply, Served, basic, serve};

const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const GRANTS: [GrantType; 3] = [GrantType::ClientCredentials, GrantType::TokenExchange, GrantType::JwtBearer];

fn config(issuers: Vec<TrustedIssuer>) -> Config {
    let mut gateway = Client::new("worker", "secret").scopes(["orders.read", "orders.write"]).grants(GRANTS);
    let audiences = vec!["billing".into(), "https://stock.example/api".into()];
    gateway.exchange = ExchangePolicy { audiences, impersonation: true, delegation: true };
    let user = Client::new("user", "secret").scopes(["orders.read", "profile"]);
    let other = Client::new("other", "secret").scopes(["orders.read"]);
    let format = TokenFormat::Jwt(mock_idp::Algorithm::Es256);
    Config { clients: vec![gateway, user, other], format, trusted_issuers: issuers, ..Config::default() }
}

async fn token_of(served: &Served, client: &str) -> String {
    let reply = served.post("/oauth2/token", &basic(client, "secret"), "grant_type=client_credentials").await;
    reply.text("access_token")
}

async fn exchange(served: &Served, more: &str) -> Reply {
    served.token(&format!("grant_type=urn:ietf:params:oauth:grant-type:token-exchange{more}")).await
}

fn subject(token: &str) -> String {
    format!("&subject_token={token}&subject_token_type={ACCESS}")
}

fn actor(token: &str) -> String {
    format!("&actor_token={token}&actor_token_type={ACCESS}")
}

fn claims_of(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("a JWT");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

#[tokio::test]
async fn rfc8693_2_2_1_a_token_is_given_for_another_one_and_never_allows_more() {
    let served = serve(config(vec![])).await;
    let user = token_of(&served, "user").await;
    let reply = exchange(&served, &format!("{}&audience=billing", subject(&user))).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!((reply.text("issued_token_type").as_str(), reply.text("token_type").as_str()), (ACCESS, "Bearer"));
    assert_eq!(reply.text("scope"), "orders.read", "what both may do: the subject's token and the client");
    let claims = claims_of(&reply.text("access_token"));
    assert_eq!(
        (&claims["sub"], &claims["aud"], &claims["client_id"]),
        (&"user".into(), &"billing".into(), &"worker".into())
    );
    assert_eq!(claims["act"], Value::Null, "impersonation");
    let wider = exchange(&served, &format!("{}&scope=orders.write", subject(&user))).await;
    assert_eq!(wider.text("error"), "invalid_scope");
    let named = exchange(&served, &format!("{}&requested_token_type={JWT}", subject(&user))).await;
    assert_eq!((named.text("issued_token_type").as_str(), named.text("token_type").as_str()), (JWT, "Bearer"));
}

#[tokio::test]
async fn rfc8693_4_1_delegation_says_who_acts_and_who_did_before() {
    let served = serve(config(vec![])).await;
    let (user, first, second) =
        (token_of(&served, "user").await, token_of(&served, "other").await, token_of(&served, "worker").await);
    let issuer = &served.listener.origin;
    let once = exchange(&served, &(subject(&user) + &actor(&first))).await.text("access_token");
    assert_eq!(claims_of(&once)["act"], json!({"sub": "other", "iss": issuer}));
    let twice = exchange(&served, &(subject(&once) + &actor(&second))).await.text("access_token");
    let act = json!({"sub": "worker", "iss": issuer, "act": {"sub": "other", "iss": issuer}});
    assert_eq!((&claims_of(&twice)["act"], &claims_of(&twice)["sub"]), (&act, &"user".into()));
    let told = served.post("/oauth2/introspect", &basic("worker", "secret"), &format!("token={twice}")).await;
    assert_eq!(told.field("act"), act, "RFC 8693 §4.1 in introspection");
    let kept = exchange(&served, &subject(&twice)).await.text("access_token");
    assert_eq!(claims_of(&kept)["act"], act, "impersonation does not hide who acted before");
}

#[tokio::test]
async fn rfc8693_2_2_2_each_refusal_has_its_code() {
    let served = serve(config(vec![])).await;
    let user = token_of(&served, "user").await;
    let dead = token_of(&served, "user").await;
    served.idp.revoke(&Which::Newest(mock_idp::TokenKind::Access), "a test");
    let refresh = served.idp.mint_refresh_token("user", "alice", &served.listener).expect("known").value;
    let refresh = refresh.expose();
    for (more, code) in [
        (String::new(), "invalid_request"),
        (format!("&subject_token={user}"), "invalid_request"),
        (format!("&subject_token={user}&subject_token_type=urn:x"), "invalid_request"),
        (subject("what"), "invalid_request"),
        (subject(&dead), "invalid_request"),
        (format!("&subject_token={refresh}&subject_token_type={ACCESS}"), "invalid_request"),
        (
            format!("&subject_token={refresh}&subject_token_type=urn:ietf:params:oauth:token-type:refresh_token"),
            "invalid_request",
        ),
        (subject(&user) + &actor(&dead), "invalid_request"),
        (subject(&user) + "&actor_token=x", "invalid_request"),
        (subject(&user) + "&requested_token_type=urn:ietf:params:oauth:token-type:saml2", "invalid_request"),
        (subject(&user) + "&audience=elsewhere", "invalid_target"),
        (subject(&user) + "&resource=https://elsewhere.example", "invalid_target"),
        (subject(&user) + "&resource=billing", "invalid_target"),
        (subject(&user) + "&audience=billing&audience=api", "invalid_target"),
        (subject(&user) + "&audience=billing&audience=billing", ""),
        (subject(&user) + "&resource=https://stock.example/api", ""),
        (subject(&user) + "&resource=https://stock.example/api%23x", "invalid_target"),
    ] {
        let reply = exchange(&served, &more).await;
        let status = if code.is_empty() { 200 } else { 400 };
        assert_eq!((reply.status, reply.text("error").as_str()), (status, code), "{more}");
    }
    let elsewhere = served.token("grant_type=client_credentials&audience=a&audience=b").await;
    assert_eq!(elsewhere.text("error"), "invalid_request", "RFC 6749 §3.2: only an exchange has several");
    let not_allowed = served
        .post(
            "/oauth2/token",
            &basic("other", "secret"),
            &format!("grant_type=urn:ietf:params:oauth:grant-type:token-exchange{}", subject(&user)),
        )
        .await;
    assert_eq!(not_allowed.text("error"), "unauthorized_client");
}

#[tokio::test]
async fn a_policy_and_may_act_say_who_may_exchange_how() {
    let mut settings = config(vec![]);
    settings.clients[0].exchange = ExchangePolicy::default();
    settings.clients[1].may_act = Some(json!({"sub": "other"}));
    let served = serve(settings).await;
    let (user, other, own) =
        (token_of(&served, "user").await, token_of(&served, "other").await, token_of(&served, "worker").await);
    assert_eq!(claims_of(&user)["may_act"], json!({"sub": "other"}));
    for (more, right) in [
        (subject(&user), false),
        (subject(&user) + &actor(&own), false),
        (subject(&user) + &actor(&other), true),
        (subject(&own) + &actor(&own), true),
    ] {
        let reply = exchange(&served, &more).await;
        assert_eq!(reply.status == 200, right, "{}", reply.body);
        assert!(right || reply.text("error") == "invalid_request");
    }
}

const REFRESH: &str = "urn:ietf:params:oauth:token-type:refresh_token";

#[tokio::test]
async fn rfc8693_2_2_2_a_bound_token_is_exchanged_for_a_proof_of_its_key_only() {
    let (signer, other) = (Signer::new(Algorithm::ES256, "k1"), Signer::new(Algorithm::ES256, "k1"));
    for format in [TokenFormat::Opaque, TokenFormat::Jwt(mock_idp::Algorithm::Es256)] {
        let mut settings = Config { format, ..config(vec![]) };
        settings.clients[0].grants.push(GrantType::RefreshToken);
        let served = serve(settings).await;
        let proof = |signer: &Signer, jti: &str| {
            let url = format!("{}/oauth2/token", served.listener.origin);
            let claims = json!({"htm": "POST", "htu": url, "iat": served.now_s(), "jti": jti});
            format!("DPoP: {}\r\n", signer.proof(&claims))
        };
        let send = async |client: &str, proof: &str, form: &str| {
            served.post("/oauth2/token", &(basic(client, "secret") + proof), form).await
        };
        let bound = send("user", &proof(&signer, "1"), "grant_type=client_credentials").await.text("access_token");
        let plain = token_of(&served, "user").await;
        let form = |more: &str| format!("grant_type=urn:ietf:params:oauth:grant-type:token-exchange{more}");
        let renewable = format!("{}&requested_token_type={REFRESH}", subject(&bound));
        for (more, proof, right, what) in [
            (subject(&bound), String::new(), false, "no proof"),
            (subject(&bound), proof(&other, "2"), false, "the exchanging client's own key"),
            (subject(&bound), proof(&signer, "3"), true, "the key"),
            (renewable.clone(), String::new(), false, "a refresh token for no proof"),
            (subject(&plain) + &actor(&bound), String::new(), false, "an actor's bound token without a proof"),
            (subject(&plain) + &actor(&bound), proof(&signer, "4"), true, "an actor's bound token with a proof"),
            (subject(&plain), proof(&other, "5"), true, "a token for any bearer, which becomes one for a key"),
        ] {
            let reply = send("worker", &proof, &form(&more)).await;
            let error = if right { "" } else { "invalid_request" };
            assert_eq!(reply.text("error"), error, "{what}: {}", reply.body);
            let told = if right { reply.text("token_type") } else { reply.text("error_description") };
            assert!(if right { told == "DPoP" } else { told.contains("DPoP proof") }, "{what}: {told}");
        }
        // RFC 9449 §5 leaves a confidential client's refresh token unbound. This one would undo what was asked for.
        let renewing = send("worker", &proof(&signer, "6"), &form(&renewable)).await.text("access_token");
        let form = format!("grant_type=refresh_token&refresh_token={renewing}");
        assert_eq!(send("worker", "", &form).await.text("error"), "invalid_grant");
        let renewed = send("worker", &proof(&signer, "7"), &form).await;
        assert_eq!(renewed.text("token_type"), "DPoP", "{}", renewed.body);
        let told = served.idp.facts(&renewed.text("access_token")).expect("ours").holder.expect("it is bound");
        assert_eq!(told.binding.jkt, Some(signer.jkt()));
    }
}

#[tokio::test]
async fn the_bound_token_of_a_trusted_issuer_is_exchanged_for_a_proof_as_well() {
    let (issuer, key) = (Signer::new(Algorithm::ES256, "k1"), Signer::new(Algorithm::ES256, "k1"));
    let served = serve(config(vec![TrustedIssuer::new("https://idp.example", issuer.keys())])).await;
    let url = format!("{}/oauth2/token", served.listener.origin);
    let proof = key.proof(&json!({"htm": "POST", "htu": url, "iat": served.now_s(), "jti": "1"}));
    let proof = format!("DPoP: {proof}\r\n");
    for (cnf, proof, error) in [
        (json!({"jkt": key.jkt()}), "", "invalid_request"),
        (json!({"jwk": key.jwk}), "", "invalid_request"),
        (json!({"kid": "k1"}), "", "invalid_request"),
        (json!("k1"), "", "invalid_request"),
        (json!({"jkt": key.jkt()}), &*proof, ""),
    ] {
        let jwt = issuer.jwt(&assertion(&served, json!({"cnf": cnf})));
        let form = format!(
            "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={jwt}&subject_token_type={JWT}"
        );
        let reply = served.post("/oauth2/token", &(basic("worker", "secret") + proof), &form).await;
        assert_eq!(reply.text("error"), error, "{cnf}: {}", reply.body);
    }
}

fn assertion(served: &Served, changes: Value) -> Value {
    let (now, origin) = (served.now_s(), &served.listener.origin);
    let claims =
        json!({"iss": "https://idp.example", "sub": "alice", "aud": origin, "iat": now, "exp": now + 60, "jti": "1"});
    with(&claims, changes)
}

async fn bearer(served: &Served, jwt: &str, more: &str) -> Reply {
    served.token(&format!("grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion={jwt}{more}")).await
}

#[tokio::test]
async fn rfc7523_2_1_an_assertion_of_a_trusted_issuer_is_a_grant() {
    let signer = Signer::new(Algorithm::ES256, "k1");
    let mut issuer = TrustedIssuer::new("https://idp.example", signer.keys());
    issuer.subjects = Subjects::Only(vec!["alice".into()]);
    issuer.audiences = vec!["urn:here".into()];
    let served = serve(config(vec![issuer])).await;
    let good = signer.jwt(&assertion(&served, json!({})));
    let reply = bearer(&served, &good, "&scope=orders.read").await;
    assert_eq!((reply.status, reply.text("scope").as_str()), (200, "orders.read"), "{}", reply.body);
    assert_eq!(reply.field("refresh_token"), Value::Null, "RFC 7521 §4.1");
    let claims = claims_of(&reply.text("access_token"));
    assert_eq!((&claims["sub"], &claims["client_id"]), (&"alice".into(), &"worker".into()));
    let again = bearer(&served, &good, "").await;
    assert_eq!((again.status, again.text("error").as_str()), (400, "invalid_grant"), "jti was used");
    assert_eq!(
        bearer(&served, &signer.jwt(&assertion(&served, json!({"jti": "2", "aud": "urn:here"}))), "").await.status,
        200
    );
    let now = served.now_s();
    for bad in [
        json!({"iss": "https://other.example"}),
        json!({"iss": null}),
        json!({"sub": null}),
        json!({"sub": "bob"}),
        json!({"aud": "https://elsewhere.example"}),
        json!({"exp": now - 1}),
        json!({"exp": null}),
        json!({"exp": now + 7200}),
        json!({"nbf": now + 60}),
        json!({"jti": null}),
    ] {
        let mut changes = bad.clone();
        if bad.get("jti").is_none() {
            changes["jti"] = bad.to_string().into();
        }
        let reply = bearer(&served, &signer.jwt(&assertion(&served, changes)), "").await;
        assert_eq!((reply.status, reply.text("error").as_str()), (400, "invalid_grant"), "{bad}: {}", reply.body);
    }
    let forged = Signer::new(Algorithm::ES256, "k1").jwt(&assertion(&served, json!({"jti": "3"})));
    assert_eq!(bearer(&served, &forged, "").await.text("error"), "invalid_grant");
    assert_eq!(bearer(&served, "x", "").await.text("error"), "invalid_grant");
    assert_eq!(bearer(&served, "", "").await.text("error"), "invalid_request");
}

#[tokio::test]
async fn a_service_account_shows_nothing_but_its_assertion() {
    let signer = Signer::new(Algorithm::RS256, "k1");
    let mut account = TrustedIssuer::service_account("robot@example", signer.keys());
    account.subjects = Subjects::Only(vec!["robot@example".into(), "alice".into()]);
    let mut settings = config(vec![account]);
    settings.clients.push(Client::public("robot@example").scopes(["a", "b"]).grants([GrantType::JwtBearer]));
    let served = serve(settings).await;
    let send = async |claims: Value, headers: &str| {
        let jwt = signer.jwt(&assertion(&served, with(&json!({"iss": "robot@example", "sub": null}), claims)));
        let form = format!("grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion={jwt}");
        served.post("/oauth2/token", headers, &form).await
    };
    let reply = send(json!({"scope": "a"}), "").await;
    assert_eq!((reply.status, reply.text("scope").as_str()), (200, "a"), "{}", reply.body);
    assert_eq!(claims_of(&reply.text("access_token"))["sub"], "robot@example");
    let delegated = send(json!({"sub": "alice", "jti": "2"}), "").await;
    assert_eq!(claims_of(&delegated.text("access_token"))["sub"], "alice");
    assert_eq!(send(json!({"scope": "c", "jti": "3"}), "").await.text("error"), "invalid_scope");
    assert_eq!(send(json!({"sub": "bob", "jti": "4"}), "").await.text("error"), "invalid_grant");
    let stolen = send(json!({"jti": "5"}), &basic("worker", "secret")).await;
    assert_eq!(stolen.text("error"), "invalid_grant", "another client presents it");
    let id = send(json!({"target_audience": "https://run.example", "jti": "6"}), "").await;
    let body: Value = serde_json::from_str(&id.body).expect("JSON");
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "only an ID token: {body}");
    let claims = claims_of(&id.text("id_token"));
    assert_eq!((&claims["aud"], &claims["sub"]), (&"https://run.example".into(), &"robot@example".into()));
    let forged =
        Signer::new(Algorithm::RS256, "k1").jwt(&assertion(&served, json!({"iss": "robot@example", "jti": "7"})));
    let form = format!("grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion={forged}");
    assert_eq!(served.post("/oauth2/token", "", &form).await.text("error"), "invalid_grant", "RFC 7523 §3");
    served.idp.disable_client("robot@example");
    assert_eq!(send(json!({"jti": "8"}), "").await.text("error"), "invalid_client");
}

#[tokio::test]
async fn a_jwt_of_a_trusted_issuer_can_be_exchanged_again_and_again() {
    let signer = Signer::new(Algorithm::ES256, "k1");
    let served = serve(config(vec![TrustedIssuer::new("https://idp.example", signer.keys())])).await;
    let jwt = signer.jwt(&assertion(&served, json!({"scope": "orders.write"})));
    for _ in 0..2 {
        let reply = exchange(&served, &format!("&subject_token={jwt}&subject_token_type={JWT}")).await;
        assert_eq!((reply.status, reply.text("scope").as_str()), (200, "orders.write"), "{}", reply.body);
    }
    let forged = Signer::new(Algorithm::ES256, "k1").jwt(&assertion(&served, json!({})));
    let reply = exchange(&served, &format!("&subject_token={forged}&subject_token_type={JWT}")).await;
    assert_eq!((reply.status, reply.text("error").as_str()), (400, "invalid_request"));
}
