//! What the token endpoint may answer, and what the workflow then sees.

use std::sync::Arc;
use std::time::Duration;

use reference_worker::token::{ClientCredentials, Endpoint, Grant, TokenSource, Tokens};
use reference_worker::{AllForms, ClientAuth, Failure, Kind, OAuth, Secret, TokenEndpoint, http_client};
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn settings(endpoint: TokenEndpoint) -> OAuth {
    OAuth {
        endpoint,
        client_id: "client".into(),
        client_secret: Secret::new("client-s3cret"),
        client_auth: ClientAuth::Basic,
        scopes: vec!["orders.read".into()],
        audience: None,
        refresh_token_file: None,
    }
}

fn source(settings: &OAuth) -> TokenSource {
    let http = http_client(Duration::from_secs(5), &[]).expect("a client");
    let endpoint = Endpoint::new(settings, http, Arc::new(AllForms));
    TokenSource::new(Arc::new(ClientCredentials::new(Arc::new(endpoint))))
}

fn at(uri: &str) -> OAuth {
    settings(TokenEndpoint::Url(format!("{uri}/token").parse().expect("a URL")))
}

async fn answer(reply: ResponseTemplate) -> Result<Secret, Failure> {
    let idp = MockServer::start().await;
    Mock::given(method("POST")).and(path("/token")).respond_with(reply).expect(1).mount(&idp).await;
    source(&at(&idp.uri())).get().await
}

fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_owned(), "application/json")
}

#[tokio::test]
async fn a_lifetime_of_any_shape_is_no_concern() {
    for lifetime in ["", ",\"expires_in\":null", ",\"expires_in\":\"3600\"", ",\"expires_in\":-1"] {
        let body = format!("{{\"access_token\":\"t0k\",\"token_type\":\"bearer\"{lifetime}}}");
        assert_eq!(answer(json(200, &body)).await, Ok(Secret::new("t0k")), "{body}");
    }
    let bare = "{\"access_token\":\"t0k\",\"scope\":[1]}";
    assert_eq!(answer(json(200, bare)).await, Ok(Secret::new("t0k")));
}

#[tokio::test]
async fn answers_are_permanent_only_if_the_protocol_says_so() {
    let error =
        |status, code: &str| json(status, &format!("{{\"error\":\"{code}\",\"error_description\":\"hush-hush\"}}"));
    let html = |status| ResponseTemplate::new(status).set_body_raw("<html>hush-hush</html>", "text/html");
    let cases = [
        (error(400, "invalid_grant"), Kind::TokenRevoked),
        (error(401, "invalid_client"), Kind::TokenRevoked),
        (error(400, "unauthorized_client"), Kind::TokenRevoked),
        (error(400, "access_denied"), Kind::TokenRevoked),
        (error(401, "disabled_client"), Kind::TokenRevoked),
        // Auth0 and a dead refresh token.
        (error(403, "invalid_grant"), Kind::TokenRevoked),
        (error(400, "invalid_scope"), Kind::InsufficientScope),
        (error(400, "temporarily_unavailable"), Kind::IdpUnavailable),
        (error(400, "hush-hush"), Kind::IdpUnavailable),
        // The right words from the wrong place are a fault.
        (error(503, "invalid_grant"), Kind::IdpUnavailable),
        (error(403, "access_denied"), Kind::IdpUnavailable),
        (html(502), Kind::IdpUnavailable),
        (html(200), Kind::IdpUnavailable),
        (html(401), Kind::IdpUnavailable),
        (html(403), Kind::IdpUnavailable),
        (json(200, "{\"error\":\"hush-hush\"}"), Kind::IdpUnavailable),
        (json(200, "{\"access_token\":\"\"}"), Kind::IdpUnavailable),
        (json(200, "{\"access_token\":\"hush-hush\\n\"}"), Kind::IdpUnavailable),
        (json(200, "{\"access_token\":\"hush-hush"), Kind::IdpUnavailable),
        (ResponseTemplate::new(500), Kind::IdpUnavailable),
        (ResponseTemplate::new(503), Kind::IdpUnavailable),
        (ResponseTemplate::new(429), Kind::RateLimited),
    ];
    for (reply, kind) in cases {
        let failure = answer(reply.clone()).await.expect_err("refused");
        assert_eq!(failure.kind, kind, "{reply:?}");
        let shown = format!("{failure} {failure:?}");
        assert!(!shown.contains("hush") && !shown.contains("127.0.0.1"), "{shown}");
    }
}

