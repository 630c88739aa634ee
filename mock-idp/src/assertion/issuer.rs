//! Issuers whose JWTs are taken as grants (RFC 7523 §2.1) and as subjects of a token exchange (RFC 8693 §2.1).

use super::KeySource;

/// Somebody whose assertions are believed.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    /// `iss` of its assertions.
    pub issuer: String,
    /// What it signs with.
    pub keys: KeySource,
    /// Whom it may speak for.
    pub subjects: Subjects,
    /// `aud` that its assertions may have, besides those that all may have.
    pub audiences: Vec<String>,
    /// The client that acts where no other authenticates: a service account is a client that has nothing but its key.
    /// The scopes of such a request stand in the assertion (`scope`), and `target_audience` there asks for an ID token
    /// instead of an access token. Without `sub` the account speaks for itself.
    pub service_account: Option<String>,
}

/// Whom an issuer may speak for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subjects {
    /// Everybody.
    Any,
    /// These only.
    Only(Vec<String>),
}

impl Subjects {
    /// Whether `subject` is among them.
    pub(crate) fn include(&self, subject: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(subjects) => subjects.iter().any(|one| one == subject),
        }
    }
}

impl TrustedIssuer {
    /// An issuer that speaks for anybody, to clients that authenticate themselves.
    pub fn new(issuer: impl Into<String>, keys: KeySource) -> Self {
        Self { issuer: issuer.into(), keys, subjects: Subjects::Any, audiences: Vec::new(), service_account: None }
    }

    /// A client that has a key pair and speaks for itself, and for others only if `subjects` are added.
    pub fn service_account(client: impl Into<String>, keys: KeySource) -> Self {
        let client: String = client.into();
        let subjects = Subjects::Only(vec![client.clone()]);
        Self { subjects, service_account: Some(client.clone()), ..Self::new(client, keys) }
    }
}
