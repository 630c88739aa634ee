//! Endpoints: one file each.

mod discovery;
mod form;
mod introspect;
mod jwks;
mod revoke;
mod token;

use std::fmt;

use http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, PRAGMA, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use form::Form;

use crate::client_auth;
use crate::config::{AuthMethod, Client, Listener};
use crate::error::OAuthError;
use crate::fault::HttpReply;
use crate::secret::Secret;
use crate::store::Store;
use crate::token::TokenId;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// RFC 6749 §3.2.
    Token,
    /// RFC 7662.
    Introspect,
    /// RFC 7009.
    Revoke,
    /// RFC 7517 §5.
    Jwks,
    /// OpenID Connect Discovery 1.0 and RFC 8414.
    Discovery,
    /// Nothing that is served: another path (404), or another method than the endpoint has (405).
    Unknown,
}

impl Endpoint {
    /// Its name in filters and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Introspect => "introspect",
            Self::Revoke => "revoke",
            Self::Jwks => "jwks",
            Self::Discovery => "discovery",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

const TOKEN: &str = "/oauth2/token";
const INTROSPECT: &str = "/oauth2/introspect";
const REVOKE: &str = "/oauth2/revoke";
const JWKS: &str = "/oauth2/jwks";
const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
const SERVER_METADATA: &str = "/.well-known/oauth-authorization-server";

/// Every path, with the one method that it has.
const PATHS: &[(&str, Method, Endpoint)] = &[
    (TOKEN, Method::POST, Endpoint::Token),
    (INTROSPECT, Method::POST, Endpoint::Introspect),
    (REVOKE, Method::POST, Endpoint::Revoke),
    (JWKS, Method::GET, Endpoint::Jwks),
    (OPENID_CONFIGURATION, Method::GET, Endpoint::Discovery),
    (SERVER_METADATA, Method::GET, Endpoint::Discovery),
];

/// What a request is for. What GET does, HEAD does without a body (RFC 9110 §9.3.2).
pub(crate) fn at(method: &Method, path: &str) -> Endpoint {
    let found = PATHS.iter().find(|(known, allowed, _)| {
        *known == path && (allowed == method || (method == Method::HEAD && allowed == Method::GET))
    });
    found.map_or(Endpoint::Unknown, |(.., endpoint)| *endpoint)
}

/// The paths of what describes the provider and changes nothing: the same for whoever asks.
pub(crate) fn documents() -> impl Iterator<Item = (&'static str, Endpoint)> {
    let described = PATHS.iter().filter(|(.., endpoint)| matches!(endpoint, Endpoint::Jwks | Endpoint::Discovery));
    described.map(|(path, _, endpoint)| (*path, *endpoint))
}

/// A request, parsed.
pub(crate) struct Call {
    pub(crate) endpoint: Endpoint,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// The form of a POST, or what is wrong with it.
    pub(crate) form: Result<Form, OAuthError>,
    pub(crate) number: u64,
}

impl Call {
    /// What anybody sends to read a document.
    pub(crate) fn document(path: &str, endpoint: Endpoint) -> Self {
        Self { endpoint, path: path.to_owned(), headers: HeaderMap::new(), form: Ok(Form::default()), number: 0 }
    }

    /// What `client` sends to redeem a refresh token.
    pub(crate) fn refresh(client: &Client, token: &Secret, number: u64) -> Self {
        let mut form = Form::default();
        let mut set = |name: &str, value: &str| form.set(name, value);
        set("grant_type", "refresh_token");
        set("refresh_token", token.expose());
        let mut headers = HeaderMap::new();
        if client.methods.contains(&AuthMethod::Post) {
            set("client_id", &client.id);
            set("client_secret", client.secret.expose());
        } else if let Some(value) = client_auth::basic_header(&client.id, client.secret.expose()) {
            headers.insert(AUTHORIZATION, value);
        }
        Self { endpoint: Endpoint::Token, path: TOKEN.to_owned(), headers, form: Ok(form), number }
    }
}

/// A decided reply.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) http: HttpReply,
    pub(crate) error: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) issued: Vec<TokenId>,
}

impl Reply {
    /// A reply that was made before.
    pub(crate) fn again(http: HttpReply, reason: &str) -> Self {
        Self { http, error: None, reason: Some(reason.to_owned()), issued: Vec::new() }
    }

    fn json(status: StatusCode, body: &Value) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let http = HttpReply { status, headers, body: body.to_string().into() };
        Self { http, error: None, reason: None, issued: Vec::new() }
    }

    /// 404, or 405 with the method that the path has (RFC 9110 §15.5.6).
    fn unknown(path: &str) -> Self {
        let methods: Vec<&str> =
            PATHS.iter().filter(|(known, ..)| *known == path).map(|(_, m, _)| m.as_str()).collect();
        let (status, reason) = match methods.is_empty() {
            true => (StatusCode::NOT_FOUND, "nothing is served at this path"),
            false => (StatusCode::METHOD_NOT_ALLOWED, "this path has another method"),
        };
        let mut http = HttpReply::new(status);
        if let Ok(methods) = HeaderValue::try_from(methods.join(", "))
            && status == StatusCode::METHOD_NOT_ALLOWED
        {
            http.headers.insert(ALLOW, methods);
        }
        Self { http, error: None, reason: Some(reason.to_owned()), issued: Vec::new() }
    }

    /// RFC 6749 §5.1: what holds tokens or credentials is never cached.
    fn uncached(mut self) -> Self {
        self.http.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.http.headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        self
    }

    fn refusal(error: &OAuthError) -> Self {
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
        let body = json!({"error": error.code, "error_description": error.description});
        let mut reply = Self::json(status, &body).uncached();
        // RFC 9110 §15.5.2: every 401 names a scheme, not only where RFC 6749 §5.2 says so once more.
        if status == StatusCode::UNAUTHORIZED {
            reply.http.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="mock-idp""#));
        }
        reply.error = Some(error.code.to_owned());
        reply.reason = Some(error.description.clone());
        reply
    }
}

/// Decides a request. All state that it changes is the store's.
pub(crate) fn decide(call: &Call, listener: &Listener, store: &mut Store, now_ms: i64) -> Reply {
    let decided = match call.endpoint {
        Endpoint::Unknown => Ok(Reply::unknown(&call.path)),
        Endpoint::Discovery => Ok(discovery::run(listener)),
        Endpoint::Jwks => Ok(jwks::run(store)),
        Endpoint::Token => form(call).and_then(|form| token::run(call, form, listener, store, now_ms)),
        Endpoint::Introspect => form(call).and_then(|form| introspect::run(call, form, store, now_ms)),
        Endpoint::Revoke => form(call).and_then(|form| revoke::run(call, form, store, now_ms)),
    };
    decided.unwrap_or_else(|error| Reply::refusal(&error))
}

fn form(call: &Call) -> Result<&Form, OAuthError> {
    call.form.as_ref().map_err(Clone::clone)
}
