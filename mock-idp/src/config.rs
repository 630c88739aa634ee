//! What an identity provider is made with.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::assertion::{AssertionRules, KeySource, TrustedIssuer};
use crate::caching::Caching;
use crate::claims::ExtraClaims;
use crate::clock::TimeSource;
use crate::dialect::{Dialect, Generation};
use crate::dpop::DpopRules;
use crate::grant::ExchangePolicy;
use crate::key::{Algorithm, KeySettings};
use crate::login::{LoginSettings, RefreshGrant};
use crate::observe::{Observer, Passive};
use crate::secret::ClientSecret;
use crate::tls::{CertificateSubject, ClientAuthorities};
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
    /// How many keys there are, and which of them signs what.
    pub keys: KeySettings,
    /// How long the JWKS and discovery documents may be kept.
    pub caching: Caching,
    /// How long an access token lives.
    pub access_token_lifetime: Duration,
    /// How long a refresh token lives, from its issue.
    pub refresh_token_lifetime: Duration,
    /// How long a refresh token lives unused: each use counts anew, up to its lifetime.
    pub refresh_token_idle_lifetime: Option<Duration>,
    /// How long all refresh tokens of one consent live, however often they are replaced.
    pub refresh_token_absolute_lifetime: Option<Duration>,
    /// Whether a refresh token is replaced when it is used.
    pub rotation: Rotation,
    /// What a client assertion must say; `None`: what the dialect asks for.
    pub client_assertions: Option<AssertionRules>,
    /// What an assertion as a grant must say (RFC 7523 §2.1), likewise.
    pub assertion_grants: Option<AssertionRules>,
    /// Whose assertions are grants, and whose tokens can be exchanged.
    pub trusted_issuers: Vec<TrustedIssuer>,
    /// Who vouches for the certificates of clients.
    pub client_authorities: ClientAuthorities,
    /// What DPoP proofs must be like.
    pub dpop: DpopRules,
    /// All token values and `jti` are drawn from it: same seed and same order of grants, same values. Without one they
    /// are drawn from the system's randomness. Signing keys are always random.
    pub seed: Option<u64>,
    /// What is kept of tokens.
    pub memory: Memory,
    /// Where its clock takes real time from.
    pub time: TimeSource,
    /// Sees each request and may change its reply.
    pub observer: Arc<dyn Observer>,
    /// So many requests and audit events are kept, the newest; 0 keeps none. With [`Memory::Needed`] likewise JWTs that
    /// nobody has presented, so that controls can list them.
    pub records: usize,
}

impl Config {
    /// Settings of a provider of this kind as its vendor has them before anybody changes them, without clients.
    pub fn of(dialect: Dialect) -> Self {
        let profile = dialect.vendor().profile();
        Self {
            dialect,
            clients: Vec::new(),
            users: vec![User::new("alice").name("Alice Example").email("alice@example.com")],
            login: LoginSettings::default(),
            format: profile.format.value.into(),
            keys: KeySettings { id_tokens: profile.id_token_key.value, ..KeySettings::default() },
            caching: Caching::default(),
            access_token_lifetime: Duration::from_secs(profile.access_token_lifetime.value),
            refresh_token_lifetime: Duration::from_secs(profile.refresh_token_lifetime.value),
            refresh_token_idle_lifetime: None,
            refresh_token_absolute_lifetime: None,
            rotation: profile.refresh.value.by_default,
            client_assertions: None,
            assertion_grants: None,
            trusted_issuers: Vec::new(),
            client_authorities: ClientAuthorities::of_process(),
            dpop: DpopRules::default(),
            seed: None,
            memory: Memory::default(),
            time: TimeSource::default(),
            observer: Arc::new(Passive),
            records: 1000,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::of(Dialect::default())
    }
}

/// What is kept of tokens. What is true of them is the same either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "file", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "command", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Memory {
    /// Everything, for ever: all tokens can be listed, and each death is reported, that by time included.
    #[default]
    Everything,
    /// What is needed to judge those that are presented: nothing of a JWT until it is presented here or dies before its
    /// time, but for the newest [`Config::records`], and nothing of what is over. Expiry is not reported, and the death of many is reported at once. What has
    /// expired stays so when the clock is set back. A JWT without `jti`, as some vendors have them, is kept by its digest.
    /// For a server that runs for long.
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
    /// It stays as it is. That of a public client is replaced all the same, if no key binds it: reuse revokes its family,
    /// without grace (RFC 9700 §4.14.2). In dialects whose vendor replaces none ([`Dialect::single_use`]) it stays, too.
    Off,
    /// It stays as it is, and another one comes with each use. A public client is treated as with [`Rotation::Off`].
    Fresh,
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
    /// It is refused, and the newest refresh token of its consent dies. Access tokens live on.
    RevokeNewest,
    /// It is refused, and every token that descends from the same consent dies (RFC 9700 §4.14.2).
    RevokeFamily,
    /// It is refused, every token of the login dies, whichever client has it, and the browser is signed out. A token that
    /// nobody signed in for has its family only.
    RevokeSession,
}

