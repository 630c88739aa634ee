//! Refusals of RFC 6749 §5.2.

/// A refusal of the token, introspection or revocation endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OAuthError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) description: String,
}

impl OAuthError {
    /// A refusal with status 400.
    pub(crate) fn new(code: &'static str, description: impl Into<String>) -> Self {
        // RFC 6749 §5.2: printable ASCII without quotation mark and backslash.
        let allowed = |letter: char| matches!(letter, ' ' | '!' | '#'..='[' | ']'..='~');
        let description: String = description.into();
        let description = description.chars().map(|letter| if allowed(letter) { letter } else { '?' }).collect();
        Self { status: 400, code, description }
    }

    /// The body is larger than any form has reason to be: status 413 (RFC 9110 §15.5.14).
    pub(crate) fn too_large() -> Self {
        Self { status: 413, ..Self::new("invalid_request", "the body is too large") }
    }

    /// `invalid_client` with status 401. One text for every cause: it must not tell which clients exist.
    pub(crate) fn invalid_client() -> Self {
        Self { status: 401, ..Self::new("invalid_client", "client authentication failed") }
    }
}
