//! The API front as a worker sees it on the wire, and what it leaves in the journal.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokenlapse::journal::{
    Act, Answer, Consequences, Directive, Event, FieldChange, Instance, Intervene, Journal, Record, TokenName,
};
use tokenlapse::lab::api::{ApiFront, Config, Judged, TokenJudge};
use tokenlapse::scenario::{Correlate, Route};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wiremock::matchers::{any, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Knows the token `good` for reading and `strong` for everything, until they are revoked.
struct Known(Arc<AtomicBool>);

impl TokenJudge for Known {
    fn judge(&self, bearer: &str) -> Judged {
        let scopes = match bearer {
            "good" => vec!["orders.read".to_owned()],
            "strong" => vec!["orders.read".to_owned(), "orders.write".to_owned()],
            _ => return Judged { refused: Some("unknown".into()), ..Judged::default() },
        };
        let refused = self.0.load(Ordering::Relaxed).then(|| "revoked".to_owned());
        Judged { token: Some(TokenName::from("T1")), sub: Some("c1".into()), scopes, refused }
    }
}

type Rule = Box<dyn Fn(&Event) -> Option<Act> + Send>;

struct Rules {
    rules: Arc<Mutex<Vec<Rule>>>,
}

impl Intervene for Rules {
    fn observe(&mut self, record: &Record, consequences: &mut Consequences) {
        for rule in &*self.rules.lock().expect("no panic") {
            if let Some(act) = rule(&record.event) {
                consequences.directive = Directive { act, ..Directive::proceed() };
            }
        }
    }
}

struct Lab {
    journal: Journal,
    upstream: MockServer,
    address: std::net::SocketAddr,
    revoked: Arc<AtomicBool>,
    rules: Arc<Mutex<Vec<Rule>>>,
}

impl Lab {
    async fn open() -> Self {
        // One of its own: a server from wiremock's pool may still hear from another test.
        let upstream = MockServer::builder().start().await;
        let url = upstream.uri();
        Self::before(upstream, &url).await
    }

    async fn before(upstream: MockServer, url: &str) -> Self {
        Mock::given(path("/broken")).respond_with(ResponseTemplate::new(503)).mount(&upstream).await;
        let never = ResponseTemplate::new(200).set_delay(Duration::from_secs(3600));
        Mock::given(path("/slow")).respond_with(never).mount(&upstream).await;
        let answer = ResponseTemplate::new(200).set_body_json(serde_json::json!({"order": 7, "state": "open"}));
        Mock::given(any()).respond_with(answer).mount(&upstream).await;

        let route = |text: &str| Route::new(text.parse().expect("a route"));
        let read = route("GET /orders/{id}").needs(["orders.read"]);
        let ship = route("POST /orders/{id}/ship").needs(["orders.write"]);
        let ship = ship.with_effect(Some("Idempotency-Key"));
        let report = route("GET /reports/{id}").needs(["orders.read", "orders.write"]);
        let journal = Journal::in_memory();
        let (revoked, rules) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        journal.intervene_with(Rules { rules: Arc::clone(&rules) });
        let config = Config {
            routes: vec![read, ship, report],
            correlate: Some(Correlate::Header("X-Workflow-Id".to_owned().into())),
            upstream: url.parse().expect("a URL"),
        };
        let judge = Box::new(Known(Arc::clone(&revoked)));
        let front = ApiFront::new(config, journal.clone(), judge, Arc::new(AtomicU64::new(1)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((io, _)) = listener.accept().await {
                let front = front.clone();
                tokio::spawn(async move { front.serve(Instance::of("w1", 1), io).await });
            }
        });
        Self { journal, upstream, address, revoked, rules }
    }

    /// Sends a request by plain TCP; the whole reply as text, empty if the connection was closed without one.
    async fn send(&self, line: &str, headers: &[(&str, &str)]) -> String {
        self.send_body(line, headers, b"").await
    }

    async fn send_body(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        let length = body.len();
        let mut text = format!("{line} HTTP/1.1\r\nHost: api\r\nConnection: close\r\nContent-Length: {length}\r\n");
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += "\r\n";
        stream.write_all(text.as_bytes()).await.expect("it reads");
        stream.write_all(body).await.expect("it reads");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.expect("text");
        reply
    }

    fn rule(&self, rule: impl Fn(&Event) -> Option<Act> + Send + 'static) {
        self.rules.lock().expect("no panic").push(Box::new(rule));
    }

    async fn forwarded(&self) -> usize {
        self.upstream.received_requests().await.expect("it records").len()
    }

    fn events(&self, kind: &str) -> Vec<serde_json::Value> {
        let records = self.journal.records();
        let of_kind = records.iter().filter(|record| record.event.kind() == kind);
        of_kind.map(|record| serde_json::to_value(&record.event).expect("JSON")).collect()
    }

    async fn delivered(&self, nth: usize) -> bool {
        let seen = std::cell::Cell::new(0);
        let found = self.journal.seen(Duration::from_secs(5), |record| {
            let done = matches!(record.event, Event::HttpDone { .. });
            seen.set(seen.get() + usize::from(done));
            done && seen.get() == nth
        });
        matches!(found.await.expect("it ends").event, Event::HttpDone { delivered: true, .. })
    }
}

const GOOD: (&str, &str) = ("Authorization", "Bearer good");
const STRONG: (&str, &str) = ("authorization", "bearer strong");

#[tokio::test]
async fn refusals_are_those_of_rfc_6750() {
    let lab = Lab::open().await;
    let missing = lab.send("GET /orders/7", &[]).await;
    assert!(missing.starts_with("HTTP/1.1 401"), "{missing}");
    assert!(missing.contains("www-authenticate: Bearer realm=\"api\"\r\n"), "no error code without a token: {missing}");
    let unknown = lab.send("GET /orders/7", &[("Authorization", "Bearer what")]).await;
    assert!(unknown.starts_with("HTTP/1.1 401") && unknown.contains("error=\"invalid_token\""), "{unknown}");
    let weak = lab.send("POST /orders/7/ship", &[GOOD]).await;
    assert!(weak.starts_with("HTTP/1.1 403") && weak.contains("error=\"insufficient_scope\""), "{weak}");
    assert!(weak.contains("scope=\"orders.write\""), "{weak}");
    let basic = lab.send("GET /orders/7", &[("Authorization", "Basic good")]).await;
    assert!(basic.starts_with("HTTP/1.1 401"), "{basic}");
    assert_eq!(lab.forwarded().await, 0, "the upstream sees only what shall be answered");
    let refused: Vec<_> = lab.events("api.request").iter().map(|event| event["refused"].clone()).collect();
    assert_eq!(refused, ["missing".into(), "unknown".into(), serde_json::Value::Null, "missing".into()]);
}

#[tokio::test]
async fn a_good_request_is_forwarded_and_recorded_with_its_workflow() {
    let lab = Lab::open().await;
    let reply = lab.send("GET /orders/7?full=1", &[GOOD, ("X-Workflow-Id", "w-1")]).await;
    assert!(reply.starts_with("HTTP/1.1 200") && reply.ends_with(r#"{"order":7,"state":"open"}"#), "{reply}");
    assert!(lab.delivered(1).await);
    let event = &lab.events("api.response")[0];
    assert_eq!(event["route"], "GET /orders/{id}");
    assert_eq!(event["target"], "GET /orders/7", "no query: it may hold anything");
    assert_eq!((&event["workflow"], &event["token"], &event["sub"]), (&"w-1".into(), &"T1".into(), &"c1".into()));
    let forwarded = lab.upstream.received_requests().await.expect("it records");
    assert_eq!(forwarded[0].url.query(), Some("full=1"));
}

#[tokio::test]
async fn the_upstream_gets_what_the_worker_sent() {
    let lab = Lab::open().await;
    let reply = lab.send_body("POST /orders/7/ship", &[STRONG, ("X-Trace", "t1")], b"{\"fast\":true}").await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    let forwarded = &lab.upstream.received_requests().await.expect("it records")[0];
    assert_eq!((forwarded.method.as_str(), forwarded.url.path()), ("POST", "/orders/7/ship"));
    assert_eq!(forwarded.headers["x-trace"], "t1");
    assert_eq!(forwarded.headers.get_all("host").iter().count(), 1);
    assert_eq!(forwarded.headers["host"], lab.upstream.address().to_string(), "the upstream's name, not the front's");
    assert_eq!(forwarded.body, b"{\"fast\":true}");
}

#[tokio::test]
async fn a_body_that_does_not_fit_into_memory_is_refused() {
    let lab = Lab::open().await;
    let fits = vec![b' '; 4 * 1024 * 1024];
    assert!(lab.send_body("POST /orders/7/ship", &[STRONG], &fits).await.starts_with("HTTP/1.1 200"));
    let large = [fits, vec![b' ']].concat();
    assert!(lab.send_body("POST /orders/7/ship", &[STRONG], &large).await.starts_with("HTTP/1.1 413"));
    assert_eq!(lab.forwarded().await, 1);
}

#[tokio::test]
async fn a_route_needs_all_of_its_scopes() {
    let lab = Lab::open().await;
    let one_of_two = lab.send("GET /reports/1", &[GOOD]).await;
    assert!(one_of_two.starts_with("HTTP/1.1 403"), "{one_of_two}");
    assert!(one_of_two.contains("scope=\"orders.read orders.write\""), "{one_of_two}");
    assert!(lab.send("GET /reports/1", &[STRONG]).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_reply_comes_as_late_as_request_and_reply_were_told_together() {
    const EACH: Duration = Duration::from_millis(20);
    struct Late;
    impl Intervene for Late {
        fn observe(&mut self, record: &Record, consequences: &mut Consequences) {
            if matches!(record.event, Event::ApiRequest(_) | Event::ApiResponse(_)) {
                consequences.directive.delay = EACH;
            }
        }
    }
    let lab = Lab::open().await;
    lab.journal.intervene_with(Late);
    assert!(lab.send("GET /orders/7", &[GOOD]).await.starts_with("HTTP/1.1 200"));
    assert!(lab.delivered(1).await);
    let records = lab.journal.records();
    let at = |kind: &str| records.iter().find(|record| record.event.kind() == kind).expect("recorded").at();
    // A lower bound only, which no slow machine can break.
    assert!(at("http.done") - at("api.response") >= 2 * EACH);
}

#[tokio::test]
async fn a_reply_that_the_request_loses_is_lost_after_the_effect() {
    let lab = Lab::open().await;
    lab.rule(|event| matches!(event, Event::ApiRequest(_)).then_some(Act::DropReply));
    assert_eq!(lab.send("POST /orders/7/ship", &[STRONG, ("Idempotency-Key", "k1")]).await, "");
    assert_eq!(lab.events("api.response")[0]["effect"], "k1");
    assert!(!lab.delivered(1).await);
}

#[tokio::test]
async fn a_key_is_one_for_each_path() {
    let lab = Lab::open().await;
    let key = ("Idempotency-Key", "k1");
    for target in ["POST /orders/7/ship", "POST /orders/8/ship", "POST /orders/7/ship"] {
        lab.send(target, &[STRONG, key]).await;
    }
    let effects: Vec<_> = lab.events("api.response").iter().map(|event| event["effect"].clone()).collect();
    assert_eq!(effects, ["k1".into(), "k1".into(), serde_json::Value::Null]);
}

#[tokio::test]
async fn a_revocation_by_the_request_itself_refuses_that_request() {
    let lab = Lab::open().await;
    let revoked = Arc::clone(&lab.revoked);
    lab.rule(move |event| {
        if let Event::ApiRequest(request) = event {
            assert_eq!(request.token, Some(TokenName::from("T1")), "a fault can name the token that it acts on");
            revoked.store(true, Ordering::Relaxed);
        }
        None
    });
    assert!(lab.send("GET /orders/7", &[GOOD]).await.starts_with("HTTP/1.1 401"));
    assert_eq!(lab.events("api.request")[0]["refused"], "revoked");
}

#[tokio::test]
async fn an_effect_happens_once_per_key_even_if_its_reply_was_lost() {
    let lab = Lab::open().await;
    let lost = AtomicBool::new(false);
    lab.rule(move |event| {
        let reply = matches!(event, Event::ApiResponse(_));
        (reply && !lost.swap(true, Ordering::Relaxed)).then_some(Act::DropReply)
    });
    let key = ("Idempotency-Key", "k1");
    assert_eq!(lab.send("POST /orders/7/ship", &[STRONG, key]).await, "", "committed, then dropped");
    assert!(!lab.delivered(1).await);
    let again = lab.send("POST /orders/7/ship", &[STRONG, key]).await;
    assert!(again.starts_with("HTTP/1.1 200") && again.contains("open"), "the first reply is given again: {again}");
    lab.send("POST /orders/7/ship", &[STRONG, ("Idempotency-Key", "k2")]).await;
    lab.send("POST /orders/7/ship", &[STRONG]).await;
    lab.send("POST /orders/7/ship", &[STRONG]).await;
    let effects: Vec<_> = lab.events("api.response").iter().map(|event| event["effect"].clone()).collect();
    let null = serde_json::Value::Null;
    assert_eq!(effects, ["k1".into(), null, "k2".into(), "without-key-1".into(), "without-key-2".into()]);
    assert_eq!(lab.forwarded().await, 4);
}

#[tokio::test]
async fn a_scripted_answer_is_given_instead_and_has_no_effect() {
    let lab = Lab::open().await;
    lab.rule(|event| {
        matches!(event, Event::ApiRequest(_)).then(|| {
            let headers = vec![("Retry-After".into(), "2".into())];
            Act::Answer(Answer { status: 429, headers, body: r#"{"error":"slow"}"#.into() })
        })
    });
    let reply = lab.send("POST /orders/7/ship", &[STRONG]).await;
    assert!(reply.starts_with("HTTP/1.1 429") && reply.contains("retry-after: 2\r\n"), "{reply}");
    assert!(reply.contains("content-type: application/json\r\n") && reply.ends_with(r#"{"error":"slow"}"#), "{reply}");
    assert_eq!(lab.forwarded().await, 0);
    let event = &lab.events("api.response")[0];
    assert_eq!((&event["status"], &event["retry_after_ms"]), (&429.into(), &2000.into()));
    assert!(event.get("effect").is_none());
}

#[tokio::test]
async fn fields_of_a_reply_are_changed() {
    let lab = Lab::open().await;
    lab.rule(|event| {
        let changes = vec![
            FieldChange { field: "order".into(), value: None },
            FieldChange { field: "state".into(), value: Some("odd".into()) },
        ];
        matches!(event, Event::ApiResponse(_)).then_some(Act::Alter(changes))
    });
    assert!(lab.send("GET /orders/7", &[GOOD]).await.ends_with("\r\n\r\n{\"state\":\"odd\"}"));
}

#[tokio::test]
async fn a_cut_reply_had_its_effect_and_is_not_delivered() {
    let lab = Lab::open().await;
    lab.rule(|event| matches!(event, Event::ApiResponse(_)).then_some(Act::Truncate(5)));
    let reply = lab.send("POST /orders/7/ship", &[STRONG, ("Idempotency-Key", "k1")]).await;
    let (head, body) = reply.split_once("\r\n\r\n").expect("a whole head");
    assert!(head.starts_with("HTTP/1.1 200") && body.len() == 5, "{reply}");
    assert!(!lab.delivered(1).await);
    assert_eq!(lab.events("api.response")[0]["effect"], "k1");
}

#[tokio::test]
async fn an_upstream_that_fails_or_is_gone_shows_as_such_and_commits_nothing() {
    let lab = Lab::open().await;
    assert!(lab.send("GET /broken", &[GOOD]).await.starts_with("HTTP/1.1 503"));
    assert!(lab.events("api.response")[0].get("effect").is_none());

    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", closed.local_addr().expect("an address"));
    drop(closed);
    let lab = Lab::before(MockServer::builder().start().await, &url).await;
    let reply = lab.send("POST /orders/7/ship", &[STRONG, ("Idempotency-Key", "k")]).await;
    assert!(reply.starts_with("HTTP/1.1 502"), "{reply}");
    assert!(lab.events("api.response")[0].get("effect").is_none());
}

#[tokio::test]
async fn a_worker_that_leaves_before_its_reply_lost_it() {
    let lab = Lab::open().await;
    let mut worker = TcpStream::connect(lab.address).await.expect("it listens");
    let request = format!("GET /slow HTTP/1.1\r\nHost: api\r\n{}: {}\r\n\r\n", GOOD.0, GOOD.1);
    worker.write_all(request.as_bytes()).await.expect("it reads");
    let arrived = lab.journal.seen(Duration::from_secs(5), |record| record.event.kind() == "api.request");
    arrived.await.expect("it arrives");
    drop(worker);
    assert!(!lab.delivered(1).await);
}
