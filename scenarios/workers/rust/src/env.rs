//! The settings, read from a key-to-string lookup, so that tests need not touch the process environment.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::secret::Secret;

/// How the client proves who it is at the token endpoint (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
}

/// Where tokens come from.
#[derive(Clone, Debug)]
pub enum TokenEndpoint {
    /// `OAUTH_TOKEN_URL`: the endpoint itself.
    Url(Url),
    /// `OAUTH_ISSUER`: found by discovery (OpenID Connect Discovery 1.0 §4, RFC 8414) before the first grant.
    Issuer(Url),
}

/// What the token source needs to know; usable without Temporal.
#[derive(Clone, Debug)]
pub struct OAuth {
    /// `OAUTH_TOKEN_URL`, or else `OAUTH_ISSUER`.
    pub endpoint: TokenEndpoint,
    /// `OAUTH_CLIENT_ID`.
    pub client_id: String,
    /// `OAUTH_CLIENT_SECRET`.
    pub client_secret: Secret,
    /// `OAUTH_CLIENT_AUTH`: `client_secret_basic` (default) or `client_secret_post`.
    pub client_auth: ClientAuth,
    /// `OAUTH_SCOPES`, separated by spaces or commas.
    pub scopes: Vec<String>,
    /// `OAUTH_AUDIENCE`: which API tokens are for, where the identity provider asks for that (Auth0).
    pub audience: Option<String>,
    /// `OAUTH_REFRESH_TOKEN_FILE`: present means grant `refresh_token`, else `client_credentials`.
    pub refresh_token_file: Option<PathBuf>,
}

/// All settings of the worker.
#[derive(Clone, Debug)]
pub struct Env {
    /// `TEMPORAL_ADDRESS` as `host:port`.
    pub temporal_address: String,
    /// `TEMPORAL_NAMESPACE`, `default` if absent.
    pub temporal_namespace: String,
    /// `TEMPORAL_API_KEY`: bearer for the Temporal frontend.
    pub temporal_api_key: Option<Secret>,
    /// `TEMPORAL_API_KEY_FILE`: where that bearer lies instead, and is read again while the worker runs.
    pub temporal_api_key_file: Option<PathBuf>,
    /// `TEMPORAL_TLS`: `true` or `false`; by default TLS is used if there is an API key and the host is not this machine.
    pub temporal_tls: bool,
    /// The OAuth client.
    pub oauth: OAuth,
    /// `API_URL`: the protected API.
    pub api_url: Url,
    /// `TASK_QUEUE`.
    pub task_queue: String,
    /// `HTTP_TIMEOUT_MS`: the longest that one HTTP request may take; default 5 s, less than an activity's own timeout.
    pub http_timeout: Duration,
    /// `DEFECT`: the known mistake to make (feature `defects`); absent or empty is the correct worker.
    pub defect: Option<String>,
    /// `OAUTH_OTHER_CLIENT_ID` and `OAUTH_OTHER_CLIENT_SECRET`: somebody else's client, which only a defect uses.
    #[cfg(feature = "defects")]
    pub other_client: Option<(String, Secret)>,
}

/// A setting that is missing or wrong. The value is not shown: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvError {
    /// The variable is not set, or is empty.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// The variable's value cannot be used.
    #[error("{name} is not {expected}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What was expected.
        expected: &'static str,
    },
}

impl Env {
    /// Reads the process environment.
    ///
    /// # Errors
    /// If a variable is missing or wrong.
    pub fn from_process() -> Result<Self, EnvError> {
        Self::from_lookup(|key| std::env::var(key).ok())
    }

    /// Reads the settings through `lookup`; an empty string is the same as none.
    ///
    /// # Errors
    /// If a setting is missing or wrong.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, EnvError> {
        let optional = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let required = |name| optional(name).ok_or(EnvError::Missing(name));
        let url = |name, value: String| Url::parse(&value).map_err(|_| EnvError::Invalid { name, expected: "a URL" });

        let endpoint = match optional("OAUTH_TOKEN_URL") {
            Some(value) => TokenEndpoint::Url(url("OAUTH_TOKEN_URL", value)?),
            None => TokenEndpoint::Issuer(url("OAUTH_ISSUER", required("OAUTH_ISSUER")?)?),
        };
        let client_auth = match optional("OAUTH_CLIENT_AUTH").as_deref() {
            None | Some("client_secret_basic") => ClientAuth::Basic,
            Some("client_secret_post") => ClientAuth::Post,
            Some(_) => {
                return Err(EnvError::Invalid {
                    name: "OAUTH_CLIENT_AUTH",
                    expected: "client_secret_basic or client_secret_post",
                });
            }
        };
        let http_timeout = match optional("HTTP_TIMEOUT_MS") {
            None => Duration::from_secs(5),
            Some(value) => value.parse().map(Duration::from_millis).map_err(|_| EnvError::Invalid {
                name: "HTTP_TIMEOUT_MS",
                expected: "a whole number of milliseconds",
            })?,
        };
        let temporal_address = required("TEMPORAL_ADDRESS")?;
        // A key read from a file often ends in a newline, and the SDK silently drops a key that is no header (FM-51).
        let temporal_api_key = optional("TEMPORAL_API_KEY").map(|key| Secret::new(key.trim().to_owned()));
        let temporal_api_key_file = optional("TEMPORAL_API_KEY_FILE").map(PathBuf::from);
        let has_key = temporal_api_key.is_some() || temporal_api_key_file.is_some();
        let temporal_tls = match optional("TEMPORAL_TLS").as_deref() {
            Some("true") => true,
            Some("false") => false,
            None => has_key && !is_this_machine(&temporal_address),
            Some(_) => {
                return Err(EnvError::Invalid { name: "TEMPORAL_TLS", expected: "true or false" });
            }
        };

        Ok(Self {
            temporal_address,
            temporal_namespace: optional("TEMPORAL_NAMESPACE").unwrap_or_else(|| "default".into()),
            temporal_api_key,
            temporal_api_key_file,
            temporal_tls,
            oauth: OAuth {
                endpoint,
                client_id: required("OAUTH_CLIENT_ID")?,
                client_secret: Secret::new(required("OAUTH_CLIENT_SECRET")?),
                client_auth,
                scopes: optional("OAUTH_SCOPES")
                    .unwrap_or_default()
                    .split([' ', ','])
                    .filter(|scope| !scope.is_empty())
                    .map(str::to_owned)
                    .collect(),
                audience: optional("OAUTH_AUDIENCE"),
                refresh_token_file: optional("OAUTH_REFRESH_TOKEN_FILE").map(PathBuf::from),
            },
            api_url: url("API_URL", required("API_URL")?)?,
            task_queue: required("TASK_QUEUE")?,
            http_timeout,
            defect: optional("DEFECT"),
            #[cfg(feature = "defects")]
            other_client: optional("OAUTH_OTHER_CLIENT_ID")
                .zip(optional("OAUTH_OTHER_CLIENT_SECRET"))
                .map(|(id, secret)| (id, Secret::new(secret))),
        })
    }
}

fn is_this_machine(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host == "localhost" || host.starts_with("127.") || host == "[::1]"
}
