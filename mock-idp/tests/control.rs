//! Controls and observers, on the wire.

mod support;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mock_idp::fault::{Act, Answer, Directive, FieldChange, Sent};
use mock_idp::{
    Client, Config, Death, Endpoint, IdpEvent, Observer, Outcome, ReplySeen, RequestSeen, TokenFormat, TokenKind, Which,
};
use support::{basic, serve};

/// Says what it is told to say, and writes down what it sees.
#[derive(Default)]
struct Script {
    at_request: Mutex<Option<Act>>,
    at_reply: Mutex<Option<Act>>,
    seen: Mutex<Vec<String>>,
}

impl Script {
    fn say(&self, what: String) {
        self.seen.lock().expect("no panic").push(what);
    }

    fn outcome(act: Option<Act>) -> Outcome {
        Outcome { directive: Directive { act: act.unwrap_or_default(), ..Directive::proceed() }, before: None }
    }
}

impl Observer for Script {
    fn request(&self, seen: &RequestSeen, decide: &mut dyn FnMut()) -> Outcome {
        self.say(format!("request {} {:?} {:?} {:?}", seen.endpoint, seen.grant, seen.client, seen.token.map(|t| t.0)));
        let act = self.at_request.lock().expect("no panic").take();
        if !matches!(act, Some(Act::Answer(_))) {
            decide();
        }
        Self::outcome(act)
    }

    fn event(&self, event: &IdpEvent) {
        self.say(match event {
            IdpEvent::Issued(token) => format!("issued {} {:?}", token.id.0, token.kind),
            IdpEvent::Died { token, death } => format!("died {} {death:?}", token.id.0),
            IdpEvent::Revoked { which, reason } => format!("revoked {which:?} {reason}"),
            IdpEvent::KeyRotated { .. } => "key".into(),
            key @ (IdpEvent::KeyAdded { .. } | IdpEvent::KeyReplaced { .. } | IdpEvent::KeyRemoved { .. }) => {
                format!("{key:?}")
            }
            IdpEvent::Authorization(event) => format!("{:?}", event.step),
        });
    }

    fn reply(&self, _: &RequestSeen, reply: &ReplySeen) -> Outcome {
        self.say(format!("reply {} {:?}", reply.status, reply.error));
        Self::outcome(self.at_reply.lock().expect("no panic").take())
    }

    fn done(&self, _: &RequestSeen, sent: Sent) {
        self.say(format!("done {}", sent.delivered));
    }
}

fn config() -> (Config, Arc<Script>) {
    let script = Arc::new(Script::default());
    let config = Config {
        clients: vec![Client::new("worker", "secret").scopes(["orders.read"])],
        format: TokenFormat::Opaque,
        observer: Arc::clone(&script) as Arc<dyn Observer>,
        ..Config::default()
    };
    (config, script)
}

const GRANT: &str = "grant_type=client_credentials";

/// Whether the identity provider knew each token by its value when it told of it.
#[derive(Default)]
struct Known {
    idp: std::sync::OnceLock<mock_idp::Idp>,
    tokens: Mutex<Vec<bool>>,
}

impl Observer for Known {
    fn event(&self, event: &IdpEvent) {
        if let (IdpEvent::Issued(token), Some(idp)) = (event, self.idp.get()) {
            let found = idp.facts(token.value.expose()).is_some_and(|found| found.id == token.id);
            self.tokens.lock().expect("no panic").push(found);
        }
    }
}

#[tokio::test]
async fn a_token_that_is_told_of_is_known_by_its_value() {
    for format in [TokenFormat::Opaque, TokenFormat::Jwt(mock_idp::Algorithm::Es256)] {
        let known = Arc::new(Known::default());
        let (config, _) = config();
        let served = serve(Config { format, observer: Arc::clone(&known) as Arc<dyn Observer>, ..config }).await;
        known.idp.set(served.idp.clone()).unwrap_or_else(|_| panic!("set once"));
        let value = served.token(GRANT).await.text("access_token");
        assert_eq!(*known.tokens.lock().expect("no panic"), [true], "{format:?}");
        assert!(served.is_active(&value).await, "and it is what the client got");
    }
}

#[tokio::test]
async fn an_observer_sees_request_change_reply_and_delivery_in_order() {
    let (config, script) = config();
    let served = serve(config).await;
    let token = served.token(GRANT).await.text("access_token");
    served.idp.revoke(&Which::Newest(TokenKind::Access), "a test");
    served.idp.revoke(&Which::Newest(TokenKind::Access), "nothing is left to revoke");
    assert!(!served.is_active(&token).await);
    assert_eq!(
        *script.seen.lock().expect("no panic"),
        [
            r#"request token Some("client_credentials") Some("worker") None"#,
            "issued 1 Access",
            "reply 200 None",
            "done true",
            r#"died 1 Revoked("a test")"#,
            r#"request introspect None Some("worker") Some(1)"#,
            "reply 200 None",
            "done true",
        ]
    );
}

