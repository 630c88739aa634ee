//! The identity provider: its addresses, and the way of a request through it.

mod control;
mod documents;
mod keys;
mod records;
mod serve;
mod signing;
mod snapshot;
mod standing;
mod tls;

pub use control::{ClientFacts, Stolen, WaitingDevice};
pub use snapshot::Snapshot;

use std::error::Error as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::Response;
use documents::Documents;
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::LengthLimitError;

use crate::assertion::{FetchedKeys, RemoteKeys};
use crate::audit::Audit;
use crate::clock::Clock;
use crate::config::{Config, Listener};
use crate::dialect::Vendor;
use crate::endpoint::{self, Call, Endpoint, Form, Reply, decide};
use crate::error::{Cause, OAuthError};
use crate::fault::{Act, Answer, Change, Delivery, Directive, HttpReply};
use crate::key::SigningKey;
use crate::misbehave::{Bent, Rules, http_date};
use crate::observe::{Observer, Outcome, ReplySeen, RequestSeen};
use crate::secret::Digest;
use crate::store::Store;
use crate::tls::PeerCertificates;
use crate::token::TokenFacts;

/// Larger bodies are refused. A token with as many claims as there may be is smaller (87 KiB in base64), and can be
/// presented.
const BODY_LIMIT: usize = 128 * 1024;

/// So much is read before a body is refused: a client that still writes would get a reset instead of the refusal.
const READ_LIMIT: usize = 16 * BODY_LIMIT;

/// An identity provider. Clones share all state.
#[derive(Clone)]
pub struct Idp(Arc<Shared>);

struct Shared {
    store: Mutex<Store>,
    clock: Clock,
    rules: Arc<Rules>,
    /// In front of the rules, which are in front of the observer.
    audit: Arc<Audit>,
    /// What [`Idp::reset`] goes back to.
    fresh: Mutex<Snapshot>,
    vendor: &'static dyn Vendor,
    documents: Documents,
    requests: AtomicU64,
    remote_keys: RemoteKeys,
    /// Those that there are until somebody changes them. They may still be in the making.
    first_keys: Vec<Arc<SigningKey>>,
}

impl Idp {
    /// An identity provider without an address.
    pub fn new(config: Config) -> Self {
        let clock = Clock::new(config.time.clone());
        let rules = Rules::new(clock.clone(), Arc::clone(&config.observer)).seeded(config.seed.unwrap_or_default());
        let rules = Arc::new(rules.dialect(config.dialect));
        let next = Arc::clone(&rules) as Arc<dyn Observer>;
        let audit = Arc::new(Audit::new(clock.clone(), config.records, next));
        let vendor = config.dialect.vendor();
        let store = Store::new(config);
        let fresh = Mutex::new(Snapshot::of(&store, &clock, &rules));
        let first_keys = store.keys.shown().to_vec();
        let idp = Self(Arc::new(Shared {
            store: Mutex::new(store),
            clock,
            rules,
            audit,
            fresh,
            vendor,
            documents: Documents::default(),
            requests: AtomicU64::new(0),
            remote_keys: RemoteKeys::default(),
            first_keys,
        }));
        let shared = Arc::downgrade(&idp.0);
        let documents = move || shared.upgrade().map(|shared| Self(shared).documents_now()).unwrap_or_default();
        idp.0.rules.documents_from(documents);
        idp
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
        let (idp, listener) = (self.clone(), self.front(listener));
        // Not the routes of a router: an observer sees what has none, too.
        Router::new().fallback(move |request: Request| async move { idp.answer(&listener, request).await })
    }

    /// An address whose documents are known from now on.
    fn front(&self, listener: Listener) -> Arc<Listener> {
        let listener = Arc::new(listener);
        self.0.documents.serve(Arc::clone(&listener));
        listener
    }

