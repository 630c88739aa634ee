//! Key sets of others, fetched before a request is decided: a decision does not wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{ACCEPT, HOST};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use jsonwebtoken::jwk::JwkSet;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use super::Flaw;
use crate::tls;

/// So long a key set may take, connecting included.
const PATIENCE: Duration = Duration::from_secs(5);

/// Larger key sets are refused.
const LIMIT: usize = 256 * 1024;

/// So long a key set is used without asking again, by the identity provider's clock.
const FRESH_MS: i64 = 300_000;

/// Key sets that were fetched, by their address.
#[derive(Default)]
pub(crate) struct RemoteKeys(Mutex<BTreeMap<Url, Cached>>);

struct Cached {
    keys: Arc<JwkSet>,
    fetched_ms: i64,
}

impl RemoteKeys {
    /// The keys at an address: as they were last fetched if that is not long ago and `kid` is among them, as they are
    /// now otherwise. So a key that was rotated is found at once.
    pub(crate) async fn get(&self, url: &Url, kid: Option<&str>, now_ms: i64) -> Result<Arc<JwkSet>, Flaw> {
        if let Some(keys) = self.cached(url, kid, now_ms) {
            return Ok(keys);
        }
        let fetched = tokio::time::timeout(PATIENCE, fetch(url)).await;
        let keys = Arc::new(fetched.map_err(|_| Flaw::from("its keys could not be fetched in 5 s"))??);
        let cached = Cached { keys: Arc::clone(&keys), fetched_ms: now_ms };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(url.clone(), cached);
        Ok(keys)
    }

    fn cached(&self, url: &Url, kid: Option<&str>, now_ms: i64) -> Option<Arc<JwkSet>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = all.get(url)?;
        let fresh = (0..FRESH_MS).contains(&(now_ms - cached.fetched_ms));
        let known = kid.is_none_or(|kid| cached.keys.find(kid).is_some());
        (fresh && known).then(|| Arc::clone(&cached.keys))
    }
}

async fn fetch(url: &Url) -> Result<JwkSet, Flaw> {
    let failed = |what: &str| Flaw::from(format!("its keys could not be fetched: {what}"));
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or_default();
    let socket = TcpStream::connect((host, port)).await.map_err(|_| failed("nothing listens there"))?;
    // What `localhost` means is the resolver's to say: believed is only what was reached.
    if !socket.peer_addr().is_ok_and(|address| address.ip().is_loopback()) {
        return Err(failed("it is on another machine"));
    }
    let body = match url.scheme() {
        "https" => {
            let name = ServerName::try_from(host.to_owned()).map_err(|_| failed("its host has no name"))?;
            let connector = TlsConnector::from(tls::client());
            let secure = connector.connect(name, socket).await;
            get(secure.map_err(|_| failed("its certificate is not of this process's authority"))?, url).await
        }
        _ => get(socket, url).await,
    };
    let body = body.ok_or_else(|| failed("it answers with something else, too much, or not with 200"))?;
    serde_json::from_slice(&body).map_err(|_| failed("it is no key set"))
}

async fn get(
    io: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    url: &Url,
) -> Option<Vec<u8>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await.ok()?;
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let request = http::Request::get(target).header(HOST, authority).header(ACCEPT, "application/json");
    let exchange = async {
        let response = sender.send_request(request.body(Empty::<bytes::Bytes>::new()).ok()?).await.ok()?;
        if response.status() != http::StatusCode::OK {
            return None;
        }
        let body = Limited::new(response.into_body(), LIMIT).collect().await.ok()?;
        Some(body.to_bytes().to_vec())
    };
    // The connection is driven until the exchange is over, and dropped with it.
    tokio::select! {
        body = exchange => body,
        _ = async { let _ = connection.await; std::future::pending::<()>().await } => None,
    }
}
