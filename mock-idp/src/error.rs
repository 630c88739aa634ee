//! Refusals of RFC 6749 §5.2.

/// A refusal of the token, introspection or revocation endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OAuthError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) description: String,
    /// RFC 6749 §5.2: a client that used the `Authorization` header is challenged.
    pub(crate) challenge: bool,
}

impl OAuthError {
    /// A refusal with status 400.
    pub(crate) fn new(code: &'static str, description: impl Into<String>) -> Self {
        Self { status: 400, code, description: description.into(), challenge: false }
    }

    /// The body is larger than any form has reason to be: status 413 (RFC 9110 §15.5.14).
    pub(crate) fn too_large() -> Self {
        Self { status: 413, ..Self::new("invalid_request", "the body is too large") }
    }

    /// `invalid_client` with status 401. One text for every cause: it must not tell which clients exist.
    pub(crate) fn invalid_client(challenge: bool) -> Self {
        Self { status: 401, code: "invalid_client", description: "client authentication failed".into(), challenge }
    }
}