    fn store(&self) -> std::sync::MutexGuard<'_, Store> {
        self.0.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the store, then signs what was issued and reports what changed, without holding the lock.
    fn apply<T>(&self, change: impl FnOnce(&mut Store, i64) -> T) -> T {
        let (result, unsigned, mut events, restored) = {
            let mut store = self.store();
            let now_ms = self.0.clock.now_ms();
            // What real time has ended is told before anything that comes after it.
            store.settle(now_ms);
            let result = change(&mut store, now_ms);
            (result, store.take_unsigned(), store.take_events(), store.restored())
        };
        if !unsigned.is_empty() {
            let signed = unsigned.into_iter().map(|token| {
                let digest = Digest::of(token.value.expose());
                (token, digest)
            });
            let signed = signed.collect();
            let mut store = self.store();
            store.enter_values(signed, restored);
            events.extend(store.take_events());
        }
        for event in events {
            self.0.audit.event(event);
        }
        result
    }

    /// The token of this value, if it is one of ours. A signature is checked here, without holding the lock, and not in
    /// the decision, which finds the token by its digest then.
    fn presented(&self, value: &str) -> Option<TokenFacts> {
        let digest = Digest::of(value);
        let verifier = {
            let store = self.store();
            match store.is_known(&digest) {
                true => return store.find(value),
                false => store.verifier()?,
            }
        };
        let claims = verifier.claims(value)?;
        let mut store = self.store();
        store.touch(digest, &claims);
        store.find(value)
    }

    /// Waits for the first keys, which take some hundred milliseconds if they are of RSA: not while holding the store.
    async fn first_keys_made(&self) {
        if self.0.first_keys.iter().any(|key| !key.is_made()) {
            let keys = self.0.first_keys.clone();
            // It fails only where the runtime ends, and this future with it.
            let _ = tokio::task::spawn_blocking(move || keys.iter().for_each(|key| key.make())).await;
        }
    }

    async fn answer(&self, listener: &Listener, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let endpoint = endpoint::at(self.0.vendor, &head.method, head.uri.path());
        // Metadata name an algorithm and no key: they are there at once.
        if endpoint != Endpoint::Discovery {
            self.first_keys_made().await;
        }
        let form = match to_bytes(body, READ_LIMIT).await {
            Ok(body) if body.len() > BODY_LIMIT => Err(OAuthError::too_large()),
            Ok(body) if head.method == Method::POST => Form::read(&head.headers, &body),
            Ok(_) if endpoint.reads_query() => Ok(Form::parse(head.uri.query().unwrap_or_default().as_bytes())),
            Ok(_) => Ok(Form::default()),
            Err(error) if error.source().is_some_and(|cause| cause.is::<LengthLimitError>()) => {
                Err(OAuthError::too_large())
            }
            // Who is gone does not hear of it; who has sent a body that breaks off does.
            Err(_) => Err(OAuthError::new(Cause::MalformedRequest, "the body did not arrive whole")),
        };
        let keys = match &form {
            Ok(form) => self.fetch_keys(form).await,
            Err(_) => FetchedKeys::new(),
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
            peer: head.extensions.get::<PeerCertificates>().cloned(),
            keys,
            vouched: None,
            client: OnceLock::new(),
        };
        let (seen, presented) = self.seen(&call, listener);
        let seen = Arc::new(seen);
        self.0.audit.arrived(&seen, &call, presented.as_ref());

        let mut decided = None;
        let outcome = self.0.audit.request(&seen, &mut || {
            decided = Some(self.decide(&call, listener, self.0.rules.bent(number)));
        });
        // From here on: a client that goes away while its reply is held back drops this future, and lost the reply.
        let delivery = Delivery::new({
            let (audit, seen) = (Arc::clone(&self.0.audit), Arc::clone(&seen));
            move |sent| audit.done(&seen, sent)
        });
        let arrival = settled(outcome).await;
        if matches!(arrival.act, Act::DropRequest | Act::ResetRequest) {
            return delivery.follow(HttpReply::new(StatusCode::OK), arrival).await;
        }
        let mut reply = match (&arrival.act, decided) {
            (Act::Answer(answer), _) => scripted(answer),
            (_, Some(reply)) => reply,
            // The observer neither decided nor answered: its mistake must not look like a grant.
            (_, None) => scripted(&Answer { status: 500, headers: Vec::new(), body: String::new() }),
        };
        reply.finish();
        // Before it is shown: what an observer is told is what is sent.
        reply.change(&arrival.changes);
        let arrival = Directive { changes: Vec::new(), ..arrival.left_for_reply() };

        let header = |name| reply.http.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let outcome = self.0.audit.reply(
            &seen,
            ReplySeen {
                status: reply.http.status.as_u16(),
                error: reply.error.clone(),
                cause: reply.cause.map(Cause::word),
                reason: reply.reason.clone(),
                issued: reply.issued.clone(),
                retry_after: header(RETRY_AFTER),
                date: header(DATE),
            },
        );
        let leaving = settled(outcome).await;
        delivery.follow(reply.http, arrival.and(leaving)).await
    }

