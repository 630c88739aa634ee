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
    /// The client is disabled.
    ClientDisabled,
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
    /// `error` of RFC 6749 §5.2, or of the RFC that the cause comes from.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::MalformedRequest
            | Self::TooLarge
            | Self::SeveralAuthentications
            | Self::RefreshTokenMissing
            | Self::ResourceParameter
            | Self::WorkloadHeaderMissing
            | Self::WorkloadUnknown => "invalid_request",
            Self::RevocationUnsupported => "unsupported_token_type",
            Self::RevocationUnknown => "invalid_token",
            Self::AudienceNotAllowed => "invalid_target",
            Self::NoAuthentication
            | Self::UnreadableAuthentication
            | Self::UnknownClient
            | Self::WrongAuthenticationMethod
            | Self::WrongSecret
            | Self::ClientDisabled => "invalid_client",
            Self::GrantNotAllowed => "unauthorized_client",
            Self::UnknownGrant => "unsupported_grant_type",
            Self::ScopeNotAllowed => "invalid_scope",
            Self::RefreshTokenUnknown
            | Self::RefreshTokenForeign
            | Self::RefreshTokenExpired
            | Self::RefreshTokenRevoked
            | Self::RefreshTokenReused
            | Self::RevocationForeign => "invalid_grant",
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
}

impl OAuthError {
    /// A refusal that tells the client why.
    pub(crate) fn new(cause: Cause, description: impl Into<String>) -> Self {
        // RFC 6749 §5.2: printable ASCII without quotation mark and backslash.
        let allowed = |letter: char| matches!(letter, ' ' | '!' | '#'..='[' | ']'..='~');
        let description: String = description.into();
        let description = description.chars().map(|letter| if allowed(letter) { letter } else { '?' }).collect();
        Self { cause, description }
    }

    pub(crate) fn too_large() -> Self {
        Self::new(Cause::TooLarge, "the body is too large")
    }

    /// The client did not prove itself. One text for every cause: it must not tell which clients exist.
    pub(crate) fn client(cause: Cause) -> Self {
        debug_assert_eq!(cause.code(), "invalid_client");
        Self::new(cause, "client authentication failed")
    }
}
