//! Endpoints: one file each.

mod authorize;
mod cookie;
mod device;
mod discovery;
mod end_session;
mod form;
mod interaction;
mod introspect;
mod jwks;
mod metadata;
mod page;
mod par;
mod possession;
mod revoke;
mod token;
mod userinfo;

use std::fmt;
use std::sync::OnceLock;

use http::header::ALLOW;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use form::Form;
pub(crate) use jwks::shuffle;
pub(crate) use userinfo::presented;

use crate::assertion::FetchedKeys;
use crate::client_auth::{self, Credentials};
use crate::config::Listener;
use crate::dialect::{Generation, Refused, Route, Vendor};
use crate::error::{Cause, OAuthError};
use crate::fault::HttpReply;
use crate::store::Store;
use crate::tls::PeerCertificates;
use crate::token::{TokenFacts, TokenId};

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "file", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
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
    /// RFC 6749 §3.1.
    Authorize,
    /// The form of the login and consent page, which no standard knows.
    Interaction,
    /// RFC 9126.
    #[serde(rename = "par")]
    PushedAuthorization,
    /// RFC 8628 §3.1.
    #[serde(rename = "device-authorization")]
    DeviceAuthorization,
    /// The page where a user enters the code of a device (RFC 8628 §3.3).
    Device,
    /// OpenID Connect Core §5.3.
    #[serde(rename = "userinfo")]
    UserInfo,
    /// OpenID Connect RP-Initiated Logout 1.0.
    #[serde(rename = "end-session")]
    EndSession,
    /// Tokens for whoever runs on a machine, without credentials: Google's metadata server, Azure's IMDS.
    Metadata,
    /// Nothing that is served: another path (404), or another method than the endpoint has (405).
    Unknown,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: &'static [Self] = &[
        Self::Token,
        Self::Introspect,
        Self::Revoke,
        Self::Jwks,
        Self::Discovery,
        Self::Authorize,
        Self::Interaction,
        Self::PushedAuthorization,
        Self::DeviceAuthorization,
        Self::Device,
        Self::UserInfo,
        Self::EndSession,
        Self::Unknown,
    ];

    /// Its name in filters and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Introspect => "introspect",
            Self::Revoke => "revoke",
            Self::Jwks => "jwks",
            Self::Discovery => "discovery",
            Self::Authorize => "authorize",
            Self::Interaction => "interaction",
            Self::PushedAuthorization => "par",
            Self::DeviceAuthorization => "device-authorization",
            Self::Device => "device",
            Self::UserInfo => "userinfo",
            Self::EndSession => "end-session",
            Self::Metadata => "metadata",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a GET has its parameters in the query. Of other requests the query is not looked at: it may hold secrets.
    pub(crate) fn reads_query(self) -> bool {
        matches!(self, Self::Authorize | Self::Device | Self::EndSession | Self::Metadata)
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
    /// The form of a POST or the query of a GET, or what is wrong with it.
    pub(crate) form: Result<Form, OAuthError>,
    pub(crate) number: u64,
    /// What the client of the connection has shown, if it is one of TLS.
    pub(crate) peer: Option<PeerCertificates>,
    /// Keys of others that were fetched for this request.
    pub(crate) keys: FetchedKeys,
    /// The client, where a test says who it is instead of the request.
    pub(crate) vouched: Option<String>,
    /// What it says of its client, once somebody has asked. Nobody should ask first who holds the store.
    pub(crate) client: OnceLock<Result<Credentials, OAuthError>>,
}

impl Call {
    /// What it says of its client, in its headers and in `form`, which is its own.
    pub(crate) fn credentials(&self, form: &Form) -> Result<&Credentials, &OAuthError> {
        self.client.get_or_init(|| client_auth::read(&self.headers, form)).as_ref()
    }

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
            peer: None,
            keys: FetchedKeys::new(),
            vouched: None,
            client: OnceLock::new(),
        }
    }

    /// What the client of a refresh token sends to redeem it.
    pub(crate) fn refresh(vendor: &'static dyn Vendor, token: &TokenFacts, number: u64) -> Self {
        let mut form = Form::default();
        form.set("grant_type", "refresh_token");
        form.set("refresh_token", token.value.expose());
        Self {
            vendor,
            endpoint: Endpoint::Token,
            method: Method::POST,
            path: String::new(),
            headers: HeaderMap::new(),
            form: Ok(form),
            number,
            peer: None,
            keys: FetchedKeys::new(),
            vouched: Some(token.client.clone()),
            client: OnceLock::new(),
        }
    }
}

/// A decided reply.
pub(crate) struct Reply {
    pub(crate) http: HttpReply,
    pub(crate) error: Option<String>,
    /// What was wrong with the request, if it was refused.
    pub(crate) cause: Option<Cause>,
    pub(crate) reason: Option<String>,
    pub(crate) issued: Vec<TokenId>,
    late: Option<LateBody>,
}

/// A body that takes its time, as one with a token in it that must be signed first.
type LateBody = Box<dyn FnOnce() -> Value + Send>;

impl Reply {
    /// A reply without anything to say about it.
    pub(crate) fn new(http: HttpReply) -> Self {
        Self { http, error: None, cause: None, reason: None, issued: Vec::new(), late: None }
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
        let reason = error.reason.as_ref().unwrap_or(&error.description).clone();
        Self { error: Some(code), cause: Some(error.cause), reason: Some(reason), ..Self::new(http) }
    }
}

/// Decides a request. All state that it changes is the store's.
pub(crate) fn decide(call: &Call, listener: &Listener, store: &mut Store, now_ms: i64) -> Reply {
    // What is issued here has the shape of the address's generation.
    let listener = &listener.of_generation(call.generation());
    let decided = match call.endpoint {
        Endpoint::Unknown => Ok(Reply::unknown(call)),
        Endpoint::Discovery => Ok(discovery::run(call, listener, store)),
        Endpoint::Authorize => Ok(authorize::run(call, listener, store, now_ms)),
        Endpoint::Interaction => Ok(interaction::run(call, listener, store, now_ms)),
        Endpoint::Device => Ok(device::page(call, listener, store, now_ms)),
        Endpoint::UserInfo => Ok(userinfo::run(call, listener, store, now_ms)),
        Endpoint::EndSession => Ok(end_session::run(call, listener, store, now_ms)),
        Endpoint::PushedAuthorization => form(call).and_then(|form| par::run(call, form, listener, store, now_ms)),
        Endpoint::DeviceAuthorization => {
            form(call).and_then(|form| device::authorize(call, form, listener, store, now_ms))
        }
        Endpoint::Jwks => Ok(jwks::run(call.vendor, store)),
        Endpoint::Token => form(call).and_then(|form| token::run(call, form, listener, store, now_ms)),
        Endpoint::Metadata => form(call).and_then(|form| metadata::run(call, form, listener, store, now_ms)),
        Endpoint::Introspect => form(call).and_then(|form| introspect::run(call, form, listener, store, now_ms)),
        Endpoint::Revoke => form(call).and_then(|form| revoke::run(call, form, listener, store, now_ms)),
    };
    let mut reply = decided.unwrap_or_else(|error| Reply::refusal(call, &error, now_ms));
    store.proofs.dpop.tell(&call.headers, &mut reply.http.headers, now_ms);
    reply
}

fn form(call: &Call) -> Result<&Form, OAuthError> {
    call.form.as_ref().map_err(Clone::clone)?.once()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_one_name_in_files_and_records() {
        for endpoint in Endpoint::ALL {
            assert_eq!(serde_json::to_value(endpoint).expect("a word"), endpoint.name());
        }
    }
}
