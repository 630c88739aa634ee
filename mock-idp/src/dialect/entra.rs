//! Microsoft Entra ID: the v2.0 endpoints, those of v1.0 as the former generation, and the endpoint of Azure's machines.

use http::Method;
use serde_json::{Map, Value, json};

use super::fact::{Certainty, documented, ours, seen};
use super::profile::{
    Assertion, AssertionAudience, Audience, ErrorBody, Format, Numbers, Profile, Refresh, Refusal, Scope, Throttled,
    Verification, Workload,
};
use super::route::Generation;
use super::{Claims, Facts, Route, Success, Vendor};
use crate::config::Rotation;
use crate::endpoint::Endpoint;
use crate::error::Cause;
use crate::key::Algorithm;

pub(super) struct Entra;

/// Id of the one tenant.
const TENANT: &str = "3f1d2c4e-5b6a-4798-8c0d-e1f2a3b4c5d6";

macro_rules! of_tenant {
    ($path:literal) => {
        concat!("/3f1d2c4e-5b6a-4798-8c0d-e1f2a3b4c5d6", $path)
    };
}

/// A refusal with its number; which `error` goes with it is as the RFC has it where nobody says.
const fn numbered(certainty: Certainty, causes: &'static [Cause], number: u32) -> Refusal {
    Refusal { number: Some(number), ..Refusal::of(certainty, causes) }
}

const fn known(method: Method, path: &'static str, endpoint: Endpoint) -> Route {
    Route::known(Certainty::Documented, method, path, endpoint)
}

static PROFILE: Profile = Profile {
    issuer: documented(of_tenant!("/v2.0"), "v1.0 tokens: another host and no version; here the same host"),
    routes: &[
        known(Method::POST, of_tenant!("/oauth2/v2.0/token"), Endpoint::Token),
        // Microsoft's own libraries take no metadata without it.
        known(Method::GET, of_tenant!("/oauth2/v2.0/authorize"), Endpoint::Authorize),
        // OpenID Connect Core §3.1.2.1 wants POST, too.
        Route::post(of_tenant!("/oauth2/v2.0/authorize"), Endpoint::Authorize),
        Route::post(of_tenant!("/interaction"), Endpoint::Interaction),
        known(Method::POST, of_tenant!("/oauth2/v2.0/devicecode"), Endpoint::DeviceAuthorization),
        // On a host of its own there.
        known(Method::GET, "/devicelogin", Endpoint::Device),
        Route::post("/devicelogin", Endpoint::Device),
        known(Method::GET, "/common/discovery/v2.0/keys", Endpoint::Jwks),
        known(Method::GET, of_tenant!("/v2.0/.well-known/openid-configuration"), Endpoint::Discovery),
        known(Method::GET, "/common/v2.0/.well-known/openid-configuration", Endpoint::Discovery),
        Route::former(Certainty::Documented, Method::POST, of_tenant!("/oauth2/token"), Endpoint::Token),
        Route::former(
            Certainty::Documented,
            Method::GET,
            of_tenant!("/.well-known/openid-configuration"),
            Endpoint::Discovery,
        ),
        Route::former(Certainty::Seen, Method::GET, "/metadata/identity/oauth2/token", Endpoint::Metadata),
    ],
    verification: documented(
        Verification { uri: "verification_uri", complete: false, message: true },
        "on another host; here on the same",
    ),
    access_token_lifetime: documented(4500, "always the mean of the 60 to 90 minutes that are drawn there"),
    refresh_token_lifetime: documented(90 * 24 * 3600, "24 h for single-page applications"),
    format: ours(Format::Jwt(Algorithm::Rs256), "OpenID Connect Core §15.1 has everybody support RS256"),
    claims: documented(
        &["aud", "azp", "azpacr", "exp", "iat", "iss", "nbf", "roles", "sub", "tid", "uti", "ver"],
        "with a user `scp` as text instead of `roles`; v1.0 has `appid` and `appidacr` for `azp` and `azpacr`. There \
         the API chooses the version, here the endpoint",
    ),
    typ: ours("JWT", "RFC 7519 §5.1"),
    extras: documented(
        &["ext_expires_in", "expires_on", "not_before", "resource"],
        "in v1.0 and of machines only; client credentials have no `scope`",
    ),
    expires_in: documented(
        (Numbers::Plain, Numbers::Text),
        "so are all numbers of v1.0, whose answers say `Cache-Control: no-cache, no-store`",
    ),
    refresh: documented(Refresh { by_default: Rotation::Fresh, single_use: false }, ""),
    scope: documented(Scope::OfOneResource, ""),
    audience: documented(Audience::InScope, ""),
    error_body: documented(ErrorBody::Numbered, "the texts are ours: clients may not act on them"),
    refusals: &[
        numbered(Certainty::Seen, &[Cause::WrongSecret], 7_000_215),
        numbered(Certainty::Documented, &[Cause::NoAuthentication], 7_000_218),
        numbered(Certainty::Documented, &[Cause::ClientDisabled], 7_000_112),
        numbered(Certainty::Documented, &[Cause::UnknownClient], 700_016),
        numbered(Certainty::Documented, &[Cause::ScopeNotAllowed], 70_011),
        numbered(Certainty::Documented, &[Cause::ResourceParameter], 901_002),
        numbered(Certainty::Documented, &[Cause::RefreshTokenUnknown, Cause::RefreshTokenForeign], 70_000),
        numbered(Certainty::Documented, &[Cause::RefreshTokenExpired], 700_082),
        numbered(Certainty::Documented, &[Cause::RefreshTokenRevoked], 50_173),
        Refusal { code: Some("authorization_declined"), ..Refusal::of(Certainty::Documented, &[Cause::AccessDenied]) },
        Refusal {
            code: Some("bad_verification_code"),
            ..Refusal::of(Certainty::Documented, &[Cause::DeviceCodeUnknown])
        },
    ],
    throttled: seen(
        Throttled { status: 429, body: Some(("text/plain", "Too Many Requests")), retry_after: true, counters: None },
        "",
    ),
    assertion: documented(
        Assertion {
            audience: AssertionAudience::Endpoint,
            most_ahead: None,
            longest_life: None,
            skew: 0,
            jti_required: false,
        },
        "no limit to `exp` is enforced; the tolerance is not known",
    ),
    workload: seen(
        Some(Workload { header: ("Metadata", "true"), echoed: false, cached_until: 300 }),
        "numbers as text; how long a token is kept is not known",
    ),
    ..Profile::STRICT
};

