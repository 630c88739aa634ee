//! The OAuth client that a worker is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use mock_idp::file::At;

/// An OAuth client, as it is registered at the lab's identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its id, for workers that have it built in. Default: one of the run's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<At<String>>,
    /// Its secret, for workers that have it built in. Default: one of the run's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// How it gets its tokens.
    #[serde(default)]
    pub grant: Grant,
    /// How it authenticates at the token endpoint.
    #[serde(default)]
    pub auth: ClientAuth,
    /// What it may do.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// `aud` of its tokens. Default: the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Who the tokens speak for. Default: the client itself, or `user-1` with grant `refresh_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Form of its access tokens.
    #[serde(default)]
    pub token_format: TokenFormat,
    /// With grant `refresh_token`: each use brings a new refresh token and ends the old one (RFC 9700 §4.14.2).
    #[serde(default)]
    pub rotation: bool,
}

/// How a client gets its tokens (RFC 6749).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// By its own credentials (§4.4).
    #[default]
    ClientCredentials,
    /// By a refresh token that a user's consent has left it (§6).
    RefreshToken,
}

impl Grant {
    /// As `grant_type` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken => "refresh_token",
        }
    }
}

/// How a client authenticates at the token endpoint (RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// HTTP Basic.
    #[default]
    ClientSecretBasic,
    /// In the body.
    ClientSecretPost,
}

impl ClientAuth {
    /// As RFC 8414 names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
        }
    }
}

/// Form of access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TokenFormat {
    /// Signed and readable (RFC 9068): an API can judge it alone.
    #[default]
    Jwt,
    /// Means nothing to an API until it asks (RFC 7662).
    Opaque,
}

impl TokenFormat {
    /// As files write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Opaque => "opaque",
        }
    }
}

/// A secret from a target file. It is shown and serialised as `***`, so that no journal or log holds it.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}
