//! Who may make which call, as Temporal's default authorizer and JWT claim mapper decide it.
//!
//! The dev server cannot check tokens, so the gate does it in front of it, the way the server would: by the `permissions`
//! of a JWT, by its own table of methods, when a call begins and never again, so that a parked poll outlives its token.
//! What a real server said to 97 kinds of tokens and 16 calls stands in `scenarios/conformance`; a test holds this module
//! against all of it.

mod access;
mod keys;
mod namespace;
mod role;
mod token;

use http::{HeaderMap, Response};
use regex::Regex;

use self::access::{Method, Scope};
use self::keys::Keys;
pub use self::keys::NoJwks;
use self::role::Roles;
use self::token::{Claims, Flaw};
use super::answer::{self, code};
use super::body::Body;
use crate::scenario::Preset;

/// What an operator sets (`authorization:` of the server's configuration).
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Who answers, and how.
    pub preset: Preset,
    /// `audience`: none is asked for if it is empty.
    pub audience: Option<String>,
    /// `permissionsClaimName`; by default `permissions`.
    pub permissions_claim: Option<String>,
    /// `permissionsRegex`, with groups `namespace` and `role`; by default `namespace:role`.
    pub permissions_regex: Option<Regex>,
    /// `authHeaderName`; by default `authorization`.
    pub header: Option<String>,
}

/// A call that may not be made, and how that is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Why, for the journal. The caller is not told.
    pub(super) reason: &'static str,
    code: i32,
    message: &'static str,
    detail: Option<&'static str>,
}

/// How whoever stands in front of Temporal answers who may not call.
fn refuse(preset: Preset, denial: Denial) -> Refusal {
    let reason = denial.reason();
    match (preset, denial) {
        (Preset::Default, _) => Refusal {
            reason,
            code: code::PERMISSION_DENIED,
            message: "Request unauthorized.",
            detail: Some("type.googleapis.com/temporal.api.errordetails.v1.PermissionDeniedFailure"),
        },
        (Preset::TemporalProxy, Denial::NoKeys) => {
            Refusal { reason, code: code::UNAVAILABLE, message: "no keys to verify tokens with", detail: None }
        }
        (Preset::TemporalProxy, Denial::NoRight) => {
            Refusal { reason, code: code::PERMISSION_DENIED, message: "permission denied", detail: None }
        }
        (Preset::TemporalProxy, Denial::Flaw(_) | Denial::NoToken) => {
            Refusal { reason, code: code::UNAUTHENTICATED, message: "invalid credentials", detail: None }
        }
    }
}

impl Refusal {
    /// What the caller gets.
    pub(super) fn reply(&self) -> Response<Body> {
        let mut headers = answer::error(self.code, self.message);
        if let Some(detail) = self.detail {
            answer::detail(&mut headers, self.code, self.message, detail);
        }
        answer::trailers_only(headers)
    }

    /// Its gRPC status.
    pub(super) fn code(&self) -> i32 {
        self.code
    }
}

/// Why a call may not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Denial {
    Flaw(Flaw),
    /// Only a health check needs none.
    NoToken,
    /// The token's roles do not suffice, or nobody may make this call.
    NoRight,
    /// None could be fetched so far.
    NoKeys,
}

impl Denial {
    /// As the journal has it.
    fn reason(self) -> &'static str {
        match self {
            Self::Flaw(flaw) => flaw.name(),
            Self::NoToken => "no_token",
            Self::NoRight => "no_right",
            Self::NoKeys => "no_keys",
        }
    }
}

impl From<Flaw> for Denial {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

/// Decides for one gate.
pub(super) struct Authorizer {
    settings: Settings,
    keys: Keys,
}

impl Authorizer {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, keys: Keys::default() }
    }

    /// The keys that it verifies with.
    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Decides on a call that begins at `now_s`, in seconds since 1970. `message` is the request's, plain.
    pub(super) fn judge(&self, path: &str, headers: &HeaderMap, message: &[u8], now_s: i64) -> Result<(), Refusal> {
        self.decide(path, headers, message, now_s).map_err(|denial| refuse(self.settings.preset, denial))
    }

    /// The header that carries a token.
    pub(super) fn credentials<'a>(&self, headers: &'a HeaderMap) -> &'a [u8] {
        let name = self.settings.header.as_deref().unwrap_or("authorization");
        headers.get(name).map_or(&[], http::HeaderValue::as_bytes)
    }

    fn decide(&self, path: &str, headers: &HeaderMap, message: &[u8], now_s: i64) -> Result<(), Denial> {
        if self.settings.preset == Preset::TemporalProxy && self.keys.is_empty() {
            return Err(Denial::NoKeys);
        }
        // An empty one is as good as none.
        let roles = match std::str::from_utf8(self.credentials(headers)) {
            Ok("") => None,
            Ok(header) => Some(self.roles(header, now_s)?),
            Err(_) => return Err(Flaw::Scheme.into()),
        };
        // A bad token is refused here as well; no token is not.
        if access::is_health_check(path) {
            return Ok(());
        }
        let roles = roles.ok_or(Denial::NoToken)?;
        let method = Method::at(path);
        let held = match method.scope {
            Scope::Cluster => roles.in_cluster(),
            Scope::Namespace => {
                let field = method.namespace_field;
                let namespace = field.and_then(|field| namespace::named_in(message, field)).unwrap_or_default();
                roles.in_namespace(&namespace)
            }
            Scope::Unknown => return Err(Denial::NoRight),
        };
        if held >= method.role() { Ok(()) } else { Err(Denial::NoRight) }
    }

    fn roles(&self, header: &str, now_s: i64) -> Result<Roles, Flaw> {
        let claims = Claims::read(header, &self.keys, now_s)?;
        if self.settings.preset == Preset::TemporalProxy && !claims.expires() {
            return Err(Flaw::NoExpiry);
        }
        let audience = self.settings.audience.as_deref().map(str::trim).filter(|audience| !audience.is_empty());
        if audience.is_some_and(|audience| !claims.is_for(audience)) {
            return Err(Flaw::Audience);
        }
        claims.subject()?;
        let mut roles = Roles::default();
        for permission in claims.texts(self.settings.permissions_claim.as_deref().unwrap_or("permissions")) {
            if let Some((namespace, role)) = self.split(permission) {
                roles.add(namespace, role);
            }
        }
        Ok(roles)
    }

    fn split<'a>(&self, permission: &'a str) -> Option<(&'a str, &'a str)> {
        match &self.settings.permissions_regex {
            Some(regex) => {
                let found = regex.captures(permission)?;
                Some((found.name("namespace")?.as_str(), found.name("role")?.as_str()))
            }
            None => permission.split_once(':'),
        }
    }
}

#[cfg(test)]
mod conformance;
