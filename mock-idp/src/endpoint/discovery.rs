//! Metadata (OpenID Connect Discovery 1.0 §3, RFC 8414 §2). It claims only what the server can do.

use http::StatusCode;
use serde_json::json;

use super::{Call, Endpoint, Reply};
use crate::config::Listener;
use crate::grant;

/// The names of endpoints' addresses.
const ENDPOINTS: &[(&str, Endpoint)] = &[
    ("token_endpoint", Endpoint::Token),
    ("jwks_uri", Endpoint::Jwks),
    ("introspection_endpoint", Endpoint::Introspect),
    ("revocation_endpoint", Endpoint::Revoke),
];

pub(super) fn run(call: &Call, listener: &Listener) -> Reply {
    let (vendor, generation) = (call.vendor, listener.generation);
    let methods = json!(["client_secret_basic", "client_secret_post"]);
    let grants: Vec<&str> = grant::ALL.iter().map(|(name, ..)| *name).collect();
    let mut body = json!({
        "issuer": vendor.stated_issuer(&call.path, vendor.issuer_of(generation, &listener.origin)),
        "grant_types_supported": grants,
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
    });
    for (name, endpoint) in ENDPOINTS {
        if let Some(url) = vendor.url_of(generation, *endpoint, &listener.origin) {
            body[*name] = url.into();
        }
    }
    Reply::json(StatusCode::OK, &body)
}
