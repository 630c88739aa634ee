//! The RFCs to the letter.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::{Route, Vendor};
use crate::endpoint::Endpoint;
use crate::error::OAuthError;
use crate::fault::HttpReply;

pub(super) struct Generic;

impl Vendor for Generic {
    fn name(&self) -> &'static str {
        "generic"
    }

    fn doc(&self) -> &'static str {
        "The RFCs to the letter; no vendor answers quite so."
    }

    fn routes(&self) -> &'static [Route] {
        const ROUTES: &[Route] = &[
            Route::post("/oauth2/token", Endpoint::Token),
            Route::post("/oauth2/introspect", Endpoint::Introspect),
            Route::post("/oauth2/revoke", Endpoint::Revoke),
            Route::get("/oauth2/jwks", Endpoint::Jwks),
            Route::get("/oauth2/authorize", Endpoint::Authorize),
            Route::post("/oauth2/authorize", Endpoint::Authorize),
            Route::post("/oauth2/interaction", Endpoint::Interaction),
            Route::post("/oauth2/par", Endpoint::PushedAuthorization),
            Route::post("/oauth2/device_authorization", Endpoint::DeviceAuthorization),
            Route::get("/oauth2/device", Endpoint::Device),
            Route::post("/oauth2/device", Endpoint::Device),
            Route::get("/oauth2/userinfo", Endpoint::UserInfo),
            Route::post("/oauth2/userinfo", Endpoint::UserInfo),
            Route::get("/oauth2/logout", Endpoint::EndSession),
            Route::post("/oauth2/logout", Endpoint::EndSession),
            Route::get("/.well-known/openid-configuration", Endpoint::Discovery),
            Route::get("/.well-known/oauth-authorization-server", Endpoint::Discovery),
        ];
        ROUTES
    }
}

/// RFC 6749 §5.2.
pub(super) fn refusal(error: &OAuthError) -> HttpReply {
    let status = StatusCode::from_u16(error.cause.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let body = json!({"error": error.cause.code(), "error_description": error.description});
    let mut reply = HttpReply::json(status, &body).uncached();
    // RFC 9110 §15.5.2: every 401 names a scheme, not only where RFC 6749 §5.2 says so once more.
    if status == StatusCode::UNAUTHORIZED {
        reply.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="mock-idp""#));
    }
    reply
}