#[tokio::test]
async fn an_answer_comes_instead_of_the_decision() {
    let (config, script) = config();
    let served = serve(config).await;
    let headers = vec![("Retry-After".to_owned(), "1".to_owned())];
    let answer = Answer { status: 503, headers, body: "<html>".into() };
    *script.at_request.lock().expect("no panic") = Some(Act::Answer(answer));
    let reply = served.token(GRANT).await;
    assert_eq!((reply.status, reply.body.as_str()), (503, "<html>"));
    assert!(reply.head.contains("retry-after: 1"));
    assert!(served.idp.tokens().is_empty(), "nothing was granted");
    assert_eq!(served.token(GRANT).await.status, 200, "it was for one request");
}

#[tokio::test]
async fn a_dropped_reply_was_processed() {
    let (config, script) = config();
    let served = serve(config).await;
    *script.at_reply.lock().expect("no panic") = Some(Act::DropReply);
    let request = format!(
        "POST /oauth2/token HTTP/1.1\r\nHost: idp\r\nContent-Length: {}\r\n{}\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{GRANT}",
        GRANT.len(),
        basic("worker", "secret")
    );
    assert!(served.raw(&request).await.is_none(), "closed without a byte");
    assert_eq!(served.idp.tokens().len(), 1);
    assert_eq!(script.seen.lock().expect("no panic").last().map(String::as_str), Some("done false"));
}

#[tokio::test]
async fn fields_of_a_reply_are_set_and_removed() {
    let (config, script) = config();
    let served = serve(config).await;
    let changes = vec![
        FieldChange { field: "expires_in".into(), value: Some("300".into()) },
        FieldChange { field: "scope".into(), value: None },
    ];
    *script.at_reply.lock().expect("no panic") = Some(Act::Alter(changes));
    let reply = served.token(GRANT).await;
    assert_eq!((reply.field("expires_in"), reply.field("scope")), ("300".into(), serde_json::Value::Null));
    assert!(served.is_active(&reply.text("access_token")).await);
}

#[tokio::test]
async fn each_death_is_told_once_and_refused_at_once() {
    let (config, script) = config();
    let served = serve(config).await;
    let grant = async || served.token(GRANT).await.text("access_token");
    let (expired, lapsed) = (grant().await, grant().await);
    served.idp.expire(served.idp.facts(&expired).expect("ours").id);
    assert!(!served.is_active(&expired).await && served.is_active(&lapsed).await);
    served.idp.move_clock(301_000);
    assert!(!served.is_active(&lapsed).await);
    let disabled = grant().await;
    served.idp.disable_client("worker");
    assert_eq!(served.token(GRANT).await.text("error"), "invalid_client");
    served.idp.enable_client("worker");
    assert!(!served.is_active(&disabled).await, "what died stays dead");
    assert_eq!(served.token(GRANT).await.status, 200);
    assert!(served.idp.facts(&disabled).is_some_and(|facts| matches!(facts.death, Some(Death::Revoked(_)))));
    let seen = script.seen.lock().expect("no panic");
    let deaths: Vec<_> = seen.iter().filter(|line| line.starts_with("died")).collect();
    assert_eq!(deaths[..2], ["died 1 Expired", "died 2 Expired"]);
    assert!(deaths.iter().any(|line| line.starts_with("died 3 Revoked")), "{deaths:?}");
    let mut once = deaths.clone();
    once.dedup();
    assert_eq!(once, deaths);
}

#[tokio::test]
async fn the_lifetime_can_change_and_the_reply_can_lie() {
    let (config, _) = config();
    let served = serve(config).await;
    served.idp.set_access_token_lifetime(Duration::from_secs(2), Some(Duration::from_secs(3600)));
    let reply = served.token(GRANT).await;
    assert_eq!(reply.field("expires_in"), 3600);
    served.idp.move_clock(2_000);
    assert!(!served.is_active(&reply.text("access_token")).await);
}

/// Orders requests by a lock that it holds around each decision, as a journal does.
struct Ordered {
    order: Mutex<Vec<(u64, bool)>>,
    arrivals: AtomicU64,
    revoke_at: u64,
    idp: std::sync::OnceLock<mock_idp::Idp>,
    token: std::sync::OnceLock<String>,
    armed: AtomicBool,
}

