//! What signing in is like.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How users sign in and consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "file", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LoginMode {
    /// Nobody is asked: the user that `login_hint` names, or the first one, is signed in and consents at once.
    #[default]
    Automatic,
    /// A page asks for name and password, and then for consent.
    Page,
}

/// What signing in is like, and how long what comes of it is good. All times are by the provider's clock.
#[derive(Debug, Clone)]
pub struct LoginSettings {
    /// How users sign in and consent.
    pub mode: LoginMode,
    /// How long a browser stays signed in.
    pub session_lifetime: Duration,
    /// How long an authorization code can be redeemed. RFC 6749 §4.1.2 recommends ten minutes at most.
    pub code_lifetime: Duration,
    /// How long a pushed request can be used. RFC 9126 §2.2 expects between 5 and 600 seconds.
    pub request_uri_lifetime: Duration,
    /// How long a device code can be redeemed.
    pub device_code_lifetime: Duration,
    /// How long a device waits between two questions at first (RFC 8628 §3.2).
    pub device_interval: Duration,
    /// How long an ID token is good.
    pub id_token_lifetime: Duration,
}

impl Default for LoginSettings {
    /// Automatic; a browser stays signed in for eight hours, a code lives for 60 seconds, a pushed request for 60
    /// seconds, a device code for ten minutes with a question every 5 seconds, an ID token for an hour.
    fn default() -> Self {
        Self {
            mode: LoginMode::default(),
            session_lifetime: Duration::from_secs(8 * 3600),
            code_lifetime: Duration::from_secs(60),
            request_uri_lifetime: Duration::from_secs(60),
            device_code_lifetime: Duration::from_secs(600),
            device_interval: Duration::from_secs(5),
            id_token_lifetime: Duration::from_secs(3600),
        }
    }
}

/// When a user's consent gives a client a refresh token, if it has the grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "file", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefreshGrant {
    /// With every consent.
    #[default]
    Always,
    /// If the scope `offline_access` was asked for (OpenID Connect Core §11).
    OfflineAccess,
    /// Never.
    Never,
}
