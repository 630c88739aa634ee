//! What an identity provider is made with.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::TimeSource;
use crate::dialect::Dialect;
use crate::key::Algorithm;
use crate::observe::{Observer, Passive};
use crate::secret::Secret;

/// Settings of an [`Idp`](crate::Idp).
#[derive(Clone)]
pub struct Config {
    /// Whose paths, names and answers it has.
    pub dialect: Dialect,
    /// Who may ask for tokens.
    pub clients: Vec<Client>,
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
    /// What is kept of tokens.
    pub memory: Memory,
    /// Where its clock takes real time from.
    pub time: TimeSource,
    /// Sees each request and may change its reply.
    pub observer: Arc<dyn Observer>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dialect: Dialect::default(),
            clients: Vec::new(),
            format: TokenFormat::Jwt(Algorithm::Es256),
            access_token_lifetime: Duration::from_secs(300),
            refresh_token_lifetime: Duration::from_secs(30 * 24 * 3600),
            rotation: Rotation::Off,
            seed: None,
            memory: Memory::default(),
            time: TimeSource::default(),
            observer: Arc::new(Passive),
        }
    }
}

/// What is kept of tokens. What is true of them is the same either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Memory {
    /// Everything, for ever: all tokens can be listed, and each death is reported, that by time included.
    #[default]
    Everything,
    /// What is needed to judge those that are presented: nothing of a JWT until it is presented here or dies before its
    /// time, and nothing of what is over. Expiry is not reported, and the death of many is reported at once. What has
    /// expired stays so when the clock is set back. For a server that runs for long.
    Needed,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// It is refused; its successors live on.
    Refuse,
    /// It is refused, and every token that descends from the same consent dies (RFC 9700 §4.14.2).
    RevokeFamily,
}

/// How a client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// `client_secret_basic`: the `Authorization` header (RFC 6749 §2.3.1).
    Basic,
    /// `client_secret_post`: parameters of the body (RFC 6749 §2.3.1).
    Post,
}

/// Grants that a client may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantType {
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 6749 §6.
    RefreshToken,
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
}

impl Client {
    /// A client with both authentication methods, both grants, no scopes, and audience `api`.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: Secret::new(secret),
            methods: vec![AuthMethod::Basic, AuthMethod::Post],
            grants: vec![GrantType::ClientCredentials, GrantType::RefreshToken],
            scopes: Vec::new(),
            audience: "api".into(),
            resource_server: false,
        }
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
