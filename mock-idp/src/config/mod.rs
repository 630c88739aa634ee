//! What an identity provider is made with.

mod client;
mod listener;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use client::{AuthMethod, Client, GrantType};
pub use listener::Listener;

use crate::assertion::{AssertionRules, TrustedIssuer};
use crate::caching::Caching;
use crate::clock::TimeSource;
use crate::dialect::Dialect;
use crate::dpop::DpopRules;
use crate::key::{Algorithm, KeySettings};
use crate::login::LoginSettings;
use crate::observe::{Observer, Passive};
use crate::tls::ClientAuthorities;
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

impl Config {
    /// The algorithm of ID tokens: that of a key of their own, or that of access tokens. ES256 where those are opaque.
    pub(crate) fn id_token_algorithm(&self) -> Algorithm {
        self.keys.id_tokens.unwrap_or(match self.format {
            TokenFormat::Jwt(algorithm) => algorithm,
            TokenFormat::Opaque => Algorithm::Es256,
        })
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
