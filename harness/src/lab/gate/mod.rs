//! The frontend gate: an HTTP/2 gRPC reverse proxy between a worker and Temporal's frontend.
//!
//! Messages pass through unchanged. The gate reports every RPC, and decodes what tells of activity attempts: histories
//! show no failed attempt but the last. First attempts mostly come *eagerly*, inside the reply to a workflow task's
//! completion; retries come as replies to polls.
//!
//! Events are gating: the reply with a task goes to the worker, and the report of its outcome to the server, only when
//! the event is recorded and its effects are done. Every method of Temporal's workflow service is unary, so such a
//! call's message is held whole meanwhile; calls of other services stream through.

mod answer;
mod authorizer;
mod body;
mod decode;
mod jwks;
mod message;
mod proxy;
mod rpc;
mod under_way;
mod watch;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderMap;
use http::uri::Authority;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use mock_idp::Clock;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::broadcast;
use tokio::sync::watch::Sender;

use self::authorizer::{Authorizer, Refusal};
pub use self::authorizer::{NoJwks, Settings as Authorization};
use self::body::Body;
pub use self::jwks::KeysError;
pub use self::message::Unreadable;
use self::under_way::UnderWay;
use self::watch::Attempts;
use crate::journal::{Instance, Journal, TokenName};

/// Metadata of one call may be as large as this; errors carry their details there.
const HEADERS: u32 = 1 << 20;
/// So many ends of polls may come before a call that is under way has heard of the first.
const CUTS: usize = 16;
/// So long the calls of a dead worker may take to end. They end in milliseconds, unless the server hangs.
const BURIAL: Duration = Duration::from_secs(5);

/// The gate of one scenario run. All worker instances share it, each by connections of its own. Clones are the same
/// gate.
#[derive(Clone)]
pub struct Gate(Arc<Shared>);

struct Shared {
    upstream: Authority,
    journal: Journal,
    client: Client<HttpConnector, Body>,
    calls: AtomicU64,
    under_way: UnderWay,
    attempts: Attempts,
    failure: Mutex<Option<Unreadable>>,
    authorizer: Authorizer,
    bearer_required: AtomicBool,
    /// Tells polls that are open to end.
    cut: broadcast::Sender<Cut>,
    /// Tells connections to close, and how long calls may go on over them.
    away: Sender<Duration>,
    clock: Clock,
    names: NameOf,
}

/// An end that a fault puts to open polls.
#[derive(Clone)]
struct Cut {
    /// Of this instance; `None`: of all.
    of: Option<Instance>,
    /// With this gRPC status; `None`: by a reset of their streams.
    code: Option<i32>,
}

/// What the journal calls the token with this value, if it is one that the lab knows.
pub type NameOf = Box<dyn Fn(&str) -> Option<TokenName> + Send + Sync>;

/// What a gate is made of.
pub struct Config {
    /// The frontend, host and port, without TLS.
    pub upstream: Authority,
    /// Where it reports to.
    pub journal: Journal,
    /// How it decides who may call, once it [asks for a bearer](Gate::require_bearer).
    pub authorization: Authorization,
    /// The clock by which tokens expire there.
    pub clock: Clock,
    /// What tokens are called.
    pub names: NameOf,
}

impl Config {
    /// A gate to `upstream` that reports to `journal`, and knows no tokens.
    pub fn new(upstream: Authority, journal: Journal) -> Self {
        Self {
            upstream,
            journal,
            authorization: Authorization::default(),
            clock: Clock::default(),
            names: Box::new(|_| None),
        }
    }
}

impl Shared {
    /// The name of the token that a call carries.
    fn token_of(&self, headers: &HeaderMap) -> Option<TokenName> {
        let value = std::str::from_utf8(self.authorizer.credentials(headers)).ok().filter(|value| !value.is_empty())?;
        (self.names)(value.split_once(' ').map_or(value, |(_, token)| token).trim())
    }

    /// Whether a call may be made that begins now. `body` is that of the request, or empty.
    fn authorize(&self, path: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
        if !self.bearer_required.load(Ordering::Relaxed) {
            return Ok(());
        }
        // What cannot be read names no namespace, in which nobody has a right.
        let message = message::plain(path, body).unwrap_or_default();
        self.authorizer.judge(path, headers, &message, self.clock.now_s())
    }
}

