//! Who signs in, and how, by a configuration file.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::file::{At, Complaint, Duration, Problems};
use crate::login::{LoginMode, LoginSettings};
use crate::secret::Secret;
use crate::user::User;

/// A user who can sign in and consent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserSettings {
    /// `sub`, and the name to sign in with.
    pub subject: At<String>,
    /// `name`: told to whoever has the scope `profile`.
    #[serde(default)]
    pub name: Option<String>,
    /// `email`: told to whoever has the scope `email`; signs in as well as the subject.
    #[serde(default)]
    pub email: Option<String>,
    /// Asked for by the login page; without one any is right.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Other claims.
    #[serde(default)]
    pub claims: Map<String, Value>,
}

/// What signing in is like, and how long what comes of it is good.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoginFileSettings {
    /// How users sign in and consent.
    pub mode: LoginMode,
    /// How long a browser stays signed in.
    pub session_lifetime: Duration,
    /// How long an authorization code can be redeemed.
    pub code_lifetime: Duration,
    /// How long a pushed request can be used.
    pub request_uri_lifetime: Duration,
    /// How long a device code can be redeemed.
    pub device_code_lifetime: Duration,
    /// How long a device waits between two questions at first.
    pub device_interval: Duration,
    /// How long an ID token is good.
    pub id_token_lifetime: Duration,
}

impl UserSettings {
    /// What the model cannot say.
    pub(super) fn check(&self, problems: &mut Problems) {
        if self.subject.is_empty() {
            problems.add(self.subject.at, Complaint::new("the subject of a user is empty"));
        }
    }

    pub(super) fn user(&self) -> User {
        User {
            name: self.name.clone(),
            email: self.email.clone(),
            password: self.password.clone(),
            claims: self.claims.clone(),
            ..User::new(self.subject.value.clone())
        }
    }
}

impl Default for LoginFileSettings {
    fn default() -> Self {
        let settings = LoginSettings::default();
        let millis = |duration: std::time::Duration| {
            Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
        };
        Self {
            mode: settings.mode,
            session_lifetime: millis(settings.session_lifetime),
            code_lifetime: millis(settings.code_lifetime),
            request_uri_lifetime: millis(settings.request_uri_lifetime),
            device_code_lifetime: millis(settings.device_code_lifetime),
            device_interval: millis(settings.device_interval),
            id_token_lifetime: millis(settings.id_token_lifetime),
        }
    }
}

impl LoginFileSettings {
    pub(super) fn settings(&self) -> LoginSettings {
        LoginSettings {
            mode: self.mode,
            session_lifetime: self.session_lifetime.to_std(),
            code_lifetime: self.code_lifetime.to_std(),
            request_uri_lifetime: self.request_uri_lifetime.to_std(),
            device_code_lifetime: self.device_code_lifetime.to_std(),
            device_interval: self.device_interval.to_std(),
            id_token_lifetime: self.id_token_lifetime.to_std(),
        }
    }
}
