//! What else can be mangled: connections under TLS, the forms of a browser, keys that are fetched, and rules. Nothing of it
//! panics, which a task that nobody waits for would keep to itself, and nothing is a server error.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use http::{HeaderValue, Request, Response};
use mock_idp::admin::Admin;
use mock_idp::misbehave::Example;
use mock_idp::{AuthMethod, Client, Config, Idp, KeySource, Listener, LoginMode, LoginSettings, User};
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use crate::fuzz::{BACK, Fuzzer, built, config};
use crate::support::encoded;
use crate::tls;

const SEED: u64 = 11;
const ORIGIN: &str = "http://idp.test";
const FORM: &str = "application/x-www-form-urlencoded";

/// Counts panics of this test's thread, on which all its tasks run, too.
struct Panics(Arc<AtomicUsize>);

impl Panics {
    fn counted() -> Self {
        let (count, own) = (Arc::new(AtomicUsize::new(0)), std::thread::current().id());
        let (counter, before) = (Arc::clone(&count), std::panic::take_hook());
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().id() == own {
                counter.fetch_add(1, Ordering::Relaxed);
            }
            before(panic);
        }));
        Self(count)
    }

    fn none(&self) {
        assert_eq!(self.0.load(Ordering::Relaxed), 0, "seed {SEED}: a task has panicked");
    }
}

async fn body(reply: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(reply.into_body(), 1 << 20).await.expect("a body");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn whatever_comes_over_http_2_under_tls_is_answered() {
    let panics = Panics::counted();
    let mut fuzzer = Fuzzer::new(SEED);
    let served = tls::serve(config(&fuzzer.signer)).await;
    let origin = format!("https://{}", served.address);
    let runner = hyper_util::rt::TokioExecutor::new();
    let io = hyper_util::rt::TokioIo::new(served.connect(None, b"h2").await.expect("TLS"));
    let (sender, connection) = hyper::client::conn::http2::handshake(runner, io).await.expect("HTTP/2");
    tokio::spawn(connection);
    let mut good = 0;
    for _ in 0..400 {
        let mut request = fuzzer.request(served.idp.clock().now_ms() / 1000);
        fuzzer.mangle(&mut request);
        let get = fuzzer.random.random_bool(0.1);
        let Some(built) = built(&request, &origin, get) else { continue };
        let reply = sender.clone().send_request(built).await.expect("the connection is good for the next one");
        let (status, form) = (reply.status().as_u16(), String::from_utf8_lossy(&request.form).into_owned());
        assert!(status < 500, "seed {SEED}: {} {form} gives {status}", request.path);
        good += u32::from(status == 200);
    }
    assert!(good > 20, "hardly anything got far enough to be parsed: {good}");
    panics.none();
}

/// An HTTP/2 connection preface, SETTINGS, and HEADERS of a request for the JWKS with literal names (RFC 9113, RFC 7541).
fn frames() -> Vec<u8> {
    let mut headers = vec![0x82, 0x87, 0x04, 12];
    headers.extend(b"/oauth2/jwks");
    headers.extend([0x41, 9]);
    headers.extend(b"localhost");
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    bytes.extend([0, 0, u8::try_from(headers.len()).expect("short"), 1, 5, 0, 0, 0, 1]);
    bytes.extend(headers);
    bytes
}

/// What was said only half is waited for: by the server, not by the test.
const MOMENT: Duration = Duration::from_millis(5);

/// Whether something is answered to these bytes.
async fn said(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8], patience: Duration) -> bool {
    let exchange = async {
        stream.write_all(bytes).await?;
        stream.flush().await?;
        stream.read(&mut [0; 256]).await
    };
    matches!(tokio::time::timeout(patience, exchange).await, Ok(Ok(1..)))
}

