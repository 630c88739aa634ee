//! A client of a configuration file.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{AuthMethod, Client, GrantType};
use crate::file::{At, Complaint, Position, Problems};
use crate::secret::Secret;

/// A client as a file registers it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClientSettings {
    /// `client_id`.
    #[cfg_attr(feature = "admin", schema(value_type = String, min_length = 1))]
    pub id: At<String>,
    /// `client_secret`.
    #[cfg_attr(feature = "admin", schema(value_type = String, min_length = 1))]
    pub secret: Secret,
    /// How it may authenticate. Default: all methods.
    #[serde(default = "AuthMethod::all")]
    pub methods: Vec<AuthMethod>,
    /// What it may ask for. Default: all grants.
    #[serde(default = "GrantType::all")]
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
        if self.secret.expose().is_empty() {
            complaints.push((self.id.at, Complaint::new(format!("the secret of `{}` is empty", self.id.value))));
        }
        complaints
    }

    /// The client.
    pub(crate) fn client(&self) -> Client {
        Client {
            id: self.id.value.clone(),
            secret: self.secret.clone(),
            methods: self.methods.clone(),
            grants: self.grants.clone(),
            scopes: self.scopes.clone(),
            audience: self.audience.clone(),
            resource_server: self.resource_server,
        }
    }
}
