//! A connection whose replies can be lost.

use std::convert::Infallible;

use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tower::{Service, ServiceExt as _};

/// Put into a response's extensions, it makes the connection end without a byte of it.
#[derive(Debug, Clone, Copy)]
pub struct DropReply;

/// The connection ends without a reply.
#[derive(Debug, thiserror::Error)]
#[error("the reply is dropped")]
struct Dropped;

/// Serves HTTP/1.1 or HTTP/2 on one connection until it ends, by the peer, by a fault, or by dropping the future.
pub async fn serve_connection<S>(io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, service: S)
where
    S: Service<http::Request<Incoming>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let service = hyper::service::service_fn(move |request| {
        let service = service.clone();
        async move {
            let Ok(response) = service.oneshot(request).await;
            if response.extensions().get::<DropReply>().is_some() { Err(Dropped) } else { Ok(response) }
        }
    });
    // An error here is a connection that was broken off, which is what tests do.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(io), service).await;
}
