//! What the API may answer, what the workflow then sees, and what becomes of the token.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use reference_worker::token::{Token, Tokens};
use reference_worker::{
    AllForms, Call, Failure, HttpOrders, IdempotencyKeys, Kind, Orders, PerActivity, Secret, http_client,
};
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Always the same token; remembers what was refused.
#[derive(Default)]
struct OneToken(Mutex<Vec<Token>>);

impl Tokens for OneToken {
    fn get(&self) -> BoxFuture<'_, Result<Token, Failure>> {
        async { Ok(Secret::new("t0k")) }.boxed()
    }

    fn invalidate(&self, refused: &Token) {
        self.0.lock().expect("no panic").push(refused.clone());
    }

    fn settle(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}

fn orders(uri: &str, tokens: Arc<OneToken>) -> HttpOrders {
    let http = http_client(Duration::from_secs(5), &[]).expect("a client");
    HttpOrders::new(uri.parse().expect("a URL"), http, tokens, Arc::new(AllForms))
}

fn call(attempt: u32) -> Call {
    Call { workflow_id: "wf-1".into(), activity_id: "2".into(), attempt }
}

#[tokio::test]
async fn every_request_names_its_workflow_and_carries_the_token() {
    let api = MockServer::start().await;
    let marked = || Mock::given(header("Authorization", "Bearer t0k")).and(header("X-Workflow-Id", "wf-1"));
    let good = ResponseTemplate::new(200).set_body_json(true);
    marked().and(method("GET")).and(path("/orders/a%2Fb")).respond_with(good.clone()).expect(1).mount(&api).await;
    marked().and(path("/orders/7/items")).and(query_param("page", "3")).respond_with(good).expect(1).mount(&api).await;
    marked()
        .and(method("POST"))
        .and(path("/orders/7/ship"))
        .and(header("Idempotency-Key", "wf-1/2"))
        .respond_with(ResponseTemplate::new(201))
        .expect(1)
        .mount(&api)
        .await;
    let orders = orders(&api.uri(), Arc::default());
    orders.fetch(&call(1), "a/b").await.expect("fetched");
    orders.items(&call(1), "7", 3).await.expect("listed");
    let key = PerActivity.key(&call(1));
    orders.ship(&call(1), "7", &key).await.expect("shipped");
}

#[test]
fn the_key_of_an_effect_is_the_same_on_every_attempt() {
    assert_eq!(PerActivity.key(&call(1)), PerActivity.key(&call(9)));
}

#[tokio::test]
async fn refusals_have_types_and_only_a_401_drops_the_token() {
    let challenge = |status, value: &str| {
        ResponseTemplate::new(status).insert_header("WWW-Authenticate", value).set_body_string("t0k hush-hush")
    };
    let plain = ResponseTemplate::new;
    let waits = |status| plain(status).insert_header("Retry-After", "3");
    let cases = [
        (challenge(401, "Bearer error=\"invalid_token\""), Kind::TokenExpired, None),
        (plain(401), Kind::TokenExpired, None),
        (challenge(403, "Bearer error=\"insufficient_scope\""), Kind::InsufficientScope, None),
        (challenge(403, "Bearer"), Kind::Forbidden, None),
        (waits(403), Kind::RateLimited, Some(3)),
        (waits(429), Kind::RateLimited, Some(3)),
        (plain(429), Kind::RateLimited, None),
        (plain(500), Kind::ApiUnavailable, None),
        (waits(503), Kind::ApiUnavailable, Some(3)),
        (plain(302), Kind::ApiUnavailable, None),
        (plain(409), Kind::ApiUnavailable, None),
        (plain(404), Kind::ApiRejected, None),
        (plain(200).set_body_string("<html>hush-hush</html>"), Kind::ApiUnavailable, None),
    ];
    for (reply, kind, wait) in cases {
        let api = MockServer::start().await;
        Mock::given(path("/orders/7")).respond_with(reply.clone()).expect(1).mount(&api).await;
        let tokens = Arc::new(OneToken::default());
        let orders = orders(&api.uri(), Arc::clone(&tokens));
        let failure = orders.fetch(&call(1), "7").await.expect_err("refused");
        assert_eq!(failure.kind, kind, "{reply:?}");
        assert_eq!(failure.retry_after, wait.map(Duration::from_secs), "{reply:?}");
        let refused = tokens.0.lock().expect("no panic").len();
        assert_eq!(refused, usize::from(kind == Kind::TokenExpired), "{reply:?}");
        let shown = format!("{failure} {failure:?}");
        assert!(!shown.contains("t0k") && !shown.contains("hush"), "{shown}");
    }
}
