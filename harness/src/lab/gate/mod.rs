//! The frontend gate: an HTTP/2 gRPC reverse proxy between a worker and Temporal's frontend.
//!
//! Messages pass through unchanged. The gate reports every RPC, and decodes what tells of activity attempts: histories
//! show no failed attempt but the last. First attempts mostly come *eagerly*, inside the reply to a workflow task's
//! completion; retries come as replies to polls.
//!
//! Events are gating: the reply with a task goes to the worker, and the report of its outcome to the server, only when
//! the event is recorded and its effects are done. Every method of Temporal's workflow service is unary, so such a
//! call's message is held whole meanwhile; calls of other services stream through.

mod body;
mod decode;
mod message;
mod proxy;
mod rpc;
mod under_way;
mod watch;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::uri::Authority;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};

use self::body::Body;
pub use self::message::Unreadable;
use self::under_way::UnderWay;
use self::watch::Attempts;
use crate::journal::{Instance, Journal};

/// Metadata of one call may be as large as this; errors carry their details there.
const HEADERS: u32 = 1 << 20;
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
}

impl Gate {
    /// A gate to the frontend at `upstream` (host and port, without TLS), which reports to `journal`.
    pub fn new(upstream: Authority, journal: Journal) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .http2_only(true)
            .http2_max_header_list_size(HEADERS)
            .build(connector);
        Self(Arc::new(Shared {
            upstream,
            journal,
            client,
            calls: AtomicU64::new(1),
            under_way: UnderWay::default(),
            attempts: Attempts::default(),
            failure: Mutex::default(),
        }))
    }

    /// Serves one connection of the worker instance `instance` until it ends.
    ///
    /// A call that the worker gives up, by itself or because its connection is gone, is given up at the server at
    /// once: a poll that stayed parked there would swallow the next task.
    pub fn serve<I>(&self, instance: Instance, io: I) -> impl Future<Output = ()> + Send + use<I>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let gate = Arc::clone(&self.0);
        async move {
            let service = service_fn({
                let instance = instance.clone();
                move |request| proxy::forward(Arc::clone(&gate), instance.clone(), request)
            });
            let served = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(None)
                .max_header_list_size(HEADERS)
                .serve_connection(TokioIo::new(io), service)
                .await;
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
            // What was given up is reset on the connection that all calls share, so the server has read it when it
            // answers a later call. The first call is there for the resets to be on their way before the second.
            for _ in 0..2 {
                if let Err(error) = proxy::knock(&self.0).await {
                    tracing::debug!(%instance, %error, "the Temporal frontend does not answer");
                }
            }
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