#[tokio::test]
async fn a_wish_to_wait_is_passed_on() {
    for status in [429, 503] {
        let reply = ResponseTemplate::new(status).insert_header("Retry-After", "2");
        let failure = answer(reply).await.expect_err("refused");
        assert_eq!(failure.kind, Kind::RateLimited);
        assert_eq!(failure.retry_after, Some(Duration::from_secs(2)));
    }
}

#[tokio::test]
async fn the_token_request_follows_no_redirect() {
    let elsewhere = MockServer::start().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(json(200, "{\"access_token\":\"stolen\"}"))
        .expect(0)
        .mount(&elsewhere)
        .await;
    for status in [302, 307] {
        let reply = ResponseTemplate::new(status).insert_header("Location", elsewhere.uri());
        let failure = answer(reply).await.expect_err("not followed");
        assert_eq!(failure.kind, Kind::IdpUnavailable);
    }
}

#[tokio::test]
async fn nobody_there_is_an_outage() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let failure = source(&at(&format!("http://{address}"))).get().await;
    assert_eq!(failure.expect_err("refused").kind, Kind::IdpUnavailable);
}

#[tokio::test]
async fn no_answer_in_time_is_an_outage() {
    let idp = MockServer::start().await;
    Mock::given(path("/token")).respond_with(json(200, "{}").set_delay(Duration::from_secs(60))).mount(&idp).await;
    let http = http_client(Duration::from_millis(50), &[]).expect("a client");
    let endpoint = Endpoint::new(&at(&idp.uri()), http, Arc::new(AllForms));
    let failure = ClientCredentials::new(Arc::new(endpoint)).grant().await;
    let failure = failure.expect_err("too late");
    assert_eq!(failure.to_string(), "identity provider: no answer in time");
}

#[tokio::test]
async fn the_client_authenticates_as_configured() {
    let idp = MockServer::start().await;
    let granted = json(200, "{\"access_token\":\"t0k\"}");
    Mock::given(path("/token"))
        .and(header("Authorization", "Basic Y2xpZW50OmNsaWVudC1zM2NyZXQ="))
        .and(body_string_contains("scope=orders.read"))
        .respond_with(granted.clone())
        .expect(1)
        .mount(&idp)
        .await;
    Mock::given(path("/token"))
        .and(body_string_contains("client_secret=client-s3cret"))
        .respond_with(granted)
        .expect(1)
        .mount(&idp)
        .await;
    let mut settings = at(&idp.uri());
    source(&settings).get().await.expect("by header");
    settings.client_auth = ClientAuth::Post;
    source(&settings).get().await.expect("by body");
}

#[tokio::test]
async fn an_audience_is_asked_for_where_one_is_set() {
    let idp = MockServer::start().await;
    Mock::given(path("/token"))
        .and(body_string_contains("audience=https%3A%2F%2Fapi.example"))
        .respond_with(json(200, "{\"access_token\":\"t0k\"}"))
        .expect(1)
        .mount(&idp)
        .await;
    let settings = OAuth { audience: Some("https://api.example".into()), ..at(&idp.uri()) };
    source(&settings).get().await.expect("granted");
}

#[tokio::test]
async fn the_endpoint_is_found_by_discovery_once() {
    let idp = MockServer::start().await;
    let metadata = format!("{{\"issuer\":\"{0}\",\"token_endpoint\":\"{0}/token\"}}", idp.uri());
    Mock::given(path("/.well-known/openid-configuration"))
        .respond_with(json(200, &metadata))
        .expect(1)
        .mount(&idp)
        .await;
    Mock::given(path("/token")).respond_with(json(200, "{\"access_token\":\"t0k\"}")).expect(2).mount(&idp).await;
    let issuer = idp.uri().parse().expect("a URL");
    let source = source(&settings(TokenEndpoint::Issuer(issuer)));
    let token = source.get().await.expect("granted");
    source.invalidate(&token);
    source.get().await.expect("granted again");
}

#[tokio::test]
async fn another_issuers_metadata_is_refused() {
    let idp = MockServer::start().await;
    let metadata = format!("{{\"issuer\":\"http://evil.example\",\"token_endpoint\":\"{}/token\"}}", idp.uri());
    Mock::given(path("/.well-known/openid-configuration")).respond_with(json(200, &metadata)).mount(&idp).await;
    Mock::given(path("/token")).respond_with(json(200, "{\"access_token\":\"t0k\"}")).expect(0).mount(&idp).await;
    let issuer = idp.uri().parse().expect("a URL");
    let failure = source(&settings(TokenEndpoint::Issuer(issuer))).get().await;
    assert_eq!(failure.expect_err("refused").kind, Kind::IdpUnavailable);
}
