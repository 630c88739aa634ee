//! Auth0.

use http::Method;
use serde_json::json;

use super::fact::{Certainty, documented, ours};
use super::profile::{
    Assertion, AssertionAudience, Audience, Format, Profile, Refresh, Refusal, Revocation, Throttled,
};
use super::{Claims, Facts, Route, Vendor};
use crate::config::Rotation;
use crate::endpoint::Endpoint;
use crate::error::Cause;
use crate::key::Algorithm;

pub(super) struct Auth0;

/// A custom claim, in a namespace as Auth0 wants it. Without `jti`, two tokens of one second would be one text, and a test
/// could not tell a new token from the one that was refused.
const ID: &str = "https://mock-idp.invalid/id";

const DEAD: &[Cause] = &[
    Cause::RefreshTokenUnknown,
    Cause::RefreshTokenForeign,
    Cause::RefreshTokenExpired,
    Cause::RefreshTokenRevoked,
    Cause::RefreshTokenReused,
];

/// An unknown client, a wrong secret and an API that the client may not use are told alike.
const TURNED_AWAY: &[Cause] = &[Cause::UnknownClient, Cause::WrongSecret, Cause::AudienceNotAllowed];

static PROFILE: Profile = Profile {
    issuer: documented("/", "with a slash at the end"),
    routes: &[
        Route::known(Certainty::Documented, Method::POST, "/oauth/token", Endpoint::Token),
        Route::known(Certainty::Documented, Method::POST, "/oauth/revoke", Endpoint::Revoke),
        Route::known(Certainty::Documented, Method::GET, "/authorize", Endpoint::Authorize),
        // OpenID Connect Core §3.1.2.1 wants POST, too.
        Route::post("/authorize", Endpoint::Authorize),
        Route::post("/interaction", Endpoint::Interaction),
        Route::known(Certainty::Documented, Method::POST, "/oauth/device/code", Endpoint::DeviceAuthorization),
        Route::known(Certainty::Documented, Method::GET, "/activate", Endpoint::Device),
        Route::post("/activate", Endpoint::Device),
        Route::known(Certainty::ThirdParty, Method::GET, "/.well-known/jwks.json", Endpoint::Jwks),
        Route::known(Certainty::ThirdParty, Method::GET, "/.well-known/openid-configuration", Endpoint::Discovery),
    ],
    verification: documented(Profile::STRICT.verification.value, ""),
    access_token_lifetime: documented(86_400, "2,592,000 s at most"),
    refresh_token_lifetime: ours(30 * 24 * 3600, "absolute and idle limits can be set; their defaults are not known"),
    format: ours(Format::Jwt(Algorithm::Rs256), "OpenID Connect Core §15.1 has everybody support RS256"),
    claims: documented(
        &["aud", "azp", "exp", "gty", "iat", "iss", "scope", "sub", ID],
        "no `jti`; without a user `sub` is `CLIENT@clients`; the last one is custom, as an Action of a tenant may set it, \
         and keeps two tokens of one second apart",
    ),
    typ: documented("JWT", "of the default profile"),
    expires_in: documented(Profile::STRICT.expires_in.value, ""),
    refresh: documented(
        Refresh { by_default: Rotation::Off, single_use: true },
        "rotation is set per application; reuse ends the family",
    ),
    audience: documented(Audience::Parameter, "how its lack is refused is not known"),
    refusals: &[
        Refusal {
            status: Some(401),
            code: Some("access_denied"),
            text: Some("Unauthorized"),
            ..Refusal::of(Certainty::ThirdParty, TURNED_AWAY)
        },
        Refusal {
            status: Some(403),
            text: Some("Unknown or invalid refresh token."),
            ..Refusal::of(Certainty::ThirdParty, DEAD)
        },
    ],
    throttled: documented(
        Throttled {
            status: 429,
            body: None,
            retry_after: false,
            counters: Some(["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]),
        },
        "the counters stand on all answers of limited endpoints; the body is not known",
    ),
    revocation: documented(
        Revocation { access_tokens: false, ..Revocation::STRICT },
        "another client's token is an error; the answer for an unknown one is not known",
    ),
    assertion: documented(
        Assertion {
            audience: AssertionAudience::Issuer,
            most_ahead: None,
            longest_life: Some(300),
            skew: 10,
            jti_required: true,
        },
        "",
    ),
    ..Profile::STRICT
};

impl Vendor for Auth0 {
    fn name(&self) -> &'static str {
        "auth0"
    }

    fn doc(&self) -> &'static str {
        "Auth0: an issuer with a slash at the end, `audience` needed, refusals with 401 `access_denied` and 403."
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn claims(&self, of: &Facts<'_>) -> Option<Claims> {
        let sub = if of.has_user() { of.standard.sub.clone() } else { format!("{}@clients", of.standard.client_id) };
        let mut claims = json!({
            "iss": of.standard.iss,
            "sub": sub,
            "aud": of.standard.aud,
            "iat": of.standard.iat,
            "exp": of.standard.exp,
            "azp": of.standard.client_id,
            ID: of.standard.jti,
        });
        if !of.standard.scope.is_empty() {
            claims["scope"] = of.standard.scope.as_str().into();
        }
        if !of.has_user() {
            claims["gty"] = "client-credentials".into();
        }
        Claims::of(claims)
    }
}