    /// Decides a request, as the rules want it processed.
    fn decide(&self, call: &Call, listener: &Listener, bent: Bent) -> Reply {
        let key_order = bent.key_order.filter(|_| call.endpoint == Endpoint::Jwks);
        let mut reply = self.decide_in_order(call, listener, bent);
        if let Some(seed) = key_order {
            endpoint::shuffle(&mut reply.http, seed);
        }
        reply
    }

    fn decide_in_order(&self, call: &Call, listener: &Listener, bent: Bent) -> Reply {
        if let Some(old) = bent.documents.and_then(|which| self.0.documents.old(which, listener, &call.path)) {
            return Reply::again(old, "a rule serves an old document");
        }
        self.apply(|store, now_ms| {
            let now_ms = now_ms.saturating_add(bent.clock_ms);
            store.audience = bent.audience;
            let mut reply = decide(call, listener, store, now_ms);
            store.audience = None;
            if bent.clock_ms != 0
                && let Ok(date) = HeaderValue::try_from(http_date(now_ms))
            {
                reply.http.headers.insert(DATE, date);
            }
            reply
        })
    }

    /// What the request says, and the token that it presents.
    fn seen(&self, call: &Call, listener: &Listener) -> (RequestSeen, Option<TokenFacts>) {
        let form = call.form.as_ref().ok().and_then(|form| form.once().ok());
        let field = |name: &str| form.and_then(|form| form.get(name));
        let credentials = form.and_then(|form| call.credentials(form).ok());
        let presented = match call.endpoint {
            Endpoint::UserInfo => {
                let presented = form.and_then(|form| endpoint::presented(&call.headers, form).ok()).flatten();
                presented.map(|presented| presented.token)
            }
            _ => None,
        };
        let token = field("refresh_token").or_else(|| field("token")).or(presented);
        let token = token.and_then(|value| self.presented(value));
        let seen = RequestSeen {
            number: call.number,
            listener: listener.name.clone(),
            endpoint: call.endpoint,
            target: format!("{} {}", call.method, call.path),
            grant: field("grant_type").map(str::to_owned),
            client: credentials
                .map(|credentials| credentials.id.clone())
                .or_else(|| field("client_id").map(str::to_owned)),
            token: token.as_ref().map(|token| token.id),
            scope: field("scope").map(str::to_owned),
            audience: field("audience").map(str::to_owned),
            resources: form.map(|form| form.resources().to_vec()).unwrap_or_default(),
        };
        (seen, token)
    }
}

async fn settled(outcome: Outcome) -> Directive {
    if let Some(before) = outcome.before {
        before.await;
    }
    outcome.directive
}

fn scripted(answer: &Answer) -> Reply {
    let http = HttpReply::from(answer);
    let error = error_in(&http);
    let mut reply = Reply::again(http, "answered by a fault");
    reply.error = error;
    reply
}

/// `error` of RFC 6749 §5.2.
fn error_in(reply: &HttpReply) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(&reply.body).ok()?;
    body["error"].as_str().map(str::to_owned)
}

impl Reply {
    fn change(&mut self, changes: &[Change]) {
        for change in changes {
            change.apply(&mut self.http);
        }
        if !changes.is_empty() {
            self.error = error_in(&self.http);
        }
    }
}
