//! What vendors differ in, as data. Each value is what the server works with, beside where it comes from.

use std::time::Duration;

use super::fact::{Certainty, Known, ours};
use super::route::Route;
use crate::assertion::{self, AssertionRules};
use crate::config::{Rotation, TokenFormat};
use crate::endpoint::Endpoint;
use crate::error::Cause;
use crate::key::Algorithm;

/// A vendor's ways.
pub(crate) struct Profile {
    /// Path of the issuer at an origin.
    pub(crate) issuer: Known<&'static str>,
    /// What is served, and where. The first row of an endpoint is the address that metadata name.
    pub(crate) routes: &'static [Route],
    /// What a reader may look for in vain.
    pub(crate) absent: &'static [Known<Endpoint>],
    pub(crate) verification: Known<Verification>,
    /// Seconds.
    pub(crate) access_token_lifetime: Known<u64>,
    /// Seconds.
    pub(crate) refresh_token_lifetime: Known<u64>,
    pub(crate) format: Known<Format>,
    /// Names of the claims in a signed access token without a user, `scope` or its like included.
    pub(crate) claims: Known<&'static [&'static str]>,
    /// `typ` in the header of a signed access token.
    pub(crate) typ: Known<&'static str>,
    /// Algorithm of a key that signs ID tokens and no access tokens, if there is one.
    pub(crate) id_token_key: Known<Option<Algorithm>>,
    /// Members of a successful answer besides those of RFC 6749 §5.1.
    pub(crate) extras: Known<&'static [&'static str]>,
    /// `expires_in` of the current generation, then of the former.
    pub(crate) expires_in: Known<(Numbers, Numbers)>,
    pub(crate) refresh: Known<Refresh>,
    pub(crate) scope: Known<Scope>,
    /// What a refresh does that asks for more than was consented to.
    pub(crate) widened_refresh: Known<Widened>,
    pub(crate) audience: Known<Audience>,
    pub(crate) error_body: Known<ErrorBody>,
    pub(crate) refusals: &'static [Refusal],
    pub(crate) throttled: Known<Throttled>,
    pub(crate) revocation: Known<Revocation>,
    pub(crate) key_set_headers: Known<&'static [(&'static str, &'static str)]>,
    pub(crate) assertion: Known<Assertion>,
    pub(crate) workload: Known<Option<Workload>>,
}

/// Form of access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A signed JWT.
    Jwt(Algorithm),
    /// A random string behind this prefix.
    Opaque(&'static str),
}

impl From<Format> for TokenFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jwt(algorithm) => Self::Jwt(algorithm),
            Format::Opaque(_) => Self::Opaque,
        }
    }
}

/// How numbers stand in a successful answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// As JSON numbers.
    Plain,
    /// As text.
    Text,
}

/// What refresh tokens do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refresh {
    /// How a provider of this kind is set unless somebody sets it otherwise.
    pub(crate) by_default: Rotation,
    /// Whether it can be set to make a refresh token good for one use only.
    pub(crate) single_use: bool,
}

/// How the scope of a request is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// RFC 6749 §3.3: one that is not allowed is refused.
    Strict,
    /// One that is not allowed is left out. If nothing is left, the request is refused: an empty scope would mean all.
    ForeignIgnored,
    /// `RESOURCE/.default` for all scopes of one resource; client credentials must ask so. `RESOURCE/SCOPE` elsewhere.
    OfOneResource,
}

/// What becomes of a refresh that asks for more than was consented to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Widened {
    /// RFC 6749 §6.
    Refused,
    /// It gets what was consented to of it.
    Narrowed,
}

/// How a client says for which API a token shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// It need not: the client's registration says it.
    Registered,
    /// `audience`, which client credentials must have.
    Parameter,
    /// It is part of the scope; the former generation has `resource`.
    InScope,
}

/// How a device is told where its user has to go (RFC 8628 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verification {
    /// Name of the member with the address.
    pub(crate) uri: &'static str,
    /// Whether there is an address with the code in it, too.
    pub(crate) complete: bool,
    /// Whether there is a text for the user.
    pub(crate) message: bool,
}

/// The body of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorBody {
    /// `error` and `error_description` (RFC 6749 §5.2).
    Described,
    /// `error` alone.
    CodeAlone,
    /// `error_description` with number, ids and time, which stand in members of their own, too. A refusal whose number
    /// is not known has none.
    Numbered,
}

/// How a refusal is said.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) causes: &'static [Cause],
    /// Where; `None`: everywhere.
    pub(crate) at: Option<Endpoint>,
    /// `None`: as the RFC has it.
    pub(crate) status: Option<u16>,
    /// `error`; `None`: the RFC's.
    pub(crate) code: Option<&'static str>,
    /// `error_description`; `None`: ours.
    pub(crate) text: Option<&'static str>,
    /// A vendor's own number of the error.
    pub(crate) number: Option<u32>,
    /// Header fields besides or instead of the usual ones.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// Whether there is no body at all.
    pub(crate) bodiless: bool,
    pub(crate) certainty: Certainty,
}

