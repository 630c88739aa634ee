//! A client of a configuration file.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{AuthMethod, Client, GrantType};
use crate::file::{At, Complaint, Position, Problems};
use crate::login::RefreshGrant;
use crate::secret::Secret;

/// A client as a file registers it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClientSettings {
    /// `client_id`.
    #[cfg_attr(feature = "admin", schema(value_type = String, min_length = 1))]
    pub id: At<String>,
    /// `client_secret`. A public client, whose only method is `none`, has none.
    #[serde(default = "no_secret")]
    #[cfg_attr(feature = "admin", schema(value_type = String))]
    pub secret: Secret,
    /// How it may authenticate. Default: those that send the secret.
    #[serde(default = "AuthMethod::with_secret")]
    pub methods: Vec<AuthMethod>,
    /// What it may ask for. Default: those without a user.
    #[serde(default = "GrantType::without_user")]
    pub grants: Vec<GrantType>,
    /// Scopes that it may have; the default scope of a request that names none.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// `aud` of its access tokens.
    #[serde(default = "audience")]
    pub audience: String,
    /// Whether it is a protected resource that may introspect every token, not only its own.
    #[serde(default)]
    pub resource_server: bool,
    /// Where the answer to an authorization request may go, letter by letter. Of `http://127.0.0.1` and `http://[::1]`
    /// any port will do.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Where the browser may go after the user signed out, letter by letter.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// Whether it must use PKCE (RFC 7636); a public client must anyway.
    #[serde(default)]
    pub require_pkce: bool,
    /// Whether it must push its authorization requests (RFC 9126 §6).
    #[serde(default)]
    pub require_pushed_authorization_requests: bool,
    /// When a user's consent gives it a refresh token.
    #[serde(default)]
    pub refresh_grant: RefreshGrant,
}

fn no_secret() -> Secret {
    Secret::new("")
}

fn audience() -> String {
    "api".to_owned()
}

impl ClientSettings {
    pub(super) fn check(&self, problems: &mut Problems) {
        for (at, complaint) in self.complaints() {
            problems.add(at, complaint);
        }
    }

    /// What the model cannot say.
    pub(crate) fn complaints(&self) -> Vec<(Position, Complaint)> {
        let mut complaints = Vec::new();
        // RFC 6749 appendix A.1: visible ASCII.
        if self.id.is_empty() || !self.id.chars().all(|letter| matches!(letter, ' '..='~')) {
            let complaint = Complaint::new(format!("`{}` cannot be the id of a client", self.id.value));
            complaints.push((self.id.at, complaint.hint("it is one or more printable ASCII characters")));
        }
        if self.secret.expose().is_empty() && self.methods.iter().any(|method| *method != AuthMethod::None) {
            complaints.push((self.id.at, Complaint::new(format!("the secret of `{}` is empty", self.id.value))));
        }
        complaints
    }

    /// The client.
    pub(crate) fn client(&self) -> Client {
        Client {
            methods: self.methods.clone(),
            grants: self.grants.clone(),
            scopes: self.scopes.clone(),
            audience: self.audience.clone(),
            resource_server: self.resource_server,
            redirect_uris: self.redirect_uris.clone(),
            post_logout_redirect_uris: self.post_logout_redirect_uris.clone(),
            require_pkce: self.require_pkce,
            require_pushed_authorization_requests: self.require_pushed_authorization_requests,
            refresh_grant: self.refresh_grant,
            ..Client::new(self.id.value.clone(), self.secret.expose())
        }
    }
}
