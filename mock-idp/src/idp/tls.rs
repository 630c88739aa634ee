//! Serving over TLS.

use tokio::net::TcpListener;
use tower::ServiceExt as _;

use super::Idp;
use super::serve::accept;
use crate::config::Listener;
use crate::fault::serve_connection;
use crate::tls::{self, ServerTls};

impl Idp {
    /// Serves an address over TLS until the future is dropped. A connection whose handshake fails is closed.
    ///
    /// # Errors
    ///
    /// If the socket fails.
    pub async fn serve_tls(&self, socket: TcpListener, listener: Listener, tls: ServerTls) -> std::io::Result<()> {
        let router = self.router(listener);
        let accepting = accept(socket, |io| {
            let (router, tls) = (router.clone(), tls.clone());
            async move {
                let Ok((io, peer)) = tls::accept(io, &tls).await else { return };
                let service = router.into_service().map_request(move |mut request: http::Request<_>| {
                    if let Some(peer) = &peer {
                        request.extensions_mut().insert(peer.clone());
                    }
                    request
                });
                serve_connection(io, service).await;
            }
        });
        self.sweeping(accepting).await
    }
}
