//! Authorization codes (RFC 6749 §4.1.2).

use std::time::Duration;

use super::{Authentication, Logins, Request, millis};
use crate::error::{Cause, OAuthError};

/// So long after its end a code is still known, so that whoever comes late or again is told so, and reuse is found.
const REMEMBERED: Duration = Duration::from_secs(600);

/// An authorization code: good once, for one client, one redirect URI and one verifier.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) request: Request,
    pub(crate) authentication: Authentication,
    expires_ms: i64,
    /// The family of tokens that it gave.
    redeemed: Option<u64>,
}

impl Logins {
    /// A code for what a user allowed.
    pub(crate) fn issue_code(&mut self, request: Request, authentication: Authentication, now_ms: i64) -> String {
        let expires_ms = now_ms.saturating_add(millis(self.settings.code_lifetime));
        let value = format!("tlac_{}", self.draw());
        let code = Code { request, authentication, expires_ms, redeemed: None };
        self.codes.insert(value.clone(), code, expires_ms.saturating_add(millis(REMEMBERED)), now_ms);
        value
    }

    /// The client to which a code was issued, whatever became of it.
    pub(crate) fn code_client(&self, value: &str, now_ms: i64) -> Option<&str> {
        self.codes.get(value, now_ms).map(|code| code.request.client.as_str())
    }

    /// The family of tokens that a code gave.
    pub(crate) fn redeemed(&self, value: &str, now_ms: i64) -> Option<u64> {
        self.codes.get(value, now_ms).and_then(|code| code.redeemed)
    }

    /// What a code stands for, if `redirect_uri` and `code_verifier` are those of its request.
    ///
    /// # Errors
    ///
    /// `invalid_grant`.
    pub(crate) fn code(
        &self,
        value: &str,
        redirect_uri: Option<&str>,
        verifier: Option<&str>,
        now_ms: i64,
    ) -> Result<&Code, OAuthError> {
        let refused = |cause, text| Err(OAuthError::new(cause, text));
        let Some(code) = self.codes.get(value, now_ms) else {
            return refused(Cause::CodeUnknown, "the authorization code is unknown");
        };
        if now_ms >= code.expires_ms {
            return refused(Cause::CodeExpired, "the authorization code has expired");
        }
        match redirect_uri {
            Some(uri) if uri != code.request.to.uri => {
                return refused(Cause::CodeRedirectMismatch, "redirect_uri is another one than was asked with");
            }
            None if code.request.to.named => {
                return refused(Cause::CodeRedirectMismatch, "redirect_uri is missing: it was asked with one");
            }
            _ => {}
        }
        match (&code.request.challenge, verifier) {
            (None, None) => {}
            (Some(challenge), Some(verifier)) if challenge.is_met_by(verifier) => {}
            (Some(_), Some(_)) => return refused(Cause::VerifierWrong, "code_verifier is wrong"),
            (Some(_), None) => return refused(Cause::VerifierWrong, "code_verifier is missing"),
            // RFC 9700 §2.1.1: or PKCE could be stripped from a request unseen.
            (None, Some(_)) => return refused(Cause::VerifierWrong, "code_verifier came without a code_challenge"),
        }
        Ok(code)
    }

    /// The code gave this family of tokens: presented again, that dies.
    pub(crate) fn code_redeemed(&mut self, value: &str, family: u64, now_ms: i64) {
        if let Some(code) = self.codes.get_mut(value, now_ms) {
            code.redeemed = Some(family);
        }
    }
}
