//! Metadata (OpenID Connect Discovery 1.0 §3, RFC 8414 §2). It claims only what the server can do.

use http::StatusCode;
use serde_json::json;

use super::{Endpoint, Reply};
use crate::config::{AuthMethod, Listener};
use crate::dialect::Vendor;
use crate::grant;

/// The names of endpoints' addresses.
const ENDPOINTS: &[(&str, Endpoint)] = &[
    ("token_endpoint", Endpoint::Token),
    ("jwks_uri", Endpoint::Jwks),
    ("introspection_endpoint", Endpoint::Introspect),
    ("revocation_endpoint", Endpoint::Revoke),
];

pub(super) fn run(vendor: &dyn Vendor, listener: &Listener) -> Reply {
    // A certificate can only be shown where there is TLS.
    let tls = listener.origin.starts_with("https:");
    let methods = AuthMethod::ALL.iter().filter(|method| tls || !method.is_certificate());
    let methods: Vec<&str> = methods.map(|method| method.name()).collect();
    // RFC 7662 §2.1: whoever introspects proves itself.
    let proofs: Vec<&&str> = methods.iter().filter(|name| **name != AuthMethod::None.name()).collect();
    let asymmetric = crate::assertion::ASYMMETRIC;
    let algorithms: Vec<&str> = asymmetric.iter().chain(crate::assertion::SYMMETRIC).copied().collect();
    let grants: Vec<&str> = grant::ALL.iter().map(|(name, ..)| *name).collect();
    let mut body = json!({
        "issuer": vendor.issuer(&listener.origin),
        "grant_types_supported": grants,
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": proofs,
        "revocation_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": asymmetric,
        "tls_client_certificate_bound_access_tokens": tls,
    });
    for (name, endpoint) in ENDPOINTS {
        if let Some(url) = vendor.url(*endpoint, &listener.origin) {
            body[*name] = url.into();
        }
    }
    Reply::json(StatusCode::OK, &body)
}
