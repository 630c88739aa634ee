//! Metadata (OpenID Connect Discovery 1.0 §3, RFC 8414 §2). It claims only what the server can do.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Endpoint, Reply};
use crate::config::{AuthMethod, GrantType, Listener};
use crate::grant;
use crate::store::Store;

/// The names of endpoints' addresses.
const ENDPOINTS: &[(&str, Endpoint)] = &[
    ("token_endpoint", Endpoint::Token),
    ("jwks_uri", Endpoint::Jwks),
    ("introspection_endpoint", Endpoint::Introspect),
    ("revocation_endpoint", Endpoint::Revoke),
    ("authorization_endpoint", Endpoint::Authorize),
    ("pushed_authorization_request_endpoint", Endpoint::PushedAuthorization),
    ("device_authorization_endpoint", Endpoint::DeviceAuthorization),
    ("userinfo_endpoint", Endpoint::UserInfo),
    ("end_session_endpoint", Endpoint::EndSession),
];

/// Claims of ID tokens.
const CLAIMS: &[&str] =
    &["iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "sid", "acr", "amr", "at_hash"];

pub(super) fn run(call: &Call, listener: &Listener, store: &Store) -> Reply {
    let (vendor, generation) = (call.vendor, listener.generation);
    // A certificate can only be shown where there is TLS.
    let tls = listener.origin.starts_with("https:");
    let methods = AuthMethod::ALL.iter().filter(|method| tls || !method.is_certificate());
    let methods: Vec<&str> = methods.map(|method| method.name()).collect();
    // RFC 7662 §2.1: whoever introspects proves itself.
    let proofs: Vec<&&str> = methods.iter().filter(|name| **name != AuthMethod::None.name()).collect();
    let asymmetric = crate::assertion::ASYMMETRIC;
    let algorithms: Vec<&str> = asymmetric.iter().chain(crate::assertion::SYMMETRIC).copied().collect();
    let served = |endpoint| vendor.url_of(generation, endpoint, &listener.origin);
    let users = served(Endpoint::Authorize).is_some();
    let grants = grant::ALL.iter().filter(|(_, kind, _)| match kind {
        GrantType::AuthorizationCode => users,
        GrantType::DeviceCode => served(Endpoint::DeviceAuthorization).is_some(),
        _ => true,
    });
    let grants: Vec<&str> = grants.map(|(name, ..)| *name).collect();
    let mut body = json!({
        "issuer": vendor.stated_issuer(&call.path, vendor.issuer_of(generation, &listener.origin)),
        "grant_types_supported": grants,
        // RFC 8414 §2 wants it; where no user signs in, the list is empty.
        "response_types_supported": if users { json!(["code"]) } else { json!([]) },
        "subject_types_supported": ["public"],
        "scopes_supported": scopes(store),
        "id_token_signing_alg_values_supported": [store.id_token_key().algorithm().name()],
        "dpop_signing_alg_values_supported": asymmetric,
        "tls_client_certificate_bound_access_tokens": tls,
    });
    for (name, methods, endpoint) in [
        ("token", json!(methods), Endpoint::Token),
        ("introspection", json!(proofs), Endpoint::Introspect),
        ("revocation", json!(methods), Endpoint::Revoke),
    ] {
        if served(endpoint).is_some() {
            body[format!("{name}_endpoint_auth_methods_supported")] = methods;
            body[format!("{name}_endpoint_auth_signing_alg_values_supported")] = json!(algorithms);
        }
    }
    if users {
        let of_users = json!({
            "response_modes_supported": ["query"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            "claims_parameter_supported": false,
            "require_pushed_authorization_requests": false,
            "acr_values_supported": ["0", "1"],
            "claims_supported": claims(store),
        });
        for (name, value) in of_users.as_object().into_iter().flatten() {
            body[name.as_str()] = value.clone();
        }
    }
    for (name, endpoint) in ENDPOINTS {
        if let Some(url) = served(*endpoint) {
            body[*name] = url.into();
        }
    }
    let mut reply = Reply::json(StatusCode::OK, &body);
    store.caching.discovery.apply(&mut reply.http.headers);
    reply
}

/// What some client may ask for.
fn scopes(store: &Store) -> Value {
    let of_clients = store.clients.values().flat_map(|registered| registered.client.scopes.iter());
    // OpenID Connect Discovery §3: openid is always among them.
    let all: BTreeSet<&str> = of_clients.map(String::as_str).chain(["openid"]).collect();
    json!(all)
}

/// What ID tokens say, and what is told of some user.
fn claims(store: &Store) -> Value {
    let scopes = ["profile", "email", "address", "phone"].map(str::to_owned);
    let of_users = store.logins.users().iter().flat_map(|user| user.told(&scopes)).map(|(name, _)| name);
    let all: BTreeSet<String> = of_users.chain(CLAIMS.iter().map(|name| (*name).to_owned())).collect();
    json!(all)
}