#[tokio::test]
async fn no_bytes_on_a_connection_harm_the_server() {
    let panics = Panics::counted();
    let mut fuzzer = Fuzzer::new(SEED);
    let served = tls::serve(config(&fuzzer.signer)).await;
    let text = b"GET /oauth2/jwks HTTP/1.1\r\nHost: idp\r\nConnection: close\r\n\r\n".to_vec();
    let mut answered = 0;
    for turn in 0..60 {
        let (alpn, bytes): (&[u8], _) = if turn % 2 == 0 { (b"h2", frames()) } else { (b"http/1.1", text.clone()) };
        // The first ones are right, so that it is known what is mangled.
        let bytes = if turn < 2 { bytes } else { fuzzer.mangled(bytes) };
        let heard = if turn % 3 == 2 {
            said(TcpStream::connect(served.address).await.expect("it listens"), &bytes, MOMENT).await
        } else {
            let patience = if turn < 2 { crate::support::wire::BOUND } else { MOMENT };
            said(served.connect(None, alpn).await.expect("TLS"), &bytes, patience).await
        };
        assert!(heard || turn >= 2, "what is right is answered");
        answered += u32::from(heard);
    }
    assert!(answered > 10, "hardly anything was answered: {answered}");
    panics.none();
}

#[tokio::test]
async fn whatever_a_browsers_forms_say_they_are_answered() {
    let panics = Panics::counted();
    let mut fuzzer = Fuzzer::new(SEED);
    let login = LoginSettings { mode: LoginMode::Page, ..LoginSettings::default() };
    let users = vec![User::new("alice").password("wonderland"), User::new("bob")];
    let idp = Idp::new(Config { login, users, ..config(&fuzzer.signer) });
    let router = idp.router(Listener::new("w1", ORIGIN));
    let send = async |path: &str, cookie: &[u8], form: Option<Vec<u8>>| {
        let method = if form.is_some() { "POST" } else { "GET" };
        let mut request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, FORM);
        if let Ok(cookie) = HeaderValue::from_bytes(cookie) {
            request = request.header(COOKIE, cookie);
        }
        let request = request.body(Body::from(form.unwrap_or_default())).expect("a request");
        let reply = router.clone().oneshot(request).await.expect("it always answers");
        assert!(reply.status().as_u16() < 500, "seed {SEED}: {path} gives {}", reply.status());
        reply
    };
    let asked = [("response_type", "code"), ("client_id", "app"), ("scope", "a openid"), ("redirect_uri", BACK)];
    let pkce = [("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), ("code_challenge_method", "S256")];
    let asked = encoded(&[&asked[..], &pkce].concat());
    let (mut pages, mut ended) = (0, 0);
    for turn in 0..250 {
        let (mut path, mut query) = (format!("/oauth2/authorize?{asked}"), None);
        if turn % 5 == 4 {
            (path, query) = ("/oauth2/device".to_owned(), Some(b"user_code=BCDF-GHJK".to_vec()));
        }
        let mut cookies: Vec<u8> = Vec::new();
        // Login, consent, and one more than there is.
        for action in ["login", "allow", "allow"] {
            let reply = send(&path, &cookies, query.take()).await;
            for set in reply.headers().get_all(SET_COOKIE) {
                cookies.extend(set.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default());
                cookies.extend(b"; ");
            }
            ended += u32::from(reply.headers().contains_key(LOCATION));
            let page = body(reply).await;
            let Some((_, rest)) = page.split_once(r#"name="interaction" value=""#) else { break };
            pages += 1;
            let key = rest.split('"').next().unwrap_or_default();
            let fields = [("interaction", key), ("action", action), ("username", "alice"), ("password", "wonderland")];
            let form = encoded(&fields).into_bytes();
            // Some of them stay right, so that there is a consent to mangle.
            let form = if fuzzer.random.random_bool(0.4) { fuzzer.mangled(form) } else { form };
            if fuzzer.random.random_bool(0.2) {
                cookies = fuzzer.mangled(cookies);
            }
            (path, query) = ("/oauth2/interaction".to_owned(), Some(form));
        }
    }
    assert!(pages > 150 && ended > 20, "hardly any form got far enough: {pages} pages, {ended} ends");
    panics.none();
}

#[tokio::test]
async fn whatever_is_served_as_keys_is_a_refusal_at_most() {
    let panics = Panics::counted();
    let mut fuzzer = Fuzzer::new(SEED);
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("an address");
    let keys = KeySource::url(&format!("http://{address}/jwks")).expect("an address");
    let keyed = Client::new("keyed", "").methods([AuthMethod::PrivateKeyJwt]).keys(keys);
    let idp = Idp::new(Config { clients: vec![keyed], ..Config::default() });
    let router = idp.router(Listener::new("w1", ORIGIN));
    let mut granted = 0;
    for turn in 0..150 {
        let mut set = json!({"keys": [fuzzer.signer.jwk, {"kty": "RSA", "n": "AQAB", "e": "AQAB"}]});
        if turn % 3 == 1 {
            fuzzer.bend(&mut set);
        }
        let set = set.to_string();
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", set.len());
        let bytes = [head.into_bytes(), set.into_bytes()].concat();
        let bytes = if turn % 3 == 2 { fuzzer.mangled(bytes) } else { bytes };
        // Nothing is remembered of the last time.
        idp.move_clock(400_000);
        let now_s = idp.clock().now_ms() / 1000;
        let claims = json!({"iss": "keyed", "sub": "keyed", "aud": ORIGIN, "iat": now_s, "exp": now_s + 60, "jti": turn.to_string()});
        let form = encoded(&[
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &fuzzer.signer.jwt(&claims)),
        ]);
        let request = Request::post("/oauth2/token").header(CONTENT_TYPE, FORM).body(Body::from(form));
        let serving = async {
            let (mut stream, _) = socket.accept().await.expect("it asks");
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(&bytes).await;
        };
        let (reply, ()) = tokio::join!(router.clone().oneshot(request.expect("a request")), serving);
        let status = reply.expect("it always answers").status().as_u16();
        assert!(status < 500, "seed {SEED}: {} gives {status}", String::from_utf8_lossy(&bytes));
        granted += u32::from(status == 200);
    }
    assert!((50..150).contains(&granted), "those that are not mangled are good, and some are: {granted}");
    panics.none();
}

#[tokio::test]
async fn whatever_is_sent_as_a_rule_is_taken_or_told() {
    let panics = Panics::counted();
    let mut fuzzer = Fuzzer::new(SEED);
    let (idp, listener) = (Idp::new(config(&fuzzer.signer)), Listener::new("w1", ORIGIN));
    let control = Admin::new(idp.clone(), listener.clone()).router();
    let router = idp.router(listener);
    let examples = mock_idp::misbehave::all().filter_map(|one| match one.example {
        Example::Rule(rule) => Some(rule()),
        Example::Control { .. } => None,
    });
    let rules: Vec<Value> = examples.map(|rule| serde_json::to_value(rule).expect("JSON")).collect();
    let (mut taken, mut told) = (0, 0);
    for turn in 0..500 {
        let mut rule = rules[turn % rules.len()].clone();
        if turn % 3 == 0 {
            fuzzer.bend(&mut rule);
        }
        let text = rule.to_string().into_bytes();
        let text = if turn % 3 == 1 { fuzzer.mangled(text) } else { text };
        let request = Request::post("/admin/rules").header(HOST, "127.0.0.1").header(CONTENT_TYPE, "application/json");
        let reply = control.clone().oneshot(request.body(Body::from(text.clone())).expect("a request")).await;
        let status = reply.expect("it always answers").status().as_u16();
        assert!(status < 500, "seed {SEED}: {} gives {status}", String::from_utf8_lossy(&text));
        (taken, told) = if status == 201 { (taken + 1, told) } else { (taken, told + 1) };
        // It may hold the request for as long as it likes.
        let request = Request::post("/oauth2/token").header(CONTENT_TYPE, FORM).body(Body::from("client_id=app"));
        let reply = router.clone().oneshot(request.expect("a request"));
        let _ = tokio::time::timeout(Duration::from_micros(100), reply).await;
        idp.clear_rules();
    }
    assert!(taken > 100 && told > 100, "{taken} were taken, {told} were told");
    panics.none();
}
