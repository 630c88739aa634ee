//! What an observer is told of requests.

use std::sync::{Arc, Mutex};

use mock_idp::{Client, Config, Endpoint, Observer, Outcome, ReplySeen, RequestSeen, TokenFormat};

use crate::support::{Served, basic, serve};

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<RequestSeen>>,
    statuses: Mutex<Vec<u16>>,
}

impl Observer for Seen {
    fn request(&self, seen: &RequestSeen, decide: &mut dyn FnMut()) -> Outcome {
        self.requests.lock().expect("no panic").push(seen.clone());
        decide();
        Outcome::default()
    }

    fn reply(&self, _: &RequestSeen, reply: &ReplySeen) -> Outcome {
        self.statuses.lock().expect("no panic").push(reply.status);
        Outcome::default()
    }
}

async fn served() -> (Served, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let config = Config {
        clients: vec![Client::new("worker", "secret").scopes(["orders.read"])],
        format: TokenFormat::Opaque,
        observer: Arc::clone(&seen) as Arc<dyn Observer>,
        ..Config::default()
    };
    (serve(config).await, seen)
}

#[tokio::test]
async fn requests_for_nothing_are_seen_and_refused() {
    let (served, seen) = served().await;
    let missing = served.get("/oauth2/missing?code=x").await;
    let other = served.get("/oauth2/token?grant_type=client_credentials").await;
    let posted = served.post("/oauth2/jwks", "", "").await;
    assert_eq!([missing.status, other.status, posted.status], [404, 405, 405]);
    assert!(!missing.head.contains("allow:"));
    assert!(other.head.contains("allow: POST") && posted.head.contains("allow: GET"), "RFC 9110 §15.5.6");
    let requests = seen.requests.lock().expect("no panic");
    let told: Vec<_> = requests.iter().map(|request| (request.endpoint, request.target.as_str())).collect();
    let unknown = Endpoint::Unknown;
    assert_eq!(
        told,
        [(unknown, "GET /oauth2/missing"), (unknown, "GET /oauth2/token"), (unknown, "POST /oauth2/jwks")],
        "a GET is no token request, and a query may hold secrets"
    );
    assert_eq!(*seen.statuses.lock().expect("no panic"), [404, 405, 405]);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_seen_and_refused() {
    let (served, seen) = served().await;
    let form = format!("grant_type=client_credentials&x={}", "y".repeat(130 * 1024));
    assert_eq!(served.post("/oauth2/token", &basic("worker", "secret"), &form).await.status, 413);
    assert_eq!(seen.requests.lock().expect("no panic").len(), 1);
    assert!(served.idp.tokens().is_empty());
}

#[tokio::test]
async fn what_a_token_request_asks_for_is_told() {
    let (served, seen) = served().await;
    let form = "grant_type=client_credentials&scope=orders.read&audience=orders&resource=https%3A%2F%2Fa&resource=b";
    assert_eq!(served.token(form).await.status, 200, "RFC 8707 §2 lets resource stand more than once");
    served.token("grant_type=client_credentials").await;
    let requests = seen.requests.lock().expect("no panic");
    assert_eq!(requests[0].endpoint, Endpoint::Token);
    assert_eq!((requests[0].scope.as_deref(), requests[0].audience.as_deref()), (Some("orders.read"), Some("orders")));
    assert_eq!(requests[0].resources, ["https://a", "b"]);
    assert_eq!((&requests[1].scope, &requests[1].audience, requests[1].resources.len()), (&None, &None, 0));
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let (served, seen) = served().await;
    let reply = served.raw("HEAD /oauth2/jwks HTTP/1.1\r\nHost: idp\r\nConnection: close\r\n\r\n").await;
    assert_eq!(reply.map(|reply| (reply.status, reply.body)), Some((200, String::new())));
    assert_eq!(seen.requests.lock().expect("no panic")[0].endpoint, Endpoint::Jwks);
}
