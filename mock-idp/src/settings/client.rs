//! A client of a configuration file.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::keys::Keys;
use super::words;
use crate::claims::{ClaimsError, ExtraClaims};
use crate::config::{AuthMethod, Client, GrantType};
use crate::file::{At, Complaint, Position, Problems};
use crate::login::RefreshGrant;
use crate::secret::Secret;

/// A client as a file registers it. Keys have the names of OAuth's client metadata (RFC 7591 §2) where there is one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClientSettings {
    /// `client_id`.
    #[cfg_attr(feature = "admin", schema(value_type = String, min_length = 1))]
    pub id: At<String>,
    /// `client_secret`, for the methods that use it. For `client_secret_jwt` it has 32 bytes or more (RFC 7518 §3.2).
    #[serde(default = "no_secret")]
    #[cfg_attr(feature = "admin", schema(value_type = String))]
    pub secret: Secret,
    /// How it may authenticate. Default: those that send the secret.
    #[serde(default = "with_secret")]
    #[cfg_attr(feature = "admin", schema(value_type = Vec<AuthMethod>))]
    pub methods: At<Vec<AuthMethod>>,
    /// The public keys that it signs its assertions with (RFC 7517 §5), for `private_key_jwt`; with `x5c` or `x5t#S256`
    /// its own certificates, too, for `self_signed_tls_client_auth`.
    #[serde(default)]
    #[cfg_attr(feature = "admin", schema(value_type = Option<Object>))]
    pub jwks: Option<At<Map<String, Value>>>,
    /// Where those keys are fetched from, on this machine.
    #[serde(default)]
    #[cfg_attr(feature = "admin", schema(value_type = Option<String>))]
    pub jwks_uri: Option<At<String>>,
    /// Its own certificates, in PEM, instead of such keys: for `self_signed_tls_client_auth` (RFC 8705 §2.2).
    #[serde(default)]
    #[cfg_attr(feature = "admin", schema(value_type = Option<String>))]
    pub certificates: Option<At<String>>,
    /// What its certificate says, for `tls_client_auth`; exactly one of these (RFC 8705 §2.1.2): the subject, as in
    /// `CN=worker,O=Example` (RFC 4514),
    #[serde(default)]
    #[cfg_attr(feature = "admin", schema(value_type = Option<String>))]
    pub tls_client_auth_subject_dn: Option<At<String>>,
    /// or a host name,
    #[serde(default)]
    #[cfg_attr(feature = "admin", schema(value_type = Option<String>))]
    pub tls_client_auth_san_dns: Option<At<String>>,
    /// or a URI,
    #[serde(default)]
    #[cfg_attr(feature = "admin", schema(value_type = Option<String>))]
    pub tls_client_auth_san_uri: Option<At<String>>,
    /// or an IP address,
    #[serde(default)]
    #[cfg_attr(feature = "admin", schema(value_type = Option<String>))]
    pub tls_client_auth_san_ip: Option<At<String>>,
    /// or an address of mail.
    #[serde(default)]
    #[cfg_attr(feature = "admin", schema(value_type = Option<String>))]
    pub tls_client_auth_san_email: Option<At<String>>,
    /// Whether its tokens are bound to its certificate (RFC 8705 §3.4). A request without one is refused.
    #[serde(default)]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// Whether its tokens are bound by DPoP in any case (RFC 9449 §5.2). A request without a proof is refused; with one
    /// they are bound even if this is `false`.
    #[serde(default)]
    pub dpop_bound_access_tokens: bool,
    /// What it may ask for. Default: those without a user.
    #[serde(default = "GrantType::without_user")]
    pub grants: Vec<GrantType>,
    /// Scopes that it may have; the default scope of a request that names none.
    #[serde(default)]
    #[cfg_attr(feature = "admin", schema(value_type = Vec<String>))]
    pub scopes: Vec<At<String>>,
    /// `aud` of its access tokens.
    #[serde(default = "audience")]
    pub audience: String,
    /// What its access tokens say besides; 64 KiB at most, as JSON. Opaque ones show it by introspection.
    #[serde(default)]
    #[cfg_attr(feature = "admin", schema(value_type = Object))]
    pub claims: At<Map<String, Value>>,
    /// Whether it is a protected resource that may introspect every token, not only its own.
    #[serde(default)]
    pub resource_server: bool,
    /// Where the answer to an authorization request may go, letter by letter. Of `http://127.0.0.1` and `http://[::1]`
    /// any port will do.
    #[serde(default)]
    #[cfg_attr(feature = "admin", schema(value_type = Vec<String>))]
    pub redirect_uris: Vec<At<String>>,
    /// Where the browser may go after the user signed out, letter by letter.
    #[serde(default)]
    #[cfg_attr(feature = "admin", schema(value_type = Vec<String>))]
    pub post_logout_redirect_uris: Vec<At<String>>,
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

fn with_secret() -> At<Vec<AuthMethod>> {
    AuthMethod::with_secret().into()
}

fn audience() -> String {
    "api".to_owned()
}