impl Observer for Ordered {
    fn request(&self, seen: &RequestSeen, decide: &mut dyn FnMut()) -> Outcome {
        let (Endpoint::Introspect, Some(idp)) = (seen.endpoint, self.idp.get()) else {
            decide();
            return Outcome::default();
        };
        let mut order = self.order.lock().expect("no panic");
        let number = self.arrivals.fetch_add(1, Ordering::Relaxed);
        if number == self.revoke_at && self.armed.swap(false, Ordering::Relaxed) {
            idp.revoke(&Which::All(TokenKind::Access), "at this very request");
        }
        decide();
        let live = idp.facts(self.token.get().expect("set")).is_some_and(|token| token.death.is_none());
        order.push((number, live));
        Outcome::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_64_clients_every_request_from_the_revocation_on_is_refused_and_every_one_before_accepted() {
    let observer = Arc::new(Ordered {
        order: Mutex::default(),
        arrivals: AtomicU64::new(0),
        revoke_at: 100,
        idp: std::sync::OnceLock::new(),
        token: std::sync::OnceLock::new(),
        armed: AtomicBool::new(true),
    });
    let (config, _) = config();
    let served = Arc::new(serve(Config { observer: Arc::clone(&observer) as Arc<dyn Observer>, ..config }).await);
    let token = served.token(GRANT).await.text("access_token");
    observer.token.set(token.clone()).expect("set once");
    observer.idp.set(served.idp.clone()).unwrap_or_else(|_| panic!("set once"));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (served, token) = (Arc::clone(&served), token.clone());
        clients.spawn(async move {
            let mut active = 0;
            for _ in 0..4 {
                active += u64::from(served.is_active(&token).await);
            }
            active
        });
    }
    let active: u64 = clients.join_all().await.into_iter().sum();
    assert_eq!(active, 100, "those before the revocation, as the clients saw it");
    let order = observer.order.lock().expect("no panic");
    assert!(order.iter().all(|(number, live)| *live == (*number < 100)));
    assert_eq!(order.len(), 256);
}

#[tokio::test]
async fn what_is_said_at_the_request_holds_for_its_reply() {
    let (config, script) = config();
    let served = serve(config).await;
    let changes = vec![FieldChange { field: "scope".into(), value: None }];
    *script.at_request.lock().expect("no panic") = Some(Act::Alter(changes));
    assert_eq!(served.token(GRANT).await.field("scope"), serde_json::Value::Null);
    *script.at_request.lock().expect("no panic") = Some(Act::DropReply);
    let request = format!(
        "POST /oauth2/token HTTP/1.1\r\nHost: idp\r\nContent-Length: {}\r\n{}\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{GRANT}",
        GRANT.len(),
        basic("worker", "secret")
    );
    assert!(served.raw(&request).await.is_none(), "closed without a byte");
    assert_eq!(served.idp.tokens().len(), 2, "both were processed");
}

/// Holds each reply back for longer than any test lasts, and tells of it.
struct Held(tokio::sync::mpsc::UnboundedSender<&'static str>);

impl Observer for Held {
    fn reply(&self, _: &RequestSeen, _: &ReplySeen) -> Outcome {
        self.0.send("held").expect("the test waits");
        let directive = Directive { delay: Duration::from_secs(3600), ..Directive::proceed() };
        Outcome { directive, before: None }
    }

    fn done(&self, _: &RequestSeen, sent: Sent) {
        let _ = self.0.send(if sent.delivered { "delivered" } else { "lost" });
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_its_reply_lost_it() {
    let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
    let (config, _) = config();
    let served = serve(Config { observer: Arc::new(Held(sender)), ..config }).await;
    tokio::select! {
        reply = served.token(GRANT) => panic!("it is held back: {reply:?}"),
        said = told.recv() => assert_eq!(said, Some("held")),
    }
    // The client's future, and with it the connection, is dropped here.
    assert_eq!(told.recv().await, Some("lost"));
}

#[tokio::test]
async fn a_rotated_secret_refuses_the_old_one_and_leaves_tokens_alive() {
    let (config, _) = config();
    let served = serve(config).await;
    let token = served.token(GRANT).await.text("access_token");
    served.idp.rotate_secret("worker", mock_idp::Secret::new("another"));
    assert_eq!(served.token(GRANT).await.text("error"), "invalid_client");
    assert_eq!(served.post("/oauth2/token", &basic("worker", "another"), GRANT).await.status, 200);
    assert!(served.idp.facts(&token).is_some_and(|facts| facts.death.is_none()));
}
