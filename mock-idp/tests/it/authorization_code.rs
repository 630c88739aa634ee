//! The authorization code grant: RFC 6749 §4.1, 7636 (PKCE), 9126 (PAR), 9207 (`iss`), 9700, on the wire.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mock_idp::{
    AuthorizationStep, Client, Config, GrantType, IdpEvent, LoginMode, LoginSettings, Observer, RefreshGrant,
    TokenFormat, User,
};

use crate::support::{Reply, Served, basic, encoded, serve};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const BACK: &str = "https://app.example/cb";

fn config() -> Config {
    let web = Client::new("web", "secret").scopes(["openid", "orders.read", "offline_access"]).redirect_uris([BACK]);
    let other = Client::new("other", "secret").scopes(["openid"]).redirect_uris(["https://other.example/cb?x=1"]);
    let app = Client::public("app").scopes(["orders.read"]).redirect_uris(["http://127.0.0.1/cb", "com.app:/cb"]);
    let users = vec![User::new("alice").email("alice@example.com"), User::new("bob")];
    Config { clients: vec![web, other, app], users, format: TokenFormat::Opaque, ..Config::default() }
}

/// A right request of the confidential client, with `changes`: an empty value takes a parameter away.
fn asked(changes: &[(&str, &str)]) -> String {
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", "web"),
        ("redirect_uri", BACK),
        ("scope", "openid orders.read"),
        ("state", "s t"),
    ];
    for (name, value) in changes {
        parameters.retain(|(given, _)| given != name);
        parameters.extend((!value.is_empty()).then_some((*name, *value)));
    }
    format!("/oauth2/authorize?{}", encoded(&parameters))
}

async fn code(served: &Served, changes: &[(&str, &str)]) -> String {
    let reply = served.get(&asked(changes)).await;
    reply.sent("code").unwrap_or_else(|| panic!("{reply:?}"))
}

async fn redeem(served: &Served, code: &str, changes: &[(&str, &str)]) -> Reply {
    let mut parameters = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", BACK)];
    for (name, value) in changes {
        parameters.retain(|(given, _)| given != name);
        parameters.extend((!value.is_empty()).then_some((*name, *value)));
    }
    served.post("/oauth2/token", &basic("web", "secret"), &encoded(&parameters)).await
}

#[tokio::test]
async fn rfc6749_4_1_a_code_comes_back_with_state_and_iss_and_gives_tokens() {
    let served = serve(config()).await;
    let reply = served.get(&asked(&[])).await;
    assert_eq!(reply.status, 302);
    assert!(reply.header("location").is_some_and(|to| to.starts_with("https://app.example/cb?code=")), "{reply:?}");
    assert_eq!(reply.sent("state").as_deref(), Some("s t"));
    assert_eq!(reply.sent("iss"), Some(served.listener.origin.clone()), "RFC 9207 §2");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let granted = redeem(&served, &reply.sent("code").expect("a code"), &[]).await;
    assert_eq!((granted.status, granted.text("scope").as_str()), (200, "openid orders.read"));
    let facts = served.idp.facts(&granted.text("access_token")).expect("ours");
    assert_eq!((facts.subject.as_str(), facts.client.as_str()), ("alice", "web"));
    let renewed = format!("grant_type=refresh_token&refresh_token={}", granted.text("refresh_token"));
    let renewed = served.post("/oauth2/token", &basic("web", "secret"), &renewed).await;
    assert_eq!((renewed.status, renewed.text("scope").as_str()), (200, "openid orders.read"));
}

#[tokio::test]
async fn openid_connect_3_1_2_1_a_request_may_be_posted_and_is_answered_with_303() {
    let served = serve(config()).await;
    let asked = asked(&[]);
    let (path, form) = asked.split_once('?').expect("a query");
    let reply = served.post(path, "", form).await;
    assert_eq!((reply.status, reply.sent("code").is_some()), (303, true), "RFC 9700 §4.12");
}

