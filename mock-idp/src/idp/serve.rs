//! Serving an address, and letting go of what is over meanwhile.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tower::service_fn;

use super::Idp;
use crate::config::Listener;
use crate::fault::serve_connection;

/// So many entries are looked at while the store is held, and so often all are while nothing else happens.
const SWEEP: usize = 1000;
const SWEEP_EVERY: Duration = Duration::from_secs(5);

impl Idp {
    /// Serves an address until the future is dropped.
    ///
    /// # Errors
    ///
    /// If the socket fails.
    pub async fn serve(&self, socket: TcpListener, listener: Listener) -> std::io::Result<()> {
        let listener = self.front(listener);
        let accepting = accept(socket, |io| {
            let (idp, listener) = (self.clone(), Arc::clone(&listener));
            serve_connection(
                io,
                service_fn(move |request: http::Request<Incoming>| {
                    let (idp, listener) = (idp.clone(), Arc::clone(&listener));
                    async move { Ok(idp.answer(&listener, request.map(Body::new)).await) }
                }),
            )
        });
        self.sweeping(accepting).await
    }

    /// Does this, and lets go of what is over from time to time.
    pub(super) async fn sweeping<T>(&self, work: impl Future<Output = T>) -> T {
        let mut sweeps = tokio::time::interval(SWEEP_EVERY);
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = sweeps.tick() => {
                    self.expire_due();
                    self.sweep();
                }
            }
        }
    }

    /// Lets go of everything that is over, in small steps: requests go on meanwhile.
    pub(super) fn sweep(&self) {
        let steps = self.store().to_sweep().div_ceil(SWEEP);
        for _ in 0..steps {
            self.store().sweep(SWEEP);
        }
    }
}

/// Serves every connection that comes, until the future is dropped, and with it those connections.
pub(super) async fn accept<S: Future<Output = ()> + Send + 'static>(
    socket: TcpListener,
    serve: impl Fn(TcpStream) -> S,
) -> std::io::Result<()> {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (io, _) = socket.accept().await?;
        let _ = io.set_nodelay(true);
        connections.spawn(serve(io));
        while connections.try_join_next().is_some() {}
    }
}
