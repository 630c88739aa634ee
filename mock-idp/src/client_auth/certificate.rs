//! `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 §2): the certificate of the connection.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Visit;
use crate::assertion::Flaw;
use crate::config::{AuthMethod, Client};
use crate::error::{Cause, OAuthError};
use crate::store::Store;
use crate::tls::{PeerCertificates, thumbprint};

/// The method by which the certificate proves the client, of those that the client is registered with.
pub(super) fn check(
    client: &Client,
    peer: &PeerCertificates,
    visit: &Visit<'_>,
    store: &Store,
) -> Result<AuthMethod, OAuthError> {
    let mut flaw = Flaw::from("the client does not use certificates");
    for method in &client.methods {
        let checked = match method {
            AuthMethod::Tls => by_authority(client, peer, visit, store),
            AuthMethod::SelfSignedTls => by_itself(client, peer, visit),
            _ => continue,
        };
        match checked {
            Ok(()) => return Ok(*method),
            Err(found) => flaw = found,
        }
    }
    Err(OAuthError::client(Cause::BadCertificate).because(format!("the client's certificate is refused: {flaw}")))
}

/// RFC 8705 §2.1: vouched for by an authority, and for the subject that is registered.
fn by_authority(client: &Client, peer: &PeerCertificates, visit: &Visit<'_>, store: &Store) -> Result<(), Flaw> {
    let subject = client.certificate.as_ref().ok_or("no subject is registered for it")?;
    if !store.proofs.authorities.vouch_for(peer, visit.now_ms) {
        return Err("no trusted authority vouches for it now".into());
    }
    match peer.0.first().is_some_and(|own| subject.is_in(own)) {
        true => Ok(()),
        false => Err("it is for another subject".into()),
    }
}

/// RFC 8705 §2.2: one of those in the client's key set (`x5c`, or `x5t#S256`). Who vouches for it does not matter.
fn by_itself(client: &Client, peer: &PeerCertificates, visit: &Visit<'_>) -> Result<(), Flaw> {
    let keys = client.keys.as_ref().ok_or("the client has no keys")?.keys(&visit.call.keys)?;
    let own = peer.0.first().ok_or("it is missing")?;
    let registered = keys.keys.iter().any(|key| {
        let chain = key.common.x509_chain.as_deref().unwrap_or_default();
        chain.first().is_some_and(|first| STANDARD.decode(first).is_ok_and(|first| first == own.as_ref()))
            || key.common.x509_sha256_fingerprint.as_deref() == Some(&thumbprint(own))
    });
    match registered {
        true => Ok(()),
        false => Err("it is not in the client's key set".into()),
    }
}
