//! HTTPS for tests: an authority that is made at run time, server set-ups with its certificates, and what a client's
//! certificate says (RFC 8705).

mod authority;
mod connection;
mod key;
mod peer;
mod server;
mod verifier;

pub use authority::{Authority, Identity};
pub use peer::{CertificateSubject, PeerCertificates, SubjectName};
pub use server::ServerTls;
pub use verifier::ClientAuthorities;

pub(crate) use connection::accept;
pub(crate) use key::jwks;
pub(crate) use peer::thumbprint;

/// What goes wrong with certificates and their files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A certificate or key could not be made.
    #[error("the certificate cannot be made: check the names that it is for")]
    Make(#[source] rcgen::Error),
    /// The TLS library does not take a certificate or key.
    #[error("the certificate or key is not usable for TLS")]
    Use(#[source] rustls::Error),
    /// A certificate in PEM cannot be read.
    #[error("this is no certificate in PEM: it must begin with -----BEGIN CERTIFICATE-----")]
    Pem,
    /// A certificate is for a key that cannot be used.
    #[error("the certificate has a key that is neither RSA nor on P-256 or P-384")]
    Key,
    /// A distinguished name cannot be read.
    #[error("this is no distinguished name of RFC 4514: write it like CN=worker,O=Example")]
    Name,
}

/// How this process calls others: it trusts its own authority and no other.
pub(crate) fn client() -> std::sync::Arc<rustls::ClientConfig> {
    static SHARED: std::sync::LazyLock<std::sync::Arc<rustls::ClientConfig>> = std::sync::LazyLock::new(|| {
        let authority = Authority::of_process();
        let roots = authority::roots([authority.certificate()]).expect("its certificate is that of an authority");
        let config = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has TLS 1.2 and 1.3");
        std::sync::Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    });
    std::sync::Arc::clone(&SHARED)
}

/// The one implementation of cryptography, as everywhere in this crate.
fn provider() -> std::sync::Arc<rustls::crypto::CryptoProvider> {
    std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
