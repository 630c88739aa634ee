//! Amazon Cognito, a user pool.

use http::Method;
use serde_json::json;

use super::fact::{Certainty, documented, ours};
use super::profile::{ErrorBody, Format, Profile, Refresh, Refusal, Revocation, Scope};
use super::{Claims, Facts, Route, Vendor};
use crate::config::Rotation;
use crate::endpoint::Endpoint;
use crate::error::Cause;
use crate::key::Algorithm;

pub(super) struct Cognito;

/// Id of the one pool.
const POOL: &str = "/us-east-1_MockPool1";

const JSON: &[(&str, &str)] = &[("content-type", "application/json;charset=UTF-8")];

const CLIENT: &[Cause] = &[
    Cause::NoAuthentication,
    Cause::UnreadableAuthentication,
    Cause::UnknownClient,
    Cause::WrongAuthenticationMethod,
    Cause::WrongSecret,
    Cause::ClientDisabled,
];

const DEAD: &[Cause] = &[
    Cause::RefreshTokenUnknown,
    Cause::RefreshTokenForeign,
    Cause::RefreshTokenExpired,
    Cause::RefreshTokenRevoked,
    Cause::RefreshTokenReused,
];

static PROFILE: Profile = Profile {
    issuer: documented(POOL, "on another host than the token endpoint; here on the same"),
    routes: &[
        Route::known(Certainty::Documented, Method::POST, "/oauth2/token", Endpoint::Token),
        Route::known(Certainty::Documented, Method::POST, "/oauth2/revoke", Endpoint::Revoke),
        // GET only, says the documentation.
        Route::known(Certainty::Documented, Method::GET, "/oauth2/authorize", Endpoint::Authorize),
        Route::post("/oauth2/interaction", Endpoint::Interaction),
        Route::known(Certainty::Documented, Method::GET, "/us-east-1_MockPool1/.well-known/jwks.json", Endpoint::Jwks),
        Route::known(
            Certainty::Documented,
            Method::GET,
            "/us-east-1_MockPool1/.well-known/openid-configuration",
            Endpoint::Discovery,
        ),
    ],
    absent: &[documented(Endpoint::DeviceAuthorization, "not among the endpoints of a user pool")],
    access_token_lifetime: documented(3600, "of the examples; 5 min to 1 day"),
    format: documented(Format::Jwt(Algorithm::Rs256), ""),
    claims: documented(
        &["client_id", "exp", "iat", "iss", "jti", "scope", "sub", "token_use"],
        "no `aud`; `username` only with a user",
    ),
    typ: ours("JWT", "RFC 7519 §5.1"),
    id_token_key: documented(Some(Algorithm::Rs256), "a pool has two RSA keys"),
    expires_in: documented(Profile::STRICT.expires_in.value, ""),
    refresh: documented(
        Refresh { by_default: Rotation::Off, single_use: true },
        "answers have no `refresh_token` unless rotation is on; grace 60 s at most; what reuse does is not known",
    ),
    scope: documented(Scope::ForeignIgnored, "an older page; none at all means all"),
    error_body: documented(ErrorBody::CodeAlone, ""),
    refusals: &[
        Refusal { at: Some(Endpoint::Revoke), status: Some(401), ..Refusal::of(Certainty::Documented, CLIENT) },
        Refusal { status: Some(400), headers: JSON, ..Refusal::of(Certainty::Documented, CLIENT) },
        Refusal { headers: JSON, ..Refusal::of(Certainty::Seen, DEAD) },
        Refusal::of(Certainty::Documented, &[Cause::RevocationUnsupported]),
    ],
    revocation: documented(Revocation { access_tokens: false, ..Revocation::STRICT }, ""),
    ..Profile::STRICT
};

impl Vendor for Cognito {
    fn name(&self) -> &'static str {
        "cognito"
    }

    fn doc(&self) -> &'static str {
        "An Amazon Cognito user pool: no `aud` in access tokens, 400 for a wrong secret, refusals of one word."
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn claims(&self, of: &Facts<'_>) -> Option<Claims> {
        let mut claims = json!({
            "sub": of.standard.sub,
            "token_use": "access",
            "iss": of.standard.iss,
            "exp": of.standard.exp,
            "iat": of.standard.iat,
            "jti": of.standard.jti,
            "client_id": of.standard.client_id,
        });
        if !of.standard.scope.is_empty() {
            claims["scope"] = of.standard.scope.as_str().into();
        }
        if of.has_user() {
            claims["username"] = of.standard.sub.as_str().into();
        }
        Claims::of(claims)
    }
}
