//! Okta, a custom authorization server.

use http::Method;
use serde_json::json;

use super::fact::{Certainty, documented, ours, seen};
use super::profile::{Assertion, AssertionAudience, Format, Profile, Refresh, Refusal, Throttled};
use super::{Claims, Facts, Route, Vendor};
use crate::config::Rotation;
use crate::endpoint::Endpoint;
use crate::error::Cause;
use crate::key::Algorithm;

pub(super) struct Okta;

/// Media type of refusals.
const JSON: &[(&str, &str)] = &[("content-type", "application/json;charset=UTF-8")];

/// A dead refresh token is told in one way, whatever killed it.
const DEAD: &[Cause] = &[
    Cause::RefreshTokenUnknown,
    Cause::RefreshTokenForeign,
    Cause::RefreshTokenExpired,
    Cause::RefreshTokenRevoked,
    Cause::RefreshTokenReused,
];

const fn known(method: Method, path: &'static str, endpoint: Endpoint) -> Route {
    Route::known(Certainty::Documented, method, path, endpoint)
}

static PROFILE: Profile = Profile {
    issuer: documented("/oauth2/default", "the authorization server `default`"),
    routes: &[
        known(Method::POST, "/oauth2/default/v1/token", Endpoint::Token),
        known(Method::POST, "/oauth2/default/v1/introspect", Endpoint::Introspect),
        known(Method::POST, "/oauth2/default/v1/revoke", Endpoint::Revoke),
        known(Method::GET, "/oauth2/default/v1/keys", Endpoint::Jwks),
        known(Method::GET, "/oauth2/default/v1/authorize", Endpoint::Authorize),
        // OpenID Connect Core §3.1.2.1 wants POST, too.
        Route::post("/oauth2/default/v1/authorize", Endpoint::Authorize),
        Route::post("/oauth2/default/v1/interaction", Endpoint::Interaction),
        known(Method::POST, "/oauth2/default/v1/device/authorize", Endpoint::DeviceAuthorization),
        known(Method::GET, "/activate", Endpoint::Device),
        Route::post("/activate", Endpoint::Device),
        known(Method::GET, "/oauth2/default/.well-known/openid-configuration", Endpoint::Discovery),
        known(Method::GET, "/oauth2/default/.well-known/oauth-authorization-server", Endpoint::Discovery),
    ],
    access_token_lifetime: documented(3600, "of the examples; set by policy, 5 min to 1 day"),
    refresh_token_lifetime: documented(7 * 24 * 3600, "if it is not used"),
    format: ours(Format::Jwt(Algorithm::Rs256), "OpenID Connect Core §15.1 has everybody support RS256"),
    claims: documented(
        &["aud", "cid", "exp", "iat", "iss", "jti", "scp", "sub", "ver"],
        "`scp` is an array; `uid` only with a user",
    ),
    typ: ours("JWT", "RFC 7519 §5.1"),
    refresh: documented(
        Refresh { by_default: Rotation::Off, single_use: true },
        "STATIC for web and native clients; with ROTATE grace is 30 s unless set, 60 s at most, and reuse ends the family",
    ),
    refusals: &[
        Refusal {
            text: Some("No client credentials found."),
            headers: JSON,
            ..Refusal::of(Certainty::Documented, &[Cause::NoAuthentication])
        },
        Refusal { text: Some("The refresh token is invalid or expired."), ..Refusal::of(Certainty::Seen, DEAD) },
        Refusal {
            text: Some("One or more scopes are not configured for the authorization server resource."),
            ..Refusal::of(Certainty::ThirdParty, &[Cause::ScopeNotAllowed])
        },
    ],
    throttled: documented(
        Throttled {
            status: 429,
            body: None,
            retry_after: false,
            counters: Some(["X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"]),
        },
        "the counters stand on other answers, too, and of concurrent requests limit and rest are 0; which body the token endpoint has is not known",
    ),
    key_set_headers: documented(&[("cache-control", "max-age=3832304, must-revalidate")], "of the example: 44 days"),
    assertion: seen(
        Assertion {
            audience: AssertionAudience::Endpoint,
            most_ahead: Some(3600),
            longest_life: None,
            skew: 0,
            jti_required: false,
        },
        "limits are documented, the lack of tolerance was seen",
    ),
    ..Profile::STRICT
};

impl Vendor for Okta {
    fn name(&self) -> &'static str {
        "okta"
    }

    fn doc(&self) -> &'static str {
        "Okta's custom authorization server `default`: `scp` as an array, `cid`, static refresh tokens."
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn claims(&self, of: &Facts<'_>) -> Option<Claims> {
        let mut claims = json!({
            "ver": 1,
            "jti": format!("AT.{}", of.standard.jti),
            "iss": of.standard.iss,
            "aud": of.standard.aud,
            "iat": of.standard.iat,
            "exp": of.standard.exp,
            "cid": of.standard.client_id,
            "scp": of.scopes,
            "sub": of.standard.sub,
        });
        if of.has_user() {
            claims["uid"] = of.standard.sub.as_str().into();
        }
        Claims::of(claims)
    }
}
