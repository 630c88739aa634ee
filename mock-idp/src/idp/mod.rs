//! The identity provider: its addresses, and the way of a request through it.

mod control;

pub use control::Stolen;

use std::error::Error as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::Response;
use http::Method;
use http::header::{DATE, RETRY_AFTER};
use http_body_util::LengthLimitError;
use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::config::{Config, Listener};
use crate::dialect::Vendor;
use crate::endpoint::{self, Call, Endpoint, Form, Reply, decide};
use crate::error::OAuthError;
use crate::fault::{Act, Answer, Delivery, Directive, HttpReply, serve_connection};
use crate::misbehave::Rules;
use crate::observe::{Observer, Outcome, ReplySeen, RequestSeen};
use crate::store::Store;

/// Larger bodies are refused.
const BODY_LIMIT: usize = 64 * 1024;

/// So much is read before a body is refused: a client that still writes would get a reset instead of the refusal.
const READ_LIMIT: usize = 16 * BODY_LIMIT;

/// An identity provider. Clones share all state.
#[derive(Clone)]
pub struct Idp(Arc<Shared>);

struct Shared {
    store: Mutex<Store>,
    clock: Clock,
    rules: Arc<Rules>,
    vendor: &'static dyn Vendor,
    requests: AtomicU64,
}

impl Idp {
    /// An identity provider without an address.
    pub fn new(config: Config) -> Self {
        let clock = Clock::new(config.time.clone());
        let rules = Arc::new(Rules::new(clock.clone(), Arc::clone(&config.observer)));
        let vendor = config.dialect.vendor();
        let store = Mutex::new(Store::new(config));
        Self(Arc::new(Shared { store, clock, rules, vendor, requests: AtomicU64::new(0) }))
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Its own misbehaviour. The observer of its [`Config`] comes after it.
    pub fn rules(&self) -> &Rules {
        &self.0.rules
    }

    /// `iss` of what is issued at an address.
    pub fn issuer(&self, listener: &Listener) -> String {
        self.0.vendor.issuer(&listener.origin)
    }

    /// The address of an endpoint there; `None` if its dialect does not have it.
    pub fn url(&self, endpoint: Endpoint, listener: &Listener) -> Option<String> {
        self.0.vendor.url(endpoint, &listener.origin)
    }

    /// The service behind one public address.
    pub fn router(&self, listener: Listener) -> Router {
        let (idp, listener) = (self.clone(), Arc::new(listener));
        // Not the routes of a router: an observer sees what has none, too.
        Router::new().fallback(move |request: Request| async move { idp.answer(&listener, request).await })
    }

    /// Serves an address until the future is dropped.
    ///
    /// # Errors
    ///
    /// If the socket fails.
    pub async fn serve(&self, socket: TcpListener, listener: Listener) -> std::io::Result<()> {
        let router = self.router(listener);
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (io, _) = socket.accept().await?;
            let _ = io.set_nodelay(true);
            connections.spawn(serve_connection(io, router.clone().into_service()));
            while connections.try_join_next().is_some() {}
        }
    }

    fn store(&self) -> std::sync::MutexGuard<'_, Store> {
        self.0.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the store, then reports what changed, without holding the lock.
    fn apply<T>(&self, change: impl FnOnce(&mut Store, i64) -> T) -> T {
        let (result, events) = {
            let mut store = self.store();
            let now_ms = self.0.clock.now_ms();
            // What real time has ended is told before anything that comes after it.
            store.expire_due(now_ms);
            let result = change(&mut store, now_ms);
            (result, store.take_events())
        };
        for event in &events {
            self.0.rules.event(event);
        }
        result
    }

    async fn answer(&self, listener: &Listener, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let endpoint = endpoint::at(self.0.vendor, &head.method, head.uri.path());
        let form = match to_bytes(body, READ_LIMIT).await {
            Ok(body) if body.len() > BODY_LIMIT => Err(OAuthError::too_large()),
            Ok(body) if head.method == Method::POST => Form::read(&head.headers, &body),
            Ok(_) => Form::read_query(head.uri.query()),
            Err(error) if error.source().is_some_and(|cause| cause.is::<LengthLimitError>()) => {
                Err(OAuthError::too_large())
            }
            // The client is gone: what has not arrived whole is no request.
            Err(_) => return Response::default(),
        };
        let number = self.0.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let call = Call {
            vendor: self.0.vendor,
            endpoint,
            path: head.uri.path().to_owned(),
            method: head.method,
            headers: head.headers,
            form,
            number,
        };
        let seen = self.seen(&call, listener);

        let mut decided = None;
        let outcome = self.0.rules.request(&seen, &mut || {
            decided = Some(self.apply(|store, now_ms| decide(&call, listener, store, now_ms)));
        });
        // From here on: a client that goes away while its reply is held back drops this future, and lost the reply.
        let delivery = Delivery::new({
            let (rules, seen) = (Arc::clone(&self.0.rules), seen.clone());
            move |delivered| rules.done(&seen, delivered)
        });
        let arrival = settled(outcome).await;
        let reply = match (&arrival.act, decided) {
            (Act::Answer(answer), _) => scripted(answer),
            (_, Some(reply)) => reply,
            // The observer neither decided nor answered: its mistake must not look like a grant.
            (_, None) => scripted(&Answer { status: 500, headers: Vec::new(), body: String::new() }),
        };

        let header = |name| reply.http.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let outcome = self.0.rules.reply(
            &seen,
            &ReplySeen {
                status: reply.http.status.as_u16(),
                error: reply.error.clone(),
                reason: reply.reason.clone(),
                issued: reply.issued.clone(),
                retry_after: header(RETRY_AFTER),
                date: header(DATE),
            },
        );
        let leaving = settled(outcome).await;
        let directive = arrival.left_for_reply().and(leaving);
        tokio::time::sleep(directive.delay).await;
        delivery.response(reply.http, directive.act)
    }

    fn seen(&self, call: &Call, listener: &Listener) -> RequestSeen {
        let form = call.form.as_ref().ok();
        let field = |name: &str| form.and_then(|form| form.get(name));
        let credentials = form.and_then(|form| crate::client_auth::read(&call.headers, form).ok());
        let token = field("refresh_token").or_else(|| field("token"));
        RequestSeen {
            number: call.number,
            listener: listener.name.clone(),
            endpoint: call.endpoint,
            target: format!("{} {}", call.method, call.path),
            grant: field("grant_type").map(str::to_owned),
            client: credentials.map(|credentials| credentials.id).or_else(|| field("client_id").map(str::to_owned)),
            token: token.and_then(|value| self.store().find(value).map(|token| token.id)),
            scope: field("scope").map(str::to_owned),
            audience: field("audience").map(str::to_owned),
            resources: form.map(|form| form.resources().to_vec()).unwrap_or_default(),
        }
    }
}

async fn settled(outcome: Outcome) -> Directive {
    if let Some(before) = outcome.before {
        before.await;
    }
    outcome.directive
}

fn scripted(answer: &Answer) -> Reply {
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
    Reply {
        http: HttpReply::from(answer),
        error: body["error"].as_str().map(str::to_owned),
        reason: Some("answered by a fault".into()),
        issued: Vec::new(),
    }
}