#[tokio::test]
async fn rfc6749_4_1_2_1_each_refusal_goes_back_to_the_client_with_its_code() {
    let served = serve(config()).await;
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("response_type", "")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("scope", "admin")], "invalid_scope"),
        (&[("code_challenge", CHALLENGE)], "invalid_request"),
        (&[("code_challenge", CHALLENGE), ("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge", "short"), ("code_challenge_method", "S256")], "invalid_request"),
        (&[("code_challenge_method", "S256")], "invalid_request"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("prompt", "create")], "invalid_request"),
        (&[("max_age", "-1")], "invalid_request"),
        (&[("max_age", "soon")], "invalid_request"),
        (&[("request", "eyJ")], "request_not_supported"),
        (&[("id_token_hint", "eyJ")], "invalid_request"),
        (&[("login_hint", "nobody"), ("prompt", "none")], "login_required"),
        (&[("login_hint", "nobody")], "access_denied"),
    ];
    for (changes, code) in cases {
        let reply = served.get(&asked(changes)).await;
        assert!(
            reply.header("location").is_some_and(|to| to.starts_with("https://app.example/cb?error=")),
            "{reply:?}"
        );
        assert_eq!((reply.status, reply.sent("error").as_deref()), (302, Some(*code)), "{changes:?}");
        assert_eq!(reply.sent("state").as_deref(), Some("s t"), "{changes:?}");
        assert_eq!(reply.sent("iss"), Some(served.listener.origin.clone()), "{changes:?}");
        assert!(reply.sent("error_description").is_some() && reply.sent("code").is_none(), "{changes:?}");
    }
    for twice in ["scope=openid", "nonce=x&nonce=y", "state=other"] {
        let reply = served.get(&format!("{}&{twice}", asked(&[]))).await;
        assert_eq!(reply.sent("error").as_deref(), Some("invalid_request"), "{twice}: RFC 6749 §3.1");
        assert_eq!(reply.sent("state").is_some(), !twice.starts_with("state"), "{twice}");
    }
    assert!(served.idp.tokens().is_empty());
}

