//! Endpoints: one file each.

mod discovery;
mod form;
mod introspect;
mod jwks;
mod metadata;
mod revoke;
mod token;

use std::fmt;

use http::header::{ALLOW, AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use form::Form;

use crate::client_auth;
use crate::config::{AuthMethod, Client, Listener};
use crate::dialect::{Generation, Refused, Route, Vendor};
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
    /// Tokens for whoever runs on a machine, without credentials: Google's metadata server, Azure's IMDS.
    Metadata,
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
            Self::Metadata => "metadata",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a request is for.
pub(crate) fn at(vendor: &dyn Vendor, method: &Method, path: &str) -> Endpoint {
    vendor.route(method, path).map_or(Endpoint::Unknown, |route| route.endpoint)
}

/// What describes the provider and changes nothing: the same for whoever asks.
pub(crate) fn documents(vendor: &dyn Vendor) -> impl Iterator<Item = &'static Route> {
    let describes = |route: &&Route| matches!(route.endpoint, Endpoint::Jwks | Endpoint::Discovery);
    vendor.routes().iter().filter(describes)
}

/// A request, parsed.
pub(crate) struct Call {
    pub(crate) vendor: &'static dyn Vendor,
    pub(crate) endpoint: Endpoint,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// The form of a POST, or the query of a GET, or what is wrong with it.
    pub(crate) form: Result<Form, OAuthError>,
    pub(crate) number: u64,
}

impl Call {
    /// To which of its vendor's generations it speaks.
    pub(crate) fn generation(&self) -> Generation {
        self.vendor.route(&self.method, &self.path).map_or_else(Generation::default, |route| route.generation)
    }

    /// What anybody sends to read a document.
    pub(crate) fn document(vendor: &'static dyn Vendor, route: &Route) -> Self {
        Self {
            vendor,
            endpoint: route.endpoint,
            method: route.method.clone(),
            path: route.path.to_owned(),
            headers: HeaderMap::new(),
            form: Ok(Form::default()),
            number: 0,
        }
    }

    /// What `client` sends to redeem a refresh token.
    pub(crate) fn refresh(vendor: &'static dyn Vendor, client: &Client, token: &Secret, number: u64) -> Self {
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
        Self {
            vendor,
            endpoint: Endpoint::Token,
            method: Method::POST,
            path: String::new(),
            headers,
            form: Ok(form),
            number,
        }
    }
}

/// A decided reply.
pub(crate) struct Reply {
    pub(crate) http: HttpReply,
    pub(crate) error: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) issued: Vec<TokenId>,
    late: Option<LateBody>,
}

/// A body that takes its time, as one with a token in it that must be signed first.
type LateBody = Box<dyn FnOnce() -> Value + Send>;

impl Reply {
    /// A reply without anything to say about it.
    pub(crate) fn new(http: HttpReply) -> Self {
        Self { http, error: None, reason: None, issued: Vec::new(), late: None }
    }

    /// A reply that was made before.
    pub(crate) fn again(http: HttpReply, reason: &str) -> Self {
        Self { reason: Some(reason.to_owned()), ..Self::new(http) }
    }

    /// A reply whose JSON body is made after the decision, outside of the store's lock.
    fn late_json(status: StatusCode, body: impl FnOnce() -> Value + Send + 'static) -> Self {
        Self { late: Some(Box::new(body)), ..Self::json(status, &Value::Null) }
    }

    /// Makes a body that was left for later. Takes no lock of the store, and is not to be called under it.
    pub(crate) fn finish(&mut self) {
        if let Some(body) = self.late.take() {
            self.http.body = body().to_string().into();
        }
    }

    fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(HttpReply::json(status, body))
    }

    /// 404, or 405 with the methods that the path has (RFC 9110 §15.5.6).
    fn unknown(call: &Call) -> Self {
        let routes = call.vendor.routes().iter();
        let methods: Vec<&str> =
            routes.filter(|route| route.leads_to(&call.path)).map(|route| route.method.as_str()).collect();
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
        Self { reason: Some(reason.to_owned()), ..Self::new(http) }
    }

    fn uncached(self) -> Self {
        Self { http: self.http.uncached(), ..self }
    }

    fn refusal(call: &Call, error: &OAuthError, now_ms: i64) -> Self {
        let http = call.vendor.refusal(error, &Refused { endpoint: call.endpoint, number: call.number, now_ms });
        // What the client is told: a dialect may have another word for it.
        let said = serde_json::from_slice::<Value>(&http.body).unwrap_or_default();
        let code = said["error"].as_str().unwrap_or(error.cause.code()).to_owned();
        Self { error: Some(code), reason: Some(error.description.clone()), ..Self::new(http) }
    }
}

/// Decides a request. All state that it changes is the store's.
pub(crate) fn decide(call: &Call, listener: &Listener, store: &mut Store, now_ms: i64) -> Reply {
    // What is issued here has the shape of the address's generation.
    let listener = &listener.of_generation(call.generation());
    let decided = match call.endpoint {
        Endpoint::Unknown => Ok(Reply::unknown(call)),
        Endpoint::Discovery => Ok(discovery::run(call, listener)),
        Endpoint::Jwks => Ok(jwks::run(call.vendor, store)),
        Endpoint::Token => form(call).and_then(|form| token::run(call, form, listener, store, now_ms)),
        Endpoint::Metadata => form(call).and_then(|form| metadata::run(call, form, listener, store, now_ms)),
        Endpoint::Introspect => form(call).and_then(|form| introspect::run(call, form, store, now_ms)),
        Endpoint::Revoke => form(call).and_then(|form| revoke::run(call, form, store, now_ms)),
    };
    decided.unwrap_or_else(|error| Reply::refusal(call, &error, now_ms))
}

fn form(call: &Call) -> Result<&Form, OAuthError> {
    call.form.as_ref().map_err(Clone::clone)
}