impl Refusal {
    /// As the RFC has it; what differs is added with update syntax.
    pub(crate) const fn of(certainty: Certainty, causes: &'static [Cause]) -> Self {
        Self {
            causes,
            at: None,
            status: None,
            code: None,
            text: None,
            number: None,
            headers: &[],
            bodiless: false,
            certainty,
        }
    }
}

/// The answer to one request too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttled {
    /// HTTP status.
    pub status: u16,
    /// Media type and body; `None`: a JSON object as of RFC 6749 §5.2, with the members that other refusals have.
    pub body: Option<(&'static str, &'static str)>,
    /// Whether `Retry-After` says in how many seconds to come back.
    pub retry_after: bool,
    /// Names of the header fields with the limit, with what is left of it, and with the second since the Unix epoch at
    /// which it is as new.
    pub counters: Option<[&'static str; 3]>,
}

/// What revoking a token does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Revocation {
    /// Whether access tokens can be revoked.
    pub(crate) access_tokens: bool,
    /// Whether a token that is unknown or dead is told apart (RFC 7009 §2.2 does not).
    pub(crate) unknown_told: bool,
    /// Whether an access token takes its refresh token with it.
    pub(crate) access_ends_family: bool,
}

impl Revocation {
    /// RFC 7009.
    pub(crate) const STRICT: Self = Self { access_tokens: true, unknown_told: false, access_ends_family: false };
}

/// What a client's or a service account's signed assertion must be like (RFC 7523 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assertion {
    /// What `aud` may be.
    pub audience: AssertionAudience,
    /// How far ahead of now `exp` may be, in seconds; `None`: any.
    pub most_ahead: Option<u64>,
    /// How long after `iat` `exp` may be, in seconds; `None`: any.
    pub longest_life: Option<u64>,
    /// By how many seconds the client's clock may differ.
    pub skew: u64,
    /// Whether it must have a `jti`. One that it has is good for one use in each dialect.
    pub jti_required: bool,
}

/// What `aud` of an assertion may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The token endpoint or the issuer (RFC 7523 §3).
    EndpointOrIssuer,
    /// The token endpoint's address.
    Endpoint,
    /// The issuer.
    Issuer,
}

impl Assertion {
    /// RFC 7523 as this server reads it where it leaves a choice.
    pub(crate) const STRICT: Self = Self {
        audience: AssertionAudience::EndpointOrIssuer,
        most_ahead: Some(3600),
        longest_life: None,
        skew: 0,
        jti_required: true,
    };

    /// The same as what the server goes by.
    pub(crate) fn rules(&self) -> AssertionRules {
        let audiences = match self.audience {
            AssertionAudience::EndpointOrIssuer => AssertionRules::default().audiences,
            AssertionAudience::Endpoint => {
                vec![assertion::Audience::TokenEndpoint, assertion::Audience::CalledEndpoint]
            }
            AssertionAudience::Issuer => vec![assertion::Audience::Issuer],
        };
        AssertionRules {
            audiences,
            max_lifetime: self.most_ahead.into_iter().chain(self.longest_life).min().map(Duration::from_secs),
            skew: Duration::from_secs(self.skew),
            jti_required: self.jti_required,
            ..AssertionRules::default()
        }
    }
}

/// The endpoint that gives tokens to whoever runs on a machine, without credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Workload {
    /// The header field that a request must have.
    pub(crate) header: (&'static str, &'static str),
    /// Whether replies have it, too.
    pub(crate) echoed: bool,
    /// The same token is given until it has no more than so many seconds left.
    pub(crate) cached_until: u64,
}

impl Profile {
    /// Where nothing is known of a vendor.
    pub(crate) const STRICT: Self = Self {
        issuer: ours("", "the origin itself"),
        routes: &[],
        absent: &[],
        verification: ours(Verification { uri: "verification_uri", complete: true, message: false }, "RFC 8628 §3.2"),
        access_token_lifetime: ours(300, ""),
        refresh_token_lifetime: ours(30 * 24 * 3600, ""),
        format: ours(Format::Jwt(Algorithm::Es256), "RFC 9068"),
        claims: ours(&["aud", "client_id", "exp", "iat", "iss", "jti", "nbf", "scope", "sub"], "RFC 9068 §2.2"),
        typ: ours("at+jwt", "RFC 9068 §2.1"),
        id_token_key: ours(None, "OpenID Connect leaves it open"),
        extras: ours(&[], "none"),
        expires_in: ours((Numbers::Plain, Numbers::Plain), "RFC 6749 §5.1"),
        refresh: ours(Refresh { by_default: Rotation::Off, single_use: true }, "RFC 6749 §6 leaves it open"),
        scope: ours(Scope::Strict, "RFC 6749 §3.3"),
        widened_refresh: ours(Widened::Refused, "RFC 6749 §6"),
        audience: ours(Audience::Registered, ""),
        error_body: ours(ErrorBody::Described, "RFC 6749 §5.2"),
        refusals: &[],
        throttled: ours(Throttled { status: 429, body: None, retry_after: true, counters: None }, "RFC 6585 §4"),
        revocation: ours(Revocation::STRICT, "RFC 7009"),
        key_set_headers: ours(&[], "none"),
        assertion: ours(Assertion::STRICT, "RFC 7523 §3"),
        workload: ours(None, ""),
    };
}
