//! The RFCs to the letter.

use super::profile::Profile;
use super::{Route, Vendor};
use crate::endpoint::Endpoint;

pub(super) struct Generic;

static PROFILE: Profile = Profile {
    routes: &[
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
    ],
    ..Profile::STRICT
};

impl Vendor for Generic {
    fn name(&self) -> &'static str {
        "generic"
    }

    fn doc(&self) -> &'static str {
        "The RFCs to the letter; no vendor answers quite so."
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }
}
