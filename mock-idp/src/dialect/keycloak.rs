//! Keycloak, one realm.

use http::Method;
use serde_json::{Map, Value, json};

use super::fact::{Certainty, in_source, ours, seen, third_party};
use super::profile::{Assertion, AssertionAudience, Format, Profile, Refresh, Refusal, Revocation, Widened};
use super::{Claims, Facts, Route, Success, Vendor, guid};
use crate::config::Rotation;
use crate::endpoint::Endpoint;
use crate::error::Cause;
use crate::key::Algorithm;

pub(super) struct Keycloak;

const fn known(method: Method, path: &'static str, endpoint: Endpoint) -> Route {
    Route::known(Certainty::Documented, method, path, endpoint)
}

/// A refused refresh, in the words of the source.
const fn dead(causes: &'static [Cause], text: &'static str) -> Refusal {
    Refusal { text: Some(text), ..Refusal::of(Certainty::Source, causes) }
}

static PROFILE: Profile = Profile {
    issuer: ours("/realms/mock", "the realm `mock`"),
    routes: &[
        known(Method::POST, "/realms/mock/protocol/openid-connect/token", Endpoint::Token),
        known(Method::POST, "/realms/mock/protocol/openid-connect/token/introspect", Endpoint::Introspect),
        known(Method::POST, "/realms/mock/protocol/openid-connect/revoke", Endpoint::Revoke),
        known(Method::GET, "/realms/mock/protocol/openid-connect/certs", Endpoint::Jwks),
        known(Method::GET, "/realms/mock/protocol/openid-connect/auth", Endpoint::Authorize),
        // OpenID Connect Core §3.1.2.1 wants POST, too.
        Route::post("/realms/mock/protocol/openid-connect/auth", Endpoint::Authorize),
        Route::post("/realms/mock/interaction", Endpoint::Interaction),
        known(Method::POST, "/realms/mock/protocol/openid-connect/auth/device", Endpoint::DeviceAuthorization),
        Route::known(Certainty::Source, Method::GET, "/realms/mock/device", Endpoint::Device),
        Route::post("/realms/mock/device", Endpoint::Device),
        known(Method::GET, "/realms/mock/.well-known/openid-configuration", Endpoint::Discovery),
    ],
    access_token_lifetime: in_source(300, ""),
    refresh_token_lifetime: in_source(1800, "the session's idle time; 36,000 s at most"),
    format: ours(Format::Jwt(Algorithm::Rs256), "OpenID Connect Core §15.1 has everybody support RS256"),
    claims: in_source(
        &["aud", "azp", "exp", "iat", "iss", "jti", "realm_access", "scope", "sub", "typ"],
        "`typ` is `Bearer`",
    ),
    typ: ours("JWT", "RFC 7519 §5.1"),
    extras: third_party(
        &["not-before-policy", "refresh_expires_in", "session_state"],
        "`session_state` only beside a refresh token",
    ),
    refresh: in_source(
        Refresh { by_default: Rotation::Fresh, single_use: true },
        "with `revokeRefreshToken` single use, and reuse ends the session; refresh tokens are JWTs there, opaque here",
    ),
    widened_refresh: in_source(Widened::Narrowed, ""),
    refusals: &[
        Refusal {
            status: Some(401),
            code: Some("unauthorized_client"),
            text: Some("Invalid client or Invalid client credentials"),
            ..Refusal::of(Certainty::Source, &[Cause::WrongSecret])
        },
        Refusal {
            status: Some(400),
            text: Some("Missing client_id parameter"),
            ..Refusal::of(Certainty::Source, &[Cause::NoAuthentication])
        },
        Refusal {
            bodiless: true,
            headers: &[("www-authenticate", r#"Basic realm="mock""#)],
            ..Refusal::of(Certainty::Source, &[Cause::UnreadableAuthentication])
        },
        dead(&[Cause::RefreshTokenMissing], "No refresh token"),
        dead(&[Cause::RefreshTokenUnknown], "Invalid refresh token"),
        dead(&[Cause::RefreshTokenForeign], "Unmatching clients"),
        dead(&[Cause::RefreshTokenExpired], "Token is not active"),
        dead(&[Cause::RefreshTokenRevoked], "Session not active"),
        dead(&[Cause::RefreshTokenReused], "Maximum allowed refresh token reuse exceeded"),
        Refusal {
            status: Some(200),
            text: Some("Invalid token"),
            ..Refusal::of(Certainty::Source, &[Cause::RevocationUnknown])
        },
        Refusal {
            code: Some("invalid_request"),
            text: Some("Unmatching clients"),
            ..Refusal::of(Certainty::Source, &[Cause::RevocationForeign])
        },
    ],
    revocation: in_source(
        Revocation { access_tokens: true, unknown_told: true, access_ends_family: false },
        "with 200 and an error in the body",
    ),
    assertion: seen(
        Assertion {
            audience: AssertionAudience::EndpointOrIssuer,
            most_ahead: None,
            longest_life: None,
            skew: 10,
            jti_required: false,
        },
        "10 s since 2026, 15 s before, none up to 26.0",
    ),
    ..Profile::STRICT
};

impl Vendor for Keycloak {
    fn name(&self) -> &'static str {
        "keycloak"
    }

    fn doc(&self) -> &'static str {
        "A Keycloak realm: 401 `unauthorized_client` for a wrong secret, a new refresh token each time, 200 with an error."
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn claims(&self, of: &Facts<'_>) -> Option<Claims> {
        let mut claims = json!({
            "exp": of.standard.exp,
            "iat": of.standard.iat,
            "jti": of.standard.jti,
            "iss": of.standard.iss,
            "aud": of.standard.aud,
            "sub": of.standard.sub,
            "typ": "Bearer",
            "azp": of.standard.client_id,
            "realm_access": {"roles": []},
        });
        if !of.standard.scope.is_empty() {
            claims["scope"] = of.standard.scope.as_str().into();
        }
        Claims::of(claims)
    }

    fn success(&self, of: &Success<'_>, body: &mut Map<String, Value>) {
        body.insert("not-before-policy".into(), 0.into());
        let left = of.refresh_expires_in.unwrap_or(0);
        body.insert("refresh_expires_in".into(), left.into());
        if of.refresh_expires_in.is_some() {
            body.insert("session_state".into(), guid(&format!("session {}", of.family)).into());
        }
    }
}