/// How a client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "file", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// `none`: not at all, as a public client does (RFC 6749 §2.1, RFC 7591 §2).
    None,
    /// `client_secret_basic`: the `Authorization` header (RFC 6749 §2.3.1).
    #[serde(rename = "client_secret_basic")]
    Basic,
    /// `client_secret_post`: parameters of the body (RFC 6749 §2.3.1).
    #[serde(rename = "client_secret_post")]
    Post,
    /// `client_secret_jwt`: an assertion that the secret signs (OpenID Connect Core 1.0 §9).
    #[serde(rename = "client_secret_jwt")]
    SecretJwt,
    /// `private_key_jwt`: an assertion that a private key signs (RFC 7523 §2.2).
    #[serde(rename = "private_key_jwt")]
    PrivateKeyJwt,
    /// `tls_client_auth`: a certificate that an authority vouches for (RFC 8705 §2.1).
    #[serde(rename = "tls_client_auth")]
    Tls,
    /// `self_signed_tls_client_auth`: a certificate that is registered (RFC 8705 §2.2).
    #[serde(rename = "self_signed_tls_client_auth")]
    SelfSignedTls,
}

impl AuthMethod {
    /// Every method.
    pub const ALL: &'static [Self] =
        &[Self::None, Self::Basic, Self::Post, Self::SecretJwt, Self::PrivateKeyJwt, Self::Tls, Self::SelfSignedTls];

    /// Those of a client with a secret that it sends.
    pub fn with_secret() -> Vec<Self> {
        vec![Self::Basic, Self::Post]
    }

    /// Its name in metadata (RFC 8414 §2).
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::SecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::Tls => "tls_client_auth",
            Self::SelfSignedTls => "self_signed_tls_client_auth",
        }
    }

    /// Whether it is a certificate of the connection, for which there must be TLS.
    pub fn is_certificate(self) -> bool {
        matches!(self, Self::Tls | Self::SelfSignedTls)
    }
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
    /// RFC 7523 §2.1.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    JwtBearer,
    /// RFC 8693.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
}

impl GrantType {
    /// Those of a client without users.
    pub fn without_user() -> Vec<Self> {
        vec![Self::ClientCredentials, Self::RefreshToken]
    }

    /// Whether a client that keeps no secret may use it.
    pub(crate) fn allows_public_clients(self) -> bool {
        // RFC 6749 §4.4: this one gives tokens to whoever is the client, and a public one cannot show that it is.
        self != Self::ClientCredentials
    }
}

/// A registered client.
#[derive(Debug, Clone)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// Each `client_secret` that it may use, in its time: two at once while one replaces the other.
    pub secrets: Vec<ClientSecret>,
    /// How it may authenticate.
    pub methods: Vec<AuthMethod>,
    /// What it may ask for.
    pub grants: Vec<GrantType>,
    /// Scopes that it may have; the default scope of a request that names none.
    pub scopes: Vec<String>,
    /// `aud` of its access tokens.
    pub audience: String,
    /// The public keys that it signs assertions with, and its own certificates (`x5c`).
    pub keys: Option<KeySource>,
    /// What its certificate says, for `tls_client_auth`.
    pub certificate: Option<CertificateSubject>,
    /// Whether its tokens are bound to its certificate (RFC 8705 §3.4). A request without one is refused.
    pub certificate_bound: bool,
    /// Whether its tokens are bound by DPoP in any case (RFC 9449 §5.2). A request without a proof is refused; with one
    /// they are bound even if this is `false`.
    pub dpop_bound: bool,
    /// What its access tokens say besides.
    pub claims: ExtraClaims,
    /// `may_act` in its access tokens (RFC 8693 §4.4): an object that names who may act for their subjects.
    pub may_act: Option<serde_json::Value>,
    /// What it may exchange tokens for.
    pub exchange: ExchangePolicy,
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
            secrets: vec![ClientSecret::new(secret)],
            methods: AuthMethod::with_secret(),
            grants: GrantType::without_user(),
            scopes: Vec::new(),
            audience: "api".into(),
            keys: None,
            certificate: None,
            certificate_bound: false,
            dpop_bound: false,
            claims: ExtraClaims::default(),
            may_act: None,
            exchange: ExchangePolicy::default(),
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
        Self { secrets: Vec::new(), methods: vec![AuthMethod::None], grants, ..Self::new(id, "") }
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

    /// The same client, which proves itself by these methods.
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = AuthMethod>) -> Self {
        self.methods = methods.into_iter().collect();
        self
    }

    /// The same client with these grants.
    #[must_use]
    pub fn grants(mut self, grants: impl IntoIterator<Item = GrantType>) -> Self {
        self.grants = grants.into_iter().collect();
        self
    }

    /// The same client, which signs with these keys.
    #[must_use]
    pub fn keys(self, keys: KeySource) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// The same client, whose access tokens say this besides.
    #[must_use]
    pub fn claims(self, claims: ExtraClaims) -> Self {
        Self { claims, ..self }
    }

    pub(crate) fn uses_certificates(&self) -> bool {
        self.methods.iter().any(|method| method.is_certificate())
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
    /// Which of its vendor's generations answers there.
    pub(crate) generation: Generation,
}

impl Listener {
    /// An address for `name` at this origin.
    pub fn new(name: impl Into<String>, origin: impl Into<String>) -> Self {
        let origin: String = origin.into();
        let origin = origin.trim_end_matches('/').to_owned();
        Self { name: name.into(), origin, generation: Generation::default() }
    }

    /// The same address for one generation.
    pub(crate) fn of_generation(&self, generation: Generation) -> Cow<'_, Self> {
        if self.generation == generation {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self { generation, ..self.clone() })
    }
}