impl Vendor for Entra {
    fn name(&self) -> &'static str {
        "entra"
    }

    fn doc(&self) -> &'static str {
        "Microsoft Entra ID v2.0, v1.0 and machine identities: AADSTS refusals, refresh tokens that stay good when replaced."
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn issuer_of(&self, generation: Generation, origin: &str) -> String {
        match generation {
            Generation::Current => self.issuer(origin),
            Generation::Former => format!("{origin}/{TENANT}/"),
        }
    }

    fn stated_issuer(&self, path: &str, issuer: String) -> String {
        // Who asks for no tenant is told a pattern.
        if path.starts_with("/common/") { issuer.replace(TENANT, "{tenantid}") } else { issuer }
    }

    fn claims(&self, of: &Facts<'_>) -> Option<Claims> {
        let (id, acr, version) = match of.generation {
            Generation::Current => ("azp", "azpacr", "2.0"),
            Generation::Former => ("appid", "appidacr", "1.0"),
        };
        let mut claims = json!({
            "aud": of.standard.aud,
            "iss": of.standard.iss,
            "iat": of.standard.iat,
            "nbf": of.standard.nbf,
            "exp": of.standard.exp,
            "sub": of.standard.sub,
            "tid": TENANT,
            // Its `jti`: without one, two tokens of the same second would be one.
            "uti": of.standard.jti,
            "ver": version,
        });
        claims[id] = of.standard.client_id.as_str().into();
        // A secret.
        claims[acr] = "1".into();
        if of.has_user() {
            claims["scp"] = of.standard.scope.as_str().into();
        } else {
            claims["roles"] = json!(of.scopes);
        }
        Claims::of(claims)
    }

    fn success(&self, of: &Success<'_>, body: &mut Map<String, Value>) {
        if !of.has_user {
            body.remove("scope");
        }
        if of.generation == Generation::Former {
            body.insert("ext_expires_in".into(), of.expires_in.into());
            body.insert("expires_on".into(), of.expires_at_s.into());
            body.insert("not_before".into(), (of.expires_at_s - of.expires_in).into());
            body.insert("resource".into(), of.audience.into());
        }
    }

    fn success_headers(&self, generation: Generation) -> &'static [(&'static str, &'static str)] {
        match generation {
            Generation::Current => &[],
            Generation::Former => &[("cache-control", "no-cache, no-store")],
        }
    }
}