/// Why no browser can be sent there and tell the client what was decided (RFC 6749 §3.1.2), if so. Native apps have
/// schemes of their own (RFC 8252 §7.1), which hold a dot.
fn is_no_target(uri: &str) -> Option<Complaint> {
    let complaint = Complaint::new(format!("`{uri}` is no redirect URI"));
    let hint = match url::Url::parse(uri) {
        Err(_) => "it is an absolute URI, as in `https://app.example/callback`",
        Ok(url) if url.fragment().is_some() => "it has no fragment: servers never see one (RFC 6749 §3.1.2)",
        Ok(url) if matches!(url.scheme(), "http" | "https") => match url.host_str() {
            Some(host) if host.contains('*') => "it is compared letter by letter: `*` stands for nothing else",
            _ => return None,
        },
        Ok(url) if url.scheme().contains('.') => return None,
        Ok(_) => "its scheme is `https`, `http`, or an app's own, as in `com.example.app:/callback`",
    };
    Some(complaint.hint(hint))
}

fn values(texts: &[At<String>]) -> Vec<String> {
    texts.iter().map(|text| text.value.clone()).collect()
}

impl ClientSettings {
    /// A client of which nothing but this is said.
    pub(super) fn new(id: &str, secret: Secret) -> Self {
        Self {
            id: id.to_owned().into(),
            secret,
            methods: with_secret(),
            jwks: None,
            jwks_uri: None,
            certificates: None,
            tls_client_auth_subject_dn: None,
            tls_client_auth_san_dns: None,
            tls_client_auth_san_uri: None,
            tls_client_auth_san_ip: None,
            tls_client_auth_san_email: None,
            tls_client_certificate_bound_access_tokens: false,
            dpop_bound_access_tokens: false,
            grants: GrantType::without_user(),
            scopes: Vec::new(),
            audience: audience(),
            claims: At::default(),
            resource_server: false,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            require_pkce: false,
            require_pushed_authorization_requests: false,
            refresh_grant: RefreshGrant::default(),
        }
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        for (at, complaint) in self.complaints() {
            problems.add(at, complaint);
        }
    }

    /// What the model cannot say.
    pub(crate) fn complaints(&self) -> Vec<(Position, Complaint)> {
        let mut complaints = Vec::new();
        complaints.extend(words::no_id(&self.id).map(|complaint| (self.id.at, complaint)));
        complaints.extend(words::no_secret(self.secret.expose()).map(|complaint| (self.id.at, complaint)));
        complaints.extend(self.scopes.iter().filter_map(|scope| Some((scope.at, words::no_scope(scope)?))));
        complaints.extend(self.methods.iter().filter_map(|method| self.lacks(*method)));
        complaints.dedup();
        complaints.extend(self.keys().source().err());
        complaints.extend(self.subject().err());
        complaints.extend(self.extra_claims().err());
        let uris = self.redirect_uris.iter().chain(&self.post_logout_redirect_uris);
        complaints.extend(uris.filter_map(|uri| Some((uri.at, is_no_target(&uri.value)?))));
        complaints
    }

    pub(super) fn keys(&self) -> Keys<'_> {
        Keys { jwks: self.jwks.as_ref(), jwks_uri: self.jwks_uri.as_ref(), certificates: self.certificates.as_ref() }
    }

    fn extra_claims(&self) -> Result<ExtraClaims, (Position, Complaint)> {
        extra_claims(&self.claims)
    }

    /// The client, without what [`ClientSettings::complaints`] has something to say of.
    pub(crate) fn client(&self) -> Client {
        let secret = self.secret.expose();
        let client = Client::new(self.id.value.clone(), secret);
        Client {
            // A client without a secret has none, not an empty one.
            secrets: if secret.is_empty() { Vec::new() } else { client.secrets },
            methods: self.methods.value.clone(),
            keys: self.keys().source().ok().flatten(),
            certificate: self.subject().ok().flatten(),
            certificate_bound: self.tls_client_certificate_bound_access_tokens,
            dpop_bound: self.dpop_bound_access_tokens,
            grants: self.grants.clone(),
            scopes: values(&self.scopes),
            audience: self.audience.clone(),
            claims: self.extra_claims().unwrap_or_default(),
            resource_server: self.resource_server,
            redirect_uris: values(&self.redirect_uris),
            post_logout_redirect_uris: values(&self.post_logout_redirect_uris),
            require_pkce: self.require_pkce,
            require_pushed_authorization_requests: self.require_pushed_authorization_requests,
            refresh_grant: self.refresh_grant,
            ..client
        }
    }
}

/// Claims of access tokens, or what is wrong with them and where.
pub(crate) fn extra_claims(claims: &At<Map<String, Value>>) -> Result<ExtraClaims, (Position, Complaint)> {
    ExtraClaims::new(claims.value.clone()).map_err(|error| {
        let complaint = Complaint::new(error.to_string());
        let complaint = match error {
            ClaimsError::Reserved(_) => complaint.hint("give it another name"),
            ClaimsError::TooLarge { .. } => complaint.hint("leave some of them out, or make them shorter"),
        };
        (claims.at, complaint)
    })
}
