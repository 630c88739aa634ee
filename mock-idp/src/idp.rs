//! The identity provider: its addresses and its controls.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::config::{Config, Listener};
use crate::endpoint::{
    Call, Endpoint, Form, INTROSPECT, JWKS, OPENID_CONFIGURATION, REVOKE, Reply, SERVER_METADATA, TOKEN, decide,
};
use crate::error::OAuthError;
use crate::fault::{Act, Answer, Delivery, Directive, HttpReply, serve_connection};
use crate::observe::{Observer, Outcome, ReplySeen, RequestSeen};
use crate::secret::Secret;
use crate::store::{Grantee, Store, Which};
use crate::token::{TokenFacts, TokenId};

/// Larger bodies are refused.
const BODY_LIMIT: usize = 64 * 1024;

/// An identity provider. Clones share all state.
#[derive(Clone)]
pub struct Idp(Arc<Shared>);

struct Shared {
    store: Mutex<Store>,
    clock: Clock,
    observer: Arc<dyn Observer>,
    requests: AtomicU64,
}

impl Idp {
    /// An identity provider without an address.
    pub fn new(config: Config) -> Self {
        let observer = Arc::clone(&config.observer);
        let store = Mutex::new(Store::new(config));
        Self(Arc::new(Shared { store, clock: Clock::default(), observer, requests: AtomicU64::new(0) }))
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The service behind one public address.
    pub fn router(&self, listener: Listener) -> Router {
        let listener = Arc::new(listener);
        let at = |endpoint: Endpoint| {
            let (idp, listener) = (self.clone(), Arc::clone(&listener));
            move |request: Request| async move { idp.answer(endpoint, &listener, request).await }
        };
        Router::new()
            .route(TOKEN, post(at(Endpoint::Token)))
            .route(INTROSPECT, post(at(Endpoint::Introspect)))
            .route(REVOKE, post(at(Endpoint::Revoke)))
            .route(JWKS, get(at(Endpoint::Jwks)))
            .route(OPENID_CONFIGURATION, get(at(Endpoint::Discovery)))
            .route(SERVER_METADATA, get(at(Endpoint::Discovery)))
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

    // ---- controls ----

    /// What is known of a token, whoever asks: the truth, by which an API front judges with its own clock.
    pub fn facts(&self, value: &str) -> Option<TokenFacts> {
        self.store().find(value).cloned()
    }

    /// Ids of the registered clients.
    pub fn clients(&self) -> Vec<String> {
        self.store().clients.keys().cloned().collect()
    }

    /// Every token that was issued, in order.
    pub fn tokens(&self) -> Vec<TokenFacts> {
        self.store().tokens().to_vec()
    }

    /// Makes a refresh token for a client, as if somebody had consented.
    ///
    /// Gives `None` if the client is unknown.
    pub fn mint_refresh_token(&self, client: &str, subject: &str, listener: &Listener) -> Option<TokenFacts> {
        self.apply(|store, now_ms| {
            let client = store.clients.get(client)?.client.clone();
            let family = store.new_family();
            let to = Grantee {
                listener,
                client: client.id,
                subject: subject.to_owned(),
                scopes: client.scopes,
                audience: client.audience,
                family,
            };
            Some(store.refresh_token(&to, now_ms))
        })
    }

    /// Tokens die before their time.
    pub fn revoke(&self, which: &Which, reason: &str) {
        self.apply(|store, now_ms| store.revoke(which, reason, now_ms));
    }

    /// A token's time is over now.
    pub fn expire(&self, token: TokenId) {
        self.apply(|store, now_ms| store.expire(token, now_ms));
    }

    /// The client is turned away, and what it holds is dead.
    pub fn disable_client(&self, client: &str) {
        self.apply(|store, now_ms| {
            if let Some(registered) = store.clients.get_mut(client) {
                registered.disabled = true;
                store.revoke(&Which::Client(client.to_owned()), "the client was disabled", now_ms);
            }
        });
    }

    /// The client is served again. What died stays dead.
    pub fn enable_client(&self, client: &str) {
        self.apply(|store, _| {
            if let Some(registered) = store.clients.get_mut(client) {
                registered.disabled = false;
            }
        });
    }

    /// The client has another secret from now on; the old one is refused at once. What it holds stays alive.
    pub fn rotate_secret(&self, client: &str, secret: Secret) {
        self.apply(|store, _| {
            if let Some(registered) = store.clients.get_mut(client) {
                registered.client.secret = secret;
            }
        });
    }

    /// Another key signs from now on; the old ones stay published if they `overlap`.
    pub fn rotate_keys(&self, overlap: bool) {
        self.apply(|store, _| store.rotate_keys(overlap));
    }

    /// From now on access tokens live so long, and `expires_in` says `stated` if that is given: a lie.
    pub fn set_access_token_lifetime(&self, lifetime: Duration, stated: Option<Duration>) {
        self.apply(|store, _| {
            store.access_token_lifetime = lifetime;
            store.stated_lifetime = stated;
        });
    }

    /// Moves the clock by so many milliseconds, and reports each token that this made expire.
    pub fn move_clock(&self, by_ms: i64) {
        self.0.clock.shift_ms(by_ms);
        self.apply(Store::tell_expiries);
    }

    // ---- requests ----

    fn store(&self) -> std::sync::MutexGuard<'_, Store> {
        self.0.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the store, then reports what changed, without holding the lock.
    fn apply<T>(&self, change: impl FnOnce(&mut Store, i64) -> T) -> T {
        let (result, events) = {
            let mut store = self.store();
            let result = change(&mut store, self.0.clock.now_ms());
            (result, store.take_events())
        };
        for event in &events {
            self.0.observer.event(event);
        }
        result
    }

    async fn answer(&self, endpoint: Endpoint, listener: &Listener, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let number = self.0.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let form = if head.method == http::Method::POST { form(&head.headers, &body) } else { Ok(Form::default()) };
        let call = Call { endpoint, headers: head.headers, form, number };
        let seen = self.seen(&call, listener);

        let mut decided = None;
        let outcome = self.0.observer.request(&seen, &mut || {
            decided = Some(self.apply(|store, now_ms| decide(&call, listener, store, now_ms)));
        });
        // From here on: a client that goes away while its reply is held back drops this future, and lost the reply.
        let delivery = Delivery::new({
            let (observer, seen) = (Arc::clone(&self.0.observer), seen.clone());
            move |delivered| observer.done(&seen, delivered)
        });
        let arrival = settled(outcome).await;
        let reply = match (&arrival.act, decided) {
            (Act::Answer(answer), _) => scripted(answer),
            (_, Some(reply)) => reply,
            // The observer neither decided nor answered: its mistake must not look like a grant.
            (_, None) => scripted(&Answer { status: 500, headers: Vec::new(), body: String::new() }),
        };

        let outcome = self.0.observer.reply(
            &seen,
            &ReplySeen {
                status: reply.http.status.as_u16(),
                error: reply.error.clone(),
                reason: reply.reason.clone(),
                issued: reply.issued.clone(),
                retry_after: reply.http.headers.get(RETRY_AFTER).and_then(|v| v.to_str().ok()).map(str::to_owned),
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
            grant: field("grant_type").map(str::to_owned),
            client: credentials.map(|credentials| credentials.id).or_else(|| field("client_id").map(str::to_owned)),
            token: token.and_then(|value| self.store().find(value).map(|token| token.id)),
            scope: field("scope").map(str::to_owned),
            audience: field("audience").or_else(|| field("resource")).map(str::to_owned),
        }
    }
}

async fn settled(outcome: Outcome) -> Directive {
    if let Some(before) = outcome.before {
        before.await;
    }
    outcome.directive
}

fn form(headers: &HeaderMap, body: &[u8]) -> Result<Form, OAuthError> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let text = "the body must be application/x-www-form-urlencoded";
        return Err(OAuthError::new("invalid_request", text));
    }
    Form::read(body)
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
