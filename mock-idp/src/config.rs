//! What an identity provider is made with.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::TimeSource;
use crate::dialect::Dialect;
use crate::key::Algorithm;
use crate::login::{LoginSettings, RefreshGrant};
use crate::observe::{Observer, Passive};
use crate::secret::Secret;
use crate::user::User;

/// Settings of an [`Idp`](crate::Idp).
#[derive(Clone)]
pub struct Config {
    /// Whose paths, names and answers it has.
    pub dialect: Dialect,
    /// Who may ask for tokens.
    pub clients: Vec<Client>,
    /// Who may sign in. The first is the one who does where nobody is asked.
    pub users: Vec<User>,
    /// What signing in is like.
    pub login: LoginSettings,
    /// Form of access tokens.
    pub format: TokenFormat,
    /// How long an access token lives.
    pub access_token_lifetime: Duration,
    /// How long a refresh token lives.
    pub refresh_token_lifetime: Duration,
    /// Whether a refresh token is replaced when it is used.
    pub rotation: Rotation,
    /// All token values and `jti` are drawn from it: same seed and same order of grants, same values. Without one they
    /// are drawn from the system's randomness. Signing keys are always random.
    pub seed: Option<u64>,
    /// Where its clock takes real time from.
    pub time: TimeSource,
    /// Sees each request and may change its reply.
    pub observer: Arc<dyn Observer>,
    /// So many requests and audit events are kept, the newest; 0 keeps none.
    pub records: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dialect: Dialect::default(),
            clients: Vec::new(),
            users: vec![User::new("alice").name("Alice Example").email("alice@example.com")],
            login: LoginSettings::default(),
            format: TokenFormat::Jwt(Algorithm::Es256),
            access_token_lifetime: Duration::from_secs(300),
            refresh_token_lifetime: Duration::from_secs(30 * 24 * 3600),
            rotation: Rotation::Off,
            seed: None,
            time: TimeSource::default(),
            observer: Arc::new(Passive),
            records: 1000,
        }
    }
}

/// Form of access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFormat {
    /// A signed JWT (RFC 9068).
    Jwt(Algorithm),
    /// A random string that only introspection explains.
    Opaque,
}

/// What using a refresh token does to it (RFC 6749 §6, RFC 9700 §4.14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// It stays as it is.
    Off,
    /// It is replaced.
    On {
        /// What happens when the replaced one is presented again.
        reuse: Reuse,
        /// For so long after its replacement it is not reuse: the client gets another successor, and the first one
        /// stays valid. Helps a client that lost the reply.
        grace: Duration,
    },
}

/// What happens when a replaced refresh token is presented again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "file", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reuse {
    /// It is refused; its successors live on.
    Refuse,
    /// It is refused, and every token that descends from the same consent dies (RFC 9700 §4.14.2).
    RevokeFamily,
}

/// How a client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "file", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// `client_secret_basic`: the `Authorization` header (RFC 6749 §2.3.1).
    #[serde(rename = "client_secret_basic")]
    Basic,
    /// `client_secret_post`: parameters of the body (RFC 6749 §2.3.1).
    #[serde(rename = "client_secret_post")]
    Post,
    /// `none`: a public client, which has no secret to keep (RFC 6749 §2.1).
    None,
}

/// Grants that a client may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "file", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 8628.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
}

impl AuthMethod {
    /// Those of a client with a secret.
    pub fn with_secret() -> Vec<Self> {
        vec![Self::Basic, Self::Post]
    }
}

impl GrantType {
    /// Those of a client without users.
    pub fn without_user() -> Vec<Self> {
        vec![Self::ClientCredentials, Self::RefreshToken]
    }
}

/// A registered client.
#[derive(Debug, Clone)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: Secret,
    /// How it may authenticate.
    pub methods: Vec<AuthMethod>,
    /// What it may ask for.
    pub grants: Vec<GrantType>,
    /// Scopes that it may have; the default scope of a request that names none.
    pub scopes: Vec<String>,
    /// `aud` of its access tokens.
    pub audience: String,
    /// Whether it is a protected resource that may introspect every token, not only its own.
    pub resource_server: bool,
    /// Where the answer to an authorization request may go, letter by letter. Of `http://127.0.0.1` and `http://[::1]`
    /// any port will do (RFC 8252 §7.3).
    pub redirect_uris: Vec<String>,
    /// Where the browser may go after the user signed out, letter by letter.
    pub post_logout_redirect_uris: Vec<String>,
    /// Whether it must use PKCE (RFC 7636); a public client must anyway.
    pub require_pkce: bool,
    /// Whether it must push its authorization requests (RFC 9126 §6).
    pub require_pushed_authorization_requests: bool,
    /// When a user's consent gives it a refresh token.
    pub refresh_grant: RefreshGrant,
}

impl Client {
    /// A client with both authentication methods, both grants, no scopes, and audience `api`.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: Secret::new(secret),
            methods: AuthMethod::with_secret(),
            grants: GrantType::without_user(),
            scopes: Vec::new(),
            audience: "api".into(),
            resource_server: false,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            require_pkce: false,
            require_pushed_authorization_requests: false,
            refresh_grant: RefreshGrant::default(),
        }
    }

    /// A public client (RFC 6749 §2.1): an app or a device that has no secret. It may use the authorization code grant
    /// and refresh tokens.
    pub fn public(id: impl Into<String>) -> Self {
        let grants = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
        Self { methods: vec![AuthMethod::None], grants, ..Self::new(id, "") }
    }

    /// The same client with these redirect URIs, and with the authorization code grant.
    #[must_use]
    pub fn redirect_uris(mut self, uris: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.redirect_uris = uris.into_iter().map(Into::into).collect();
        if !self.grants.contains(&GrantType::AuthorizationCode) {
            self.grants.push(GrantType::AuthorizationCode);
        }
        self
    }

    /// Whether it may get ID tokens.
    pub(crate) fn signs_users_in(&self) -> bool {
        self.grants.iter().any(|grant| matches!(grant, GrantType::AuthorizationCode | GrantType::DeviceCode))
    }

    /// The same client with these scopes.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }
}

/// One public address of an identity provider.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Who comes in here, for the observer.
    pub name: String,
    /// Scheme, host and port at which it is reached, without a slash at the end. [`Idp::issuer`](crate::Idp::issuer)
    /// makes `iss` of it, [`Idp::url`](crate::Idp::url) the address of an endpoint.
    pub origin: String,
}

impl Listener {
    /// An address for `name` at this origin.
    pub fn new(name: impl Into<String>, origin: impl Into<String>) -> Self {
        let origin: String = origin.into();
        Self { name: name.into(), origin: origin.trim_end_matches('/').to_owned() }
    }
}
