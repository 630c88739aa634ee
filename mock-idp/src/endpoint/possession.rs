//! What a token request proves that it has: the key of its DPoP proof (RFC 9449 §5) and of its certificate
//! (RFC 8705 §3).

use super::Call;
use crate::client_auth::Authenticated;
use crate::config::Listener;
use crate::dpop::{DpopError, Presented};
use crate::error::{Cause, OAuthError};
use crate::holder::Binding;
use crate::store::Store;

/// To what the tokens of a request will be bound.
///
/// # Errors
///
/// `invalid_dpop_proof` or `use_dpop_nonce` if its proof is not good or is missing where the client needs one;
/// `invalid_request` if the client's tokens are bound to a certificate and there is none.
pub(super) fn proved(
    call: &Call,
    authenticated: &Authenticated,
    listener: &Listener,
    store: &Store,
    now_ms: i64,
) -> Result<Binding, OAuthError> {
    let client = &authenticated.client;
    let url = format!("{}{}", listener.origin, call.path);
    let presented = Presented { headers: &call.headers, method: call.method.as_str(), url: &url, access_token: None };
    let jkt = match store.proofs.dpop.verify(&presented, now_ms) {
        Ok(None) if client.dpop_bound => Err(DpopError::Missing),
        judged => judged,
    };
    let x5t_s256 = match (client.certificate_bound, &call.peer) {
        (false, _) => None,
        (true, Some(peer)) => peer.thumbprint(),
        (true, None) => {
            let text = "the client's tokens are bound to its certificate, and the connection has none";
            return Err(OAuthError::new(Cause::CertificateMissing, text));
        }
    };
    Ok(Binding { jkt: jkt?, x5t_s256 })
}

impl From<DpopError> for OAuthError {
    fn from(error: DpopError) -> Self {
        let cause = match error {
            DpopError::NonceNeeded => Cause::DpopNonceNeeded,
            _ => Cause::BadDpopProof,
        };
        Self::new(cause, error.to_string())
    }
}
