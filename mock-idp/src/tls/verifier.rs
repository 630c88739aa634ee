//! Client certificates: any that is the sender's own gets through the handshake; trust is judged per request.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::authority::roots;
use super::{Authority, PeerCertificates, TlsError, provider};

/// Lets every certificate pass whose private key the client has. A self-signed one has no authority, and a foreign one
/// must be refused in the words of OAuth, not by an alert.
#[derive(Debug)]
pub(super) struct AnyClient(Arc<CryptoProvider>);

impl AnyClient {
    pub(super) fn new() -> Self {
        Self(provider())
    }
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The authorities that vouch for clients of `tls_client_auth` (RFC 8705 §2.1).
#[derive(Debug, Clone, Default)]
pub struct ClientAuthorities(Option<Arc<dyn ClientCertVerifier>>);

impl ClientAuthorities {
    /// The authority of this process only. It is not made before the first certificate is to be judged.
    pub fn of_process() -> Self {
        Self(None)
    }

    /// The authorities whose certificates stand in this PEM text.
    ///
    /// # Errors
    ///
    /// If there is none, or one that is no authority.
    pub fn in_pem(text: &str) -> Result<Self, TlsError> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
        let certificates = certificates.ok().filter(|all| !all.is_empty()).ok_or(TlsError::Pem)?;
        Ok(Self(Some(verifier(&certificates)?)))
    }

    /// Whether one of them vouches for this certificate at this time, by the identity provider's clock.
    pub(crate) fn vouch_for(&self, peer: &PeerCertificates, now_ms: i64) -> bool {
        static OWN: LazyLock<Arc<dyn ClientCertVerifier>> = LazyLock::new(|| {
            let authority = Authority::of_process();
            verifier([authority.certificate()]).expect("its certificate is that of an authority")
        });
        let Some((own, others)) = peer.0.split_first() else { return false };
        let now = UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(now_ms).unwrap_or_default()));
        self.0.as_ref().unwrap_or(&OWN).verify_client_cert(own, others, now).is_ok()
    }
}

fn verifier<'a>(
    certificates: impl IntoIterator<Item = &'a CertificateDer<'static>>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let roots = Arc::new(roots(certificates)?);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
    verifier.map_err(|error| TlsError::Use(Error::General(error.to_string())))
}
