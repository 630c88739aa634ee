//! What a server needs for TLS.

use std::sync::Arc;

use rustls::ServerConfig;

use super::verifier::AnyClient;
use super::{Authority, Identity, TlsError, provider};

/// The set-up of a listener that speaks TLS 1.2 and 1.3, with HTTP/2 and HTTP/1.1 by ALPN. It asks for a client's
/// certificate and goes on without one: which client needs which certificate is for the endpoints to say (RFC 8705).
#[derive(Debug, Clone)]
pub struct ServerTls(pub(crate) Arc<ServerConfig>);

impl ServerTls {
    /// With a certificate of the process's authority for these names and addresses.
    ///
    /// # Errors
    ///
    /// If one of them is neither a host name nor an IP address.
    pub fn for_names(names: &[&str]) -> Result<Self, TlsError> {
        Self::with(&Authority::of_process().server(names)?)
    }

    /// With this certificate.
    ///
    /// # Errors
    ///
    /// If the key does not belong to it.
    pub fn with(identity: &Identity) -> Result<Self, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Use)?
            .with_client_cert_verifier(Arc::new(AnyClient::new()))
            .with_single_cert(identity.chain.clone(), identity.key()?)
            .map_err(TlsError::Use)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}
