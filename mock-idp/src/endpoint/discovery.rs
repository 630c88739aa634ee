//! Metadata (OpenID Connect Discovery 1.0 §3, RFC 8414 §2). It claims only what the server can do.

use http::StatusCode;
use serde_json::json;

use super::{INTROSPECT, JWKS, REVOKE, Reply, TOKEN};
use crate::config::Listener;
use crate::grant;

pub(super) fn run(listener: &Listener) -> Reply {
    let at = |path: &str| format!("{}{path}", listener.issuer);
    let methods = json!(["client_secret_basic", "client_secret_post"]);
    let grants: Vec<&str> = grant::ALL.iter().map(|(name, ..)| *name).collect();
    let body = json!({
        "issuer": listener.issuer,
        "token_endpoint": at(TOKEN),
        "jwks_uri": at(JWKS),
        "introspection_endpoint": at(INTROSPECT),
        "revocation_endpoint": at(REVOKE),
        "grant_types_supported": grants,
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
    });
    Reply::json(StatusCode::OK, &body)
}
