//! The token endpoint (RFC 6749 §3.2).

use http::StatusCode;
use serde_json::json;

use super::{Call, Form, Reply};
use crate::client_auth;
use crate::config::Listener;
use crate::error::OAuthError;
use crate::grant;
use crate::store::Store;

pub(super) fn run(
    call: &Call,
    form: &Form,
    listener: &Listener,
    store: &mut Store,
    now_ms: i64,
) -> Result<Reply, OAuthError> {
    let credentials = client_auth::read(&call.headers, form)?;
    let client = client_auth::check(&credentials, store)?.clone();
    store.check_tenant()?;
    let asked = form.get("grant_type").ok_or_else(|| OAuthError::new("invalid_request", "grant_type is missing"))?;
    let (_, kind, run) = grant::ALL
        .iter()
        .find(|(name, ..)| *name == asked)
        .ok_or_else(|| OAuthError::new("unsupported_grant_type", "this grant type is not supported"))?;
    if !client.grants.contains(kind) {
        return Err(OAuthError::new("unauthorized_client", "the client may not use this grant type"));
    }
    let context = grant::Context { store, listener, client: &client, form, request: call.number, now_ms };
    let granted = run(context)?;

    let lifetime = (granted.access.expires_at_ms - now_ms.div_euclid(1000) * 1000) / 1000;
    let stated = store.stated_lifetime.map_or(lifetime, |stated| i64::try_from(stated.as_secs()).unwrap_or(i64::MAX));
    let mut body = json!({
        "access_token": granted.access.value.expose(),
        "token_type": "Bearer",
        "expires_in": stated,
    });
    // RFC 6749 §3.3: a scope has at least one token in it.
    if !granted.access.scopes.is_empty() {
        body["scope"] = granted.access.scopes.join(" ").into();
    }
    let mut issued = vec![granted.access.id];
    if let Some(refresh) = &granted.refresh {
        body["refresh_token"] = refresh.value.expose().into();
        issued.push(refresh.id);
    }
    Ok(Reply { issued, ..Reply::json(StatusCode::OK, &body).uncached() })
}
