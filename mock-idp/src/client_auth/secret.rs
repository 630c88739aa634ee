//! Secrets that a request shows (RFC 6749 §2.3.1).

use crate::config::Client;
use crate::error::{Cause, OAuthError};
use crate::secret::ClientSecret;

/// Whether one of the client's secrets is this one, and good now. Every secret is looked at, whatever the first ones
/// say, so that the time tells nothing of them.
pub(super) fn check(client: &Client, given: &str, now_ms: i64) -> Result<(), OAuthError> {
    let same: Vec<&ClientSecret> = client.secrets.iter().filter(|secret| secret.value.matches(given)).collect();
    let refused = |cause| Err(OAuthError::client(cause));
    if same.iter().any(|secret| secret.has_begun(now_ms) && !secret.is_over(now_ms)) {
        Ok(())
    } else if same.iter().any(|secret| secret.is_over(now_ms)) {
        refused(Cause::SecretExpired).map_err(|error| error.because("the secret has expired"))
    } else if same.is_empty() {
        refused(Cause::WrongSecret)
    } else {
        refused(Cause::SecretNotYetValid).map_err(|error| error.because("the secret is not valid yet"))
    }
}
