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
    /// A token that is to be exchanged is bound to a key that the request did not prove (RFC 8693 §2.2.2, RFC 9449 §7.1,
    /// RFC 8705 §3).
    ExchangedTokenOtherKey,
    /// The client, or the token, does not allow this exchange (RFC 8693 §2.2.2).
    ExchangeNotAllowed,
    /// The client may not have tokens for this target (RFC 8693 §2.2.2, RFC 8707 §2).
    TargetNotAllowed,
    /// The client is disabled.
    ClientDisabled,
    /// No client of the tenant gets tokens.
    TenantDisabled,
    /// The user, or whoever else a token speaks for, is disabled.
    SubjectDisabled,
    /// The consent that a token stands on is not known everywhere yet.
    ConsentUnderway,
    /// The client may not use this grant.
    GrantNotAllowed,
    /// No such grant.
    UnknownGrant,
    /// A scope that is unknown, or that the client may not have.
    ScopeNotAllowed,
    /// No refresh token where one is redeemed.
    RefreshTokenMissing,
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
    /// It is not certain where the answer to an authorization request goes (RFC 6749 §3.1.2.4).
    RedirectUriWrong,
    /// No such `response_type`.
    ResponseTypeUnknown,
    /// The `request_uri` was never given out, was used, or its time is over (RFC 9126 §2.2).
    RequestUriInvalid,
    /// A request object by value (OpenID Connect Core §6.1).
    RequestObject,
    /// Nobody is signed in, and nobody may be asked (OpenID Connect Core §3.1.2.6).
    LoginRequired,
    /// Nobody has consented, and nobody may be asked (OpenID Connect Core §3.1.2.6).
    ConsentRequired,
    /// The user said no.
    AccessDenied,
    /// The authorization code was never issued, or has been forgotten.
    CodeUnknown,
    /// The authorization code is another client's.
    CodeForeign,
    /// The authorization code's time is over.
    CodeExpired,
    /// The authorization code was redeemed before (RFC 6749 §4.1.2).
    CodeReused,
    /// `redirect_uri` is another one than in the authorization request (RFC 6749 §4.1.3).
    CodeRedirectMismatch,
    /// `code_verifier` is missing, wrong, or was not announced (RFC 7636 §4.6, RFC 9700 §2.1.1).
    VerifierWrong,
    /// The device code was never issued, was redeemed, or has been forgotten.
    DeviceCodeUnknown,
    /// The device code is another client's.
    DeviceCodeForeign,
    /// The device code's time is over (RFC 8628 §3.5).
    DeviceCodeExpired,
    /// The user has not decided yet (RFC 8628 §3.5).
    DevicePending,
    /// The user has not decided yet, and the device asks too often (RFC 8628 §3.5).
    DeviceTooFast,
    /// No access token where one is needed (RFC 6750 §3.1).
    BearerMissing,
    /// The access token is unknown or dead (RFC 6750 §3.1).
    BearerInvalid,
    /// The access token does not allow this (RFC 6750 §3.1).
    BearerScope,
    /// The token that is to be revoked is of a kind that cannot be (RFC 7009 §2.2.1).
    RevocationUnsupported,
    /// The token that is to be revoked is unknown or dead, which RFC 7009 §2.2 does not tell.
    RevocationUnknown,
    /// An API that the client may not have tokens for (RFC 8707 §2).
    AudienceNotAllowed,
    /// `resource` where the scope names the resource.
    ResourceParameter,
    /// The header that tells a program of this machine from a browser is missing.
    WorkloadHeaderMissing,
    /// No workload has this name.
    WorkloadUnknown,
}

impl Cause {
    /// In a word, for records: `wrong_secret`.
    pub(crate) fn word(self) -> String {
        let mut word = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_uppercase() && !word.is_empty() {
                word.push('_');
            }
            word.extend(letter.to_lowercase());
        }
        word
    }

    /// `error` of RFC 6749 §5.2, or of the RFC that the cause comes from.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::MalformedRequest
            | Self::TooLarge
            | Self::SeveralAuthentications
            | Self::RedirectUriWrong
            | Self::BearerMissing
            | Self::BadExchangedToken
            | Self::ExchangedTokenOtherKey
            | Self::ExchangeNotAllowed
            | Self::CertificateMissing
            | Self::RefreshTokenMissing
            | Self::ResourceParameter
            | Self::WorkloadHeaderMissing
            | Self::WorkloadUnknown => "invalid_request",
            Self::RevocationUnsupported => "unsupported_token_type",
            Self::RevocationUnknown => "invalid_token",
            Self::AudienceNotAllowed | Self::TargetNotAllowed => "invalid_target",
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
            Self::DpopNonceNeeded => "use_dpop_nonce",
            Self::GrantNotAllowed | Self::TenantDisabled => "unauthorized_client",
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
            | Self::SubjectDisabled
            | Self::ConsentUnderway
            | Self::RevocationForeign
            | Self::CodeUnknown
            | Self::CodeForeign
            | Self::CodeExpired
            | Self::CodeReused
            | Self::CodeRedirectMismatch
            | Self::VerifierWrong
            | Self::DeviceCodeUnknown
            | Self::DeviceCodeForeign => "invalid_grant",
            Self::ResponseTypeUnknown => "unsupported_response_type",
            Self::RequestUriInvalid => "invalid_request_uri",
            Self::RequestObject => "request_not_supported",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::AccessDenied => "access_denied",
            Self::DeviceCodeExpired => "expired_token",
            Self::DevicePending => "authorization_pending",
            Self::DeviceTooFast => "slow_down",
            Self::BearerInvalid => "invalid_token",
            Self::BearerScope => "insufficient_scope",
        }
    }

    /// What was wrong, in words.
    pub(crate) fn words(self) -> String {
        let mut words = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_uppercase() && !words.is_empty() {
                words.push(' ');
            }
            words.extend(letter.to_lowercase());
        }
        words
    }

    /// Status of the strict dialect: 400 but for clients that did not prove themselves (RFC 6749 §5.2).
    pub(crate) fn status(self) -> u16 {
        match self.code() {
            "invalid_client" | "invalid_token" => 401,
            "insufficient_scope" => 403,
            _ if self == Self::BearerMissing => 401,
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
