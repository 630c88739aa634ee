//! A bare HTTP server that answers every request with a fixed token: what HTTP alone costs. `bare PORT`.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

const BODY: &[u8] = br#"{"access_token":"tlat_0123456789012345678901234567890123456789","token_type":"Bearer","expires_in":300,"scope":"orders.read orders.write"}"#;

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // The next request stands behind the body.
    let _ = request.into_body().collect().await;
    let response = Response::builder().header("content-type", "application/json").header("cache-control", "no-store");
    Ok(response.body(Full::new(Bytes::from_static(BODY))).expect("fixed names and values"))
}

#[tokio::main]
async fn main() {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).expect("a port");
    let socket = TcpListener::bind(("127.0.0.1", port)).await.expect("a free port");
    loop {
        let Ok((io, _)) = socket.accept().await else { return };
        let _ = io.set_nodelay(true);
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(io), service_fn(answer)));
    }
}
