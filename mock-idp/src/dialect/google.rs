//! Google, with the metadata server of its machines.

use http::Method;

use super::fact::{Certainty, documented, in_source, ours, seen, third_party};
use super::profile::{
    Assertion, AssertionAudience, Format, Profile, Refresh, Refusal, Revocation, Verification, Workload,
};
use super::{Route, Vendor};
use crate::config::Rotation;
use crate::endpoint::Endpoint;
use crate::error::Cause;
use crate::key::Algorithm;

pub(super) struct Google;

/// Seen on a refused refresh.
const UNCACHED: &[(&str, &str)] = &[
    ("cache-control", "no-cache, no-store, max-age=0, must-revalidate"),
    ("pragma", "no-cache"),
    ("expires", "Mon, 01 Jan 1990 00:00:00 GMT"),
];

const DEAD: &[Cause] =
    &[Cause::RefreshTokenUnknown, Cause::RefreshTokenExpired, Cause::RefreshTokenRevoked, Cause::RefreshTokenReused];

/// `{sa}` is a client's id, or `default` for the first one that may ask for itself.
const METADATA: &str = "/computeMetadata/v1/instance/service-accounts/{sa}/token";

static PROFILE: Profile = Profile {
    issuer: ours("", "the vendor has the token endpoint on another host than the issuer"),
    routes: &[
        Route::known(Certainty::Documented, Method::POST, "/token", Endpoint::Token),
        Route::known(Certainty::ThirdParty, Method::POST, "/revoke", Endpoint::Revoke),
        Route::known(Certainty::ThirdParty, Method::GET, "/o/oauth2/v2/auth", Endpoint::Authorize),
        // OpenID Connect Core §3.1.2.1 wants POST, too.
        Route::post("/o/oauth2/v2/auth", Endpoint::Authorize),
        Route::post("/o/oauth2/v2/interaction", Endpoint::Interaction),
        Route::known(Certainty::Documented, Method::POST, "/device/code", Endpoint::DeviceAuthorization),
        Route::known(Certainty::ThirdParty, Method::GET, "/device", Endpoint::Device),
        Route::post("/device", Endpoint::Device),
        Route::get("/oauth2/jwks", Endpoint::Jwks),
        Route::known(Certainty::ThirdParty, Method::GET, "/.well-known/openid-configuration", Endpoint::Discovery),
        Route::known(Certainty::Source, Method::GET, METADATA, Endpoint::Metadata),
    ],
    verification: third_party(
        Verification { uri: "verification_url", complete: false, message: false },
        "not the name of RFC 8628",
    ),
    access_token_lifetime: documented(3600, "about an hour; the example says 3920"),
    refresh_token_lifetime: documented(180 * 24 * 3600, "six months without use"),
    format: third_party(Format::Opaque("ya29."), ""),
    id_token_key: ours(Some(Algorithm::Rs256), "OpenID Connect Core §15.1 has everybody support RS256"),
    expires_in: documented(Profile::STRICT.expires_in.value, ""),
    refresh: in_source(Refresh { by_default: Rotation::Off, single_use: false }, "answers have no `refresh_token`"),
    refusals: &[
        Refusal {
            text: Some("The OAuth client was not found."),
            ..Refusal::of(Certainty::Seen, &[Cause::UnknownClient])
        },
        Refusal { text: Some("Unauthorized"), ..Refusal::of(Certainty::Seen, &[Cause::WrongSecret]) },
        Refusal { code: Some("disabled_client"), ..Refusal::of(Certainty::Documented, &[Cause::ClientDisabled]) },
        Refusal {
            text: Some("Token has been expired or revoked."),
            headers: UNCACHED,
            ..Refusal::of(Certainty::Seen, DEAD)
        },
        Refusal {
            status: Some(401),
            code: Some("unauthorized_client"),
            text: Some("Unauthorized"),
            ..Refusal::of(Certainty::ThirdParty, &[Cause::RefreshTokenForeign])
        },
        Refusal {
            text: Some("Invalid OAuth scope or ID token audience provided."),
            ..Refusal::of(Certainty::Documented, &[Cause::ScopeNotAllowed])
        },
        Refusal { status: Some(400), ..Refusal::of(Certainty::ThirdParty, &[Cause::RevocationUnknown]) },
    ],
    revocation: third_party(
        Revocation { access_tokens: true, unknown_told: true, access_ends_family: true },
        "RFC 7009 §2.2 would say 200",
    ),
    assertion: seen(
        Assertion {
            audience: AssertionAudience::Endpoint,
            most_ahead: None,
            longest_life: Some(65 * 60),
            skew: 0,
            jti_required: false,
        },
        "how far ahead `iat` may be is not known",
    ),
    workload: seen(
        Some(Workload { header: ("Metadata-Flavor", "Google"), echoed: true, cached_until: 300 }),
        "transient errors are 500, 503 and 429",
    ),
    ..Profile::STRICT
};

impl Vendor for Google {
    fn name(&self) -> &'static str {
        "google"
    }

    fn doc(&self) -> &'static str {
        "Google's token endpoint and metadata server: opaque access tokens, refresh tokens that never change."
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }
}