impl Gate {
    /// A gate that asks for no bearer so far.
    pub fn new(config: Config) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .http2_only(true)
            .http2_max_header_list_size(HEADERS)
            .build(connector);
        Self(Arc::new(Shared {
            upstream: config.upstream,
            journal: config.journal,
            client,
            calls: AtomicU64::new(1),
            under_way: UnderWay::default(),
            attempts: Attempts::default(),
            failure: Mutex::default(),
            authorizer: Authorizer::new(config.authorization),
            bearer_required: AtomicBool::new(false),
            cut: broadcast::Sender::new(CUTS),
            away: Sender::default(),
            clock: config.clock,
            names: config.names,
        }))
    }

    /// From now on calls need a bearer, or do not. Calls that are under way go on: a parked poll outlives its token.
    pub fn require_bearer(&self, required: bool) {
        self.0.bearer_required.store(required, Ordering::Relaxed);
    }

    /// Ends the polls that are open now, of one instance or of all, with a gRPC status or by a reset. Once the future is
    /// done, the server knows it: no task goes to one of them.
    pub fn cut_polls(&self, of: Option<&Instance>, code: Option<i32>) -> impl Future<Output = ()> + Send + use<> {
        // Nobody need have a poll open.
        let _ = self.0.cut.send(Cut { of: of.cloned(), code });
        let gate = self.clone();
        async move {
            if tokio::time::timeout(BURIAL, gate.heard()).await.is_err() {
                tracing::warn!("polls that were cut may still be open at the server");
            }
        }
    }

    /// Done when the server has read that calls were given up before this was called.
    async fn heard(&self) {
        // They are reset on the connection that all calls share, so the server has read it when it answers a later call.
        // The first call is there for the resets to be on their way before the second.
        for _ in 0..2 {
            if let Err(error) = proxy::knock(&self.0).await {
                tracing::debug!(%error, "the Temporal frontend does not answer");
            }
        }
    }

    /// Closes the connections that are open now in good order (GOAWAY with NO_ERROR): calls that are under way may go on
    /// for `grace`, then the connection is dropped. A parked poll alone would keep it for a minute.
    pub fn go_away(&self, grace: Duration) {
        self.0.away.send_replace(grace);
    }

    /// Replaces the keys that tokens are verified with by those of a JWKS.
    ///
    /// # Errors
    ///
    /// If it is none. The keys of before stay.
    pub fn replace_keys(&self, jwks: &[u8]) -> Result<(), NoJwks> {
        self.0.authorizer.keys().replace(jwks)
    }

    /// Serves one connection of the worker instance `instance` until it ends.
    ///
    /// A call that the worker gives up, by itself or because its connection is gone, is given up at the server at
    /// once: a poll that stayed parked there would swallow the next task.
    pub fn serve<I>(&self, instance: Instance, io: I) -> impl Future<Output = ()> + Send + use<I>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (gate, served_by) = (Arc::clone(&self.0), Arc::clone(&self.0));
        async move {
            let service = service_fn({
                let instance = instance.clone();
                move |request| proxy::forward(Arc::clone(&gate), instance.clone(), request)
            });
            let mut away = served_by.away.subscribe();
            let mut connection = std::pin::pin!(
                http2::Builder::new(TokioExecutor::new())
                    .timer(TokioTimer::new())
                    .max_concurrent_streams(None)
                    .max_header_list_size(HEADERS)
                    .serve_connection(TokioIo::new(io), service)
            );
            let served = tokio::select! {
                served = connection.as_mut() => served,
                Ok(()) = away.changed() => {
                    connection.as_mut().graceful_shutdown();
                    let grace = *away.borrow();
                    tokio::time::timeout(grace, connection).await.unwrap_or(Ok(()))
                }
            };
            if let Err(error) = served {
                tracing::debug!(%instance, %error, "a worker's connection to the gate ended");
            }
        }
    }

    /// Returns once the server knows that no call of `instance`, which has ended, is under way: what is dispatched from
    /// then on goes to no poll of its. For a worker whose connections are closed.
    pub async fn bury(&self, instance: &Instance) {
        let buried = async {
            self.0.under_way.none_of(instance).await;
            self.heard().await;
        };
        if tokio::time::timeout(BURIAL, buried).await.is_err() {
            tracing::warn!(%instance, "calls of a worker that has ended are still under way");
        }
    }

    /// The first message that should have been decoded and could not be, if there was one. It was passed on, but the
    /// journal lacks its events, so no verdict can rest on it. Asked once, before anything is judged.
    pub fn take_failure(&self) -> Option<Unreadable> {
        self.0.failure.lock().take()
    }
}

#[cfg(test)]
mod tests;
