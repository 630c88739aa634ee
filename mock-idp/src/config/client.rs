//! A registered client, and what it may do.

use serde::{Deserialize, Serialize};

use crate::assertion::KeySource;
use crate::claims::ExtraClaims;
use crate::grant::ExchangePolicy;
use crate::login::RefreshGrant;
use crate::secret::ClientSecret;
use crate::tls::CertificateSubject;

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
