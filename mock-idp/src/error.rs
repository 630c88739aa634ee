//! Refusals, by what was wrong. A dialect may say them in its own words; what is refused is the same in all.

/// Why a request is refused. Each has the code and status that its RFC gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cause {
    /// A parameter is missing, malformed or stands twice, or the body is no form.
    MalformedRequest,
    /// The body is larger than any form has reason to be (RFC 9110 §15.5.14).
    TooLarge,
    /// More than one method of client authentication (RFC 6749 §2.3).
    SeveralAuthentications,
    /// No client authentication where one is needed.
    NoAuthentication,
    /// The `Authorization` header cannot be read.
    UnreadableAuthentication,
    /// No client has this id.
    UnknownClient,
    /// The client proves itself by another method than it is registered with.
    WrongAuthenticationMethod,
    /// The secret is not the client's.
    WrongSecret,
    /// The secret was the client's, and its time is over.
    SecretExpired,
    /// The secret will be the client's, and its time has not come.
    SecretNotYetValid,
    /// The client's certificate is not there, not trusted, or another one than is registered (RFC 8705 §2).
    BadCertificate,
    /// The client's assertion is not what RFC 7523 §3 asks for.
    BadClientAssertion,
    /// The client's assertion was used before.
    ClientAssertionReplayed,
    /// The DPoP proof is not good, or missing where the client needs one (RFC 9449 §5).
    BadDpopProof,
    /// The DPoP proof lacks the server's newest nonce (RFC 9449 §8).
    DpopNonceNeeded,
    /// The client's tokens are bound to its certificate, and there is none (RFC 8705 §3).
    CertificateMissing,
    /// The refresh token is bound to a key that the request did not prove (RFC 9449 §5, RFC 8705 §4).
    RefreshTokenOtherKey,
    /// The assertion is no grant (RFC 7523 §3.1).
    BadAssertion,
    /// The assertion was a grant before.
    AssertionReplayed,
    /// A token that is to be exchanged is not good (RFC 8693 §2.2.2).
    BadExchangedToken,
    /// The client, or the token, does not allow this exchange (RFC 8693 §2.2.2).
    ExchangeNotAllowed,
    /// The client may not have tokens for this target (RFC 8693 §2.2.2, RFC 8707 §2).
    TargetNotAllowed,
    /// The client is disabled.
    ClientDisabled,
    /// The client may not use this grant.
    GrantNotAllowed,
    /// No such grant.
    UnknownGrant,
    /// A scope that is unknown, or that the client may not have.
    ScopeNotAllowed,
    /// The refresh token was never issued, or is no refresh token.
    RefreshTokenUnknown,
    /// The refresh token is another client's.
    RefreshTokenForeign,
    /// The refresh token's time is over.
    RefreshTokenExpired,
    /// The refresh token was revoked.
    RefreshTokenRevoked,
    /// The refresh token was replaced, and its grace is over.
    RefreshTokenReused,
    /// The token that is to be revoked is another client's (RFC 7009 §2.1).
    RevocationForeign,
}

impl Cause {
    /// `error` of RFC 6749 §5.2, or of the RFC that the cause comes from.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::MalformedRequest
            | Self::TooLarge
            | Self::SeveralAuthentications
            | Self::BadExchangedToken
            | Self::ExchangeNotAllowed
            | Self::CertificateMissing => "invalid_request",
            Self::NoAuthentication
            | Self::UnreadableAuthentication
            | Self::UnknownClient
            | Self::WrongAuthenticationMethod
            | Self::WrongSecret
            | Self::SecretExpired
            | Self::SecretNotYetValid
            | Self::BadCertificate
            | Self::BadClientAssertion
            | Self::ClientAssertionReplayed
            | Self::ClientDisabled => "invalid_client",
            Self::BadDpopProof => "invalid_dpop_proof",
            Self::TargetNotAllowed => "invalid_target",
            Self::DpopNonceNeeded => "use_dpop_nonce",
            Self::GrantNotAllowed => "unauthorized_client",
            Self::UnknownGrant => "unsupported_grant_type",
            Self::ScopeNotAllowed => "invalid_scope",
            Self::RefreshTokenUnknown
            | Self::RefreshTokenForeign
            | Self::RefreshTokenExpired
            | Self::RefreshTokenRevoked
            | Self::RefreshTokenReused
            | Self::RefreshTokenOtherKey
            | Self::BadAssertion
            | Self::AssertionReplayed
            | Self::RevocationForeign => "invalid_grant",
        }
    }

    /// Status of the strict dialect: 400 but for clients that did not prove themselves (RFC 6749 §5.2).
    pub(crate) fn status(self) -> u16 {
        match self.code() {
            "invalid_client" => 401,
            _ if self == Self::TooLarge => 413,
            _ => 400,
        }
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OAuthError {
    pub(crate) cause: Cause,
    /// What the client is told.
    pub(crate) description: String,
    /// What only the observer is told, where the client must not know.
    pub(crate) reason: Option<String>,
}

impl OAuthError {
    /// A refusal that tells the client why.
    pub(crate) fn new(cause: Cause, description: impl Into<String>) -> Self {
        // RFC 6749 §5.2: printable ASCII without quotation mark and backslash.
        let allowed = |letter: char| matches!(letter, ' ' | '!' | '#'..='[' | ']'..='~');
        let description: String = description.into();
        let description = description.chars().map(|letter| if allowed(letter) { letter } else { '?' }).collect();
        Self { cause, description, reason: None }
    }

    pub(crate) fn too_large() -> Self {
        Self::new(Cause::TooLarge, "the body is too large")
    }

    /// The client did not prove itself. One text for every cause: it must not tell which clients exist.
    pub(crate) fn client(cause: Cause) -> Self {
        debug_assert_eq!(cause.code(), "invalid_client");
        Self::new(cause, "client authentication failed")
    }

    /// The same refusal, of which the observer is told more.
    pub(crate) fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }
}