#[tokio::test]
async fn rfc6749_3_1_2_4_nothing_is_sent_to_an_address_that_is_not_registered() {
    let served = serve(config()).await;
    let cases: &[&[(&str, &str)]] = &[
        &[("client_id", "")],
        &[("client_id", "nobody")],
        &[("client_id", "other")],
        &[("redirect_uri", "https://evil.example/cb")],
        &[("redirect_uri", "https://app.example/cb/")],
        &[("redirect_uri", "https://app.example/cb?x=1")],
        &[("redirect_uri", "https://app.example/cb#x")],
        &[("redirect_uri", "https://app.example:443/cb")],
        &[("redirect_uri", "//evil.example")],
        &[("redirect_uri", "javascript:alert(1)")],
        &[("redirect_uri", "https://evil.example/\r\nSet-Cookie: x=y")],
        // Two are registered: which one?
        &[("client_id", "app"), ("redirect_uri", ""), ("scope", "orders.read")],
        &[("request_uri", "urn:ietf:params:oauth:request_uri:unknown")],
    ];
    for changes in cases {
        // Whatever else is wrong with the request.
        for also in ["", "&response_type=token", "&scope=admin"] {
            let reply = served.get(&format!("{}{also}", asked(changes))).await;
            assert_eq!((reply.status, reply.header("location")), (400, None), "{changes:?}{also}");
            assert!(reply.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{changes:?}");
        }
    }
    for twice in ["redirect_uri=https%3A%2F%2Fevil.example", "client_id=other"] {
        let reply = served.get(&format!("{}&{twice}", asked(&[]))).await;
        assert_eq!((reply.status, reply.header("location")), (400, None), "{twice}");
    }
    served.idp.disable_client("web");
    assert_eq!(served.get(&asked(&[])).await.status, 400);
}

#[tokio::test]
async fn rfc6749_4_1_3_the_only_redirect_uri_need_not_be_named_but_by_openid_connect() {
    let served = serve(config()).await;
    let plain = code(&served, &[("redirect_uri", ""), ("scope", "orders.read")]).await;
    assert_eq!(redeem(&served, &plain, &[("redirect_uri", "")]).await.status, 200);
    let reply = served.get(&asked(&[("redirect_uri", "")])).await;
    assert_eq!(reply.sent("error").as_deref(), Some("invalid_request"), "OpenID Connect Core §3.1.2.1");
}

#[tokio::test]
async fn rfc8252_7_3_a_native_app_has_any_port_of_the_loopback_address() {
    let served = serve(config()).await;
    let native = [("client_id", "app"), ("scope", "orders.read"), ("code_challenge_method", "S256")];
    for (uri, allowed) in [
        ("http://127.0.0.1:51004/cb", true),
        ("com.app:/cb", true),
        ("http://127.0.0.1:51004/other", false),
        ("http://localhost:51004/cb", false),
        ("http://127.0.0.1:80@evil.example/cb", false),
    ] {
        let changes = [&native[..], &[("redirect_uri", uri), ("code_challenge", CHALLENGE)]].concat();
        let reply = served.get(&asked(&changes)).await;
        assert_eq!(reply.status, if allowed { 302 } else { 400 }, "{uri}");
        assert_eq!(reply.header("location").is_some_and(|to| to.starts_with(&format!("{uri}?code="))), allowed);
    }
}

/// What the case shows, what is sent otherwise, and the error.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

#[tokio::test]
async fn rfc6749_4_1_2_a_code_is_good_for_its_client_and_redirect_uri_only() {
    let served = serve(config()).await;
    let value = code(&served, &[]).await;
    let cases: [Case; 6] = [
        ("web", &[("code", "")], "invalid_request"),
        ("web", &[("code", "unknown")], "invalid_grant"),
        ("other", &[], "invalid_grant"),
        ("web", &[("redirect_uri", "")], "invalid_grant"),
        ("web", &[("redirect_uri", "https://app.example/cb/")], "invalid_grant"),
        ("web", &[("code_verifier", VERIFIER)], "invalid_grant"),
    ];
    for (client, changes, error) in cases {
        let mut parameters = vec![("grant_type", "authorization_code"), ("code", &value), ("redirect_uri", BACK)];
        for (name, new) in changes {
            parameters.retain(|(given, _)| given != name);
            parameters.extend((!new.is_empty()).then_some((*name, *new)));
        }
        let reply = served.post("/oauth2/token", &basic(client, "secret"), &encoded(&parameters)).await;
        assert_eq!((reply.status, reply.text("error").as_str()), (400, error), "{client} {changes:?}");
    }
    assert_eq!(redeem(&served, &value, &[]).await.status, 200, "none of these spent it");
}

#[tokio::test]
async fn rfc6749_4_1_2_a_code_that_is_used_twice_revokes_what_it_gave() {
    let served = serve(config()).await;
    let value = code(&served, &[]).await;
    let granted = redeem(&served, &value, &[]).await;
    let access = granted.text("access_token");
    assert!(served.idp.facts(&access).is_some_and(|token| token.death.is_none()));
    // Even long after it would have expired, and with another mistake.
    served.idp.move_clock(120_000);
    let reused = redeem(&served, &value, &[("redirect_uri", "https://app.example/x")]).await;
    assert_eq!((reused.status, reused.text("error").as_str()), (400, "invalid_grant"));
    assert!(served.idp.facts(&access).is_some_and(|token| token.death.is_some()));
    let refresh = format!("grant_type=refresh_token&refresh_token={}", granted.text("refresh_token"));
    let refreshed = served.post("/oauth2/token", &basic("web", "secret"), &refresh).await;
    assert_eq!(refreshed.text("error"), "invalid_grant");
    let other = code(&served, &[]).await;
    let kept = redeem(&served, &other, &[]).await.text("access_token");
    assert!(served.idp.facts(&kept).is_some_and(|token| token.death.is_none()), "another code's tokens live on");
}

#[tokio::test]
async fn rfc6749_4_1_2_a_code_lives_for_60_seconds_by_the_providers_clock() {
    let served = serve(config()).await;
    let (early, late) = (code(&served, &[]).await, code(&served, &[]).await);
    served.idp.move_clock(58_000);
    assert_eq!(redeem(&served, &early, &[]).await.status, 200);
    served.idp.move_clock(2_000);
    let reply = redeem(&served, &late, &[]).await;
    assert_eq!(
        (reply.text("error").as_str(), reply.text("error_description").contains("expired")),
        ("invalid_grant", true)
    );
}

#[tokio::test]
async fn rfc7636_a_code_with_a_challenge_needs_its_verifier() {
    let served = serve(config()).await;
    let with_pkce = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let value = code(&served, &with_pkce).await;
    for wrong in ["", &VERIFIER.replace('d', "e"), CHALLENGE] {
        let reply = redeem(&served, &value, &[("code_verifier", wrong)]).await;
        assert_eq!(reply.text("error"), "invalid_grant", "{wrong}: §4.6");
    }
    assert_eq!(redeem(&served, &value, &[("code_verifier", VERIFIER)]).await.status, 200);
}

#[tokio::test]
async fn rfc9700_2_1_1_a_public_client_must_use_pkce_and_gets_tokens_without_a_secret() {
    let served = serve(config()).await;
    let public = [("client_id", "app"), ("redirect_uri", "com.app:/cb"), ("scope", "orders.read")];
    let reply = served.get(&asked(&public)).await;
    assert_eq!(reply.sent("error").as_deref(), Some("invalid_request"));
    let changes = [&public[..], &[("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]].concat();
    let value = code(&served, &changes).await;
    let form = |client: &str| {
        encoded(&[
            ("grant_type", "authorization_code"),
            ("code", &value),
            ("redirect_uri", "com.app:/cb"),
            ("client_id", client),
            ("code_verifier", VERIFIER),
        ])
    };
    for client in ["web", "nobody", ""] {
        let reply = served.post("/oauth2/token", "", &form(client)).await;
        assert_eq!((reply.status, reply.text("error").as_str()), (401, "invalid_client"), "{client}");
    }
    let with_secret = served.post("/oauth2/token", &basic("app", ""), &form("app")).await;
    assert_eq!(with_secret.text("error"), "invalid_client", "it has none");
    assert_eq!(served.post("/oauth2/token", "", &form("app")).await.status, 200);
}

#[tokio::test]
async fn a_confidential_client_can_be_held_to_pkce_and_to_its_grants() {
    let mut config = config();
    config.clients[0].require_pkce = true;
    config.clients[1].grants = vec![GrantType::ClientCredentials];
    let served = serve(config).await;
    assert_eq!(served.get(&asked(&[])).await.sent("error").as_deref(), Some("invalid_request"));
    let other = [("client_id", "other"), ("redirect_uri", "https://other.example/cb?x=1"), ("scope", "openid")];
    let reply = served.get(&asked(&other)).await;
    assert_eq!(reply.sent("error").as_deref(), Some("unauthorized_client"));
    assert!(reply.header("location").is_some_and(|to| to.starts_with("https://other.example/cb?x=1&error=")));
}

#[tokio::test]
async fn openid_connect_11_a_refresh_token_comes_as_the_client_is_registered() {
    for (policy, offline, given) in [
        (RefreshGrant::Always, false, true),
        (RefreshGrant::OfflineAccess, false, false),
        (RefreshGrant::OfflineAccess, true, true),
        (RefreshGrant::Never, true, false),
    ] {
        let mut config = config();
        config.clients[0].refresh_grant = policy;
        let served = serve(config).await;
        let scope = if offline { "openid offline_access" } else { "openid" };
        let granted = redeem(&served, &code(&served, &[("scope", scope)]).await, &[]).await;
        assert_eq!(granted.field("refresh_token").is_string(), given, "{policy:?} {scope}");
    }
    let mut config = config();
    config.clients[0].grants = vec![GrantType::AuthorizationCode];
    let served = serve(config).await;
    let granted = redeem(&served, &code(&served, &[]).await, &[]).await;
    assert_eq!((granted.status, granted.field("refresh_token")), (200, serde_json::Value::Null));
}

async fn push(served: &Served, headers: &str, form: &str) -> Reply {
    served.post("/oauth2/par", headers, form).await
}

#[tokio::test]
async fn rfc9126_a_pushed_request_is_good_once_for_its_client_and_its_time() {
    let mut config = config();
    config.clients[0].require_pushed_authorization_requests = true;
    let served = serve(config).await;
    assert_eq!(served.get(&asked(&[])).await.sent("error").as_deref(), Some("invalid_request"), "§6");
    let asked = asked(&[]);
    let form = asked.split_once('?').expect("a query").1;
    let own = basic("web", "secret");
    let pushed = push(&served, &own, form).await;
    assert_eq!((pushed.status, pushed.field("expires_in")), (201, 60.into()));
    assert_eq!(pushed.header("cache-control"), Some("no-store"));
    let uri =
        |reply: &Reply| url::form_urlencoded::byte_serialize(reply.text("request_uri").as_bytes()).collect::<String>();
    let go = async |client: &str, uri: &str| {
        served.get(&format!("/oauth2/authorize?client_id={client}&request_uri={uri}&scope=admin")).await
    };
    assert_eq!(go("other", &uri(&pushed)).await.status, 400, "another client's");
    let reply = go("web", &uri(&pushed)).await;
    assert_eq!((reply.status, reply.sent("state").as_deref()), (302, Some("s t")), "§4: only what was pushed counts");
    assert_eq!(redeem(&served, &reply.sent("code").expect("a code"), &[]).await.status, 200);
    assert_eq!(go("web", &uri(&pushed)).await.status, 400, "it was used");
    let late = push(&served, &own, form).await;
    served.idp.move_clock(60_000);
    assert_eq!(go("web", &uri(&late)).await.status, 400, "its time is over");
}

#[tokio::test]
async fn rfc9126_2_3_a_push_is_refused_as_the_request_would_be() {
    let served = serve(config()).await;
    let own = basic("web", "secret");
    let base = "response_type=code&redirect_uri=https%3A%2F%2Fapp.example%2Fcb";
    for (headers, form, status, error) in [
        ("", format!("{base}&client_id=web"), 401, "invalid_client"),
        (own.as_str(), format!("{base}&client_id=other"), 400, "invalid_request"),
        (&own, format!("{base}&request_uri=urn:x"), 400, "invalid_request"),
        (&own, format!("{base}x"), 400, "invalid_request"),
        (&own, format!("{base}&scope=admin"), 400, "invalid_scope"),
        (&own, format!("{base}&scope=openid&scope=openid"), 400, "invalid_request"),
        (&own, format!("{base}&code_challenge={CHALLENGE}"), 400, "invalid_request"),
    ] {
        let reply = push(&served, headers, &form).await;
        assert_eq!((reply.status, reply.text("error").as_str()), (status, error), "{form}");
    }
    assert_eq!(served.get("/oauth2/par").await.status, 405);
    let public = format!(
        "response_type=code&redirect_uri=com.app%3A%2Fcb&client_id=app&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    assert_eq!(push(&served, "", &public).await.status, 201, "a public client has nothing to prove");
}

/// Writes down each step.
#[derive(Default)]
struct Steps(Mutex<Vec<(AuthorizationStep, Option<String>)>>);

impl Observer for Steps {
    fn event(&self, event: &IdpEvent) {
        if let IdpEvent::Authorization(event) = event {
            self.0.lock().expect("no panic").push((event.step, event.subject.clone()));
        }
    }
}

#[tokio::test]
async fn each_step_of_the_way_is_told_once() {
    let steps = Arc::new(Steps::default());
    let served = serve(Config { observer: Arc::clone(&steps) as Arc<dyn Observer>, ..config() }).await;
    let value = code(&served, &[]).await;
    redeem(&served, &value, &[]).await;
    redeem(&served, &value, &[]).await;
    let alice = || Some("alice".to_owned());
    use AuthorizationStep::{CodeIssued, CodeRedeemed, CodeReused, Consented, SignedIn};
    assert_eq!(
        *steps.0.lock().expect("no panic"),
        [(SignedIn, alice()), (Consented, alice()), (CodeIssued, alice()), (CodeRedeemed, alice()), (CodeReused, None)]
    );
}

#[tokio::test]
async fn an_automatic_user_is_the_hinted_one_or_the_first_and_stays_signed_in() {
    let login = LoginSettings { session_lifetime: Duration::from_secs(3600), ..LoginSettings::default() };
    assert_eq!(login.mode, LoginMode::Automatic);
    let served = serve(Config { login, ..config() }).await;
    let subject = async |reply: &Reply| {
        let granted = redeem(&served, &reply.sent("code").expect("a code"), &[]).await;
        served.idp.facts(&granted.text("access_token")).expect("ours").subject
    };
    let first = served.get(&asked(&[])).await;
    assert_eq!(subject(&first).await, "alice");
    let hinted = served.get(&asked(&[("login_hint", "bob")])).await;
    assert_eq!(subject(&hinted).await, "bob");
    let by_mail = served.get(&asked(&[("login_hint", "alice@example.com")])).await;
    assert_eq!(subject(&by_mail).await, "alice");
    // Bob's browser stays Bob's.
    let cookie = format!("Cookie: {}\r\n", hinted.cookies());
    let again = served.get_with(&asked(&[("prompt", "none")]), &cookie).await;
    assert_eq!((again.cookies().as_str(), subject(&again).await.as_str()), ("", "bob"));
    served.idp.move_clock(3_600_000);
    let over = served.get_with(&asked(&[]), &cookie).await;
    assert_eq!(subject(&over).await, "alice", "the session is over");
}
