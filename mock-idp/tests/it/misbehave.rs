//! Rules of misbehaviour, on the wire, with nobody observing.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mock_idp::fault::{Act, Answer, Directive, FieldChange, Sent};
use mock_idp::{Client, Config, Endpoint, Observer, Outcome, ReplySeen, RequestSeen, Rule, TimeSource, TokenFormat};

use crate::support::{Served, basic, serve};

const GRANT: &str = "grant_type=client_credentials";

fn config() -> Config {
    let clients = vec![Client::new("worker", "secret"), Client::new("other", "else")];
    Config { clients, format: TokenFormat::Opaque, ..Config::default() }
}

async fn statuses<const N: usize>(served: &Served) -> [u16; N] {
    let mut statuses = [0; N];
    for status in &mut statuses {
        *status = served.token(GRANT).await.status;
    }
    statuses
}

/// A token request of which no byte of a reply may arrive.
async fn unanswered(served: &Served) -> bool {
    let request = format!(
        "POST /oauth2/token HTTP/1.1\r\nHost: idp\r\nConnection: close\r\nContent-Length: {}\r\n{}\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{GRANT}",
        GRANT.len(),
        basic("worker", "secret")
    );
    served.raw(&request).await.is_none()
}

#[tokio::test]
async fn an_endpoint_answers_so_n_times_and_is_not_asked() {
    let served = serve(config()).await;
    served.idp.rules().add(Rule::on(Endpoint::Token).status(503).times(2));
    assert_eq!(served.get("/oauth2/jwks").await.status, 200, "other endpoints are not touched");
    assert_eq!(statuses(&served).await, [503, 503, 200]);
    assert_eq!(served.idp.tokens().len(), 1);
    served.idp.rules().add(Rule::on(Endpoint::Token).error(400, "invalid_grant").times(1));
    let refused = served.token(GRANT).await;
    assert_eq!((refused.status, refused.text("error").as_str()), (400, "invalid_grant"));
    assert!(refused.head.contains("cache-control: no-store"));
    let html = Answer { status: 502, headers: vec![("Content-Type".into(), "text/html".into())], body: "<h1>".into() };
    served.idp.rules().add(Rule::everywhere().answer(html).times(1));
    let page = served.get("/oauth2/jwks").await;
    assert_eq!((page.status, page.body.as_str()), (502, "<h1>"));
}

#[tokio::test]
async fn a_rule_lasts_for_a_period_by_the_clock() {
    let real = Arc::new(AtomicI64::new(1_000_000));
    let source = Arc::clone(&real);
    let time = TimeSource::new(move || source.load(Ordering::Relaxed));
    let served = serve(Config { time, ..config() }).await;
    let rule = served.idp.rules().add(Rule::on(Endpoint::Token).status(503).lasting(Duration::from_secs(2)));
    assert_eq!(statuses(&served).await, [503, 503, 503]);
    real.fetch_add(1_999, Ordering::Relaxed);
    assert_eq!(statuses(&served).await, [503]);
    real.fetch_add(1, Ordering::Relaxed);
    assert_eq!(statuses(&served).await, [200]);
    assert!(!served.idp.rules().remove(rule), "it is over");
}

#[tokio::test]
async fn a_rule_holds_until_it_is_removed_and_the_oldest_comes_first() {
    let served = serve(config()).await;
    let first = served.idp.rules().add(Rule::on(Endpoint::Token).status(500));
    served.idp.rules().add(Rule::everywhere().status(503));
    assert_eq!(statuses(&served).await, [500, 500]);
    assert!(served.idp.rules().remove(first));
    assert_eq!(statuses(&served).await, [503, 503]);
    served.idp.rules().clear();
    assert_eq!(statuses(&served).await, [200]);
}

#[tokio::test]
async fn a_rule_can_be_for_one_client() {
    let served = serve(config()).await;
    served.idp.rules().add(Rule::on(Endpoint::Token).client("other").status(503));
    assert_eq!(served.post("/oauth2/token", &basic("other", "else"), GRANT).await.status, 503);
    assert_eq!(statuses(&served).await, [200]);
}

#[tokio::test]
async fn a_dropped_a_cut_and_an_altered_reply_were_processed() {
    let served = serve(config()).await;
    let rules = served.idp.rules();
    rules.add(Rule::on(Endpoint::Token).drop_reply().times(1));
    assert!(unanswered(&served).await);
    rules.add(Rule::on(Endpoint::Token).truncate(5).times(1));
    assert_eq!(served.token(GRANT).await.body.len(), 5);
    rules.add(Rule::on(Endpoint::Token).alter([FieldChange { field: "expires_in".into(), value: None }]).times(1));
    assert_eq!(served.token(GRANT).await.field("expires_in"), serde_json::Value::Null);
    assert_eq!(served.idp.tokens().len(), 3);
    rules.add(Rule::on(Endpoint::Token).reset().times(1));
    let form = oauth2_form(&served).await;
    assert!(form.is_err(), "{form:?}");
    assert_eq!(served.idp.tokens().len(), 4);
    assert_eq!(statuses(&served).await, [200]);
}

async fn oauth2_form(served: &Served) -> reqwest::Result<String> {
    let url = format!("{}/oauth2/token", served.listener.origin);
    let form = format!("{GRANT}&client_id=worker&client_secret=secret");
    let request = reqwest::Client::new().post(url).header("Content-Type", "application/x-www-form-urlencoded");
    request.body(form).send().await?.text().await
}

/// Refuses everything, and writes down what it is told.
#[derive(Default)]
struct Refusing(Mutex<Vec<String>>);

impl Observer for Refusing {
    fn request(&self, seen: &RequestSeen, _: &mut dyn FnMut()) -> Outcome {
        self.0.lock().expect("no panic").push(format!("request {}", seen.endpoint));
        let answer = Answer { status: 418, headers: Vec::new(), body: String::new() };
        let directive = Directive { act: Act::Answer(answer), ..Directive::proceed() };
        Outcome { directive, before: None }
    }

    fn reply(&self, _: &RequestSeen, reply: &ReplySeen) -> Outcome {
        self.0.lock().expect("no panic").push(format!("reply {}", reply.status));
        Outcome::default()
    }

    fn done(&self, _: &RequestSeen, sent: Sent) {
        self.0.lock().expect("no panic").push(format!("done {}", sent.delivered));
    }
}

#[tokio::test]
async fn an_observer_behind_the_rules_sees_all_and_its_own_wishes_come_after() {
    let refusing = Arc::new(Refusing::default());
    let served = serve(Config { observer: Arc::clone(&refusing) as Arc<dyn Observer>, ..config() }).await;
    served.idp.rules().add(Rule::on(Endpoint::Token).status(503).times(1));
    served.idp.rules().add(Rule::on(Endpoint::Token).drop_reply().times(1));
    assert_eq!(statuses(&served).await, [503]);
    assert!(unanswered(&served).await);
    assert_eq!(statuses(&served).await, [418]);
    let told = refusing.0.lock().expect("no panic");
    let round = |status: u16, delivered: bool| {
        ["request token".to_owned(), format!("reply {status}"), format!("done {delivered}")]
    };
    assert_eq!(*told, [round(503, true), round(418, false), round(418, true)].concat());
}

#[tokio::test]
async fn a_delayed_reply_comes_late_and_whole() {
    let served = serve(config()).await;
    let delay = Duration::from_millis(30);
    served.idp.rules().add(Rule::on(Endpoint::Token).delay(delay).times(1));
    let before = std::time::Instant::now();
    assert_eq!(statuses(&served).await, [200]);
    // A slow machine makes it later, never earlier.
    assert!(before.elapsed() >= delay);
}
