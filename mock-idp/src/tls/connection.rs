//! A connection under TLS.

use std::io;
use std::time::Duration;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{PeerCertificates, ServerTls};
use crate::fault::{Connection, Probe};

/// A client that does not finish its handshake is given up on.
const HANDSHAKE: Duration = Duration::from_secs(10);

impl<C: Connection> Connection for TlsStream<C> {
    fn reset(&mut self) {
        self.get_mut().0.reset();
    }

    fn is_cut(&self) -> Option<Probe> {
        self.get_ref().0.is_cut()
    }
}

/// Shakes hands. Gives the connection and what the client has shown.
///
/// # Errors
///
/// If the client speaks no TLS, does not trust the server, or takes too long.
pub(crate) async fn accept<C: Connection>(
    io: C,
    tls: &ServerTls,
) -> io::Result<(TlsStream<C>, Option<PeerCertificates>)> {
    let handshake = TlsAcceptor::from(tls.0.clone()).accept(io);
    let stream = tokio::time::timeout(HANDSHAKE, handshake).await.map_err(|_| io::ErrorKind::TimedOut)??;
    let peer = stream
        .get_ref()
        .1
        .peer_certificates()
        .map(|chain| PeerCertificates(chain.iter().map(|certificate| certificate.clone().into_owned()).collect()));
    Ok((stream, peer))
}
