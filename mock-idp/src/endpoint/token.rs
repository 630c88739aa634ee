//! The token endpoint (RFC 6749 §3.2).

use std::iter;

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Form, Reply};
use crate::client_auth;
use crate::config::Listener;
use crate::error::{Cause, OAuthError};
use crate::grant;
use crate::id_token::{self, Unsigned};
use crate::store::{Granted, Store};
use crate::token::TokenFacts;

pub(super) fn run(
    call: &Call,
    form: &Form,
    listener: &Listener,
    store: &mut Store,
    now_ms: i64,
) -> Result<Reply, OAuthError> {
    let credentials = client_auth::read(&call.headers, form)?;
    let client = client_auth::check(&credentials, store)?;
    store.check_tenant()?;
    let asked =
        form.get("grant_type").ok_or_else(|| OAuthError::new(Cause::MalformedRequest, "grant_type is missing"))?;
    let (_, kind, run) = grant::ALL
        .iter()
        .find(|(name, ..)| *name == asked)
        .ok_or_else(|| OAuthError::new(Cause::UnknownGrant, "this grant type is not supported"))?;
    if !client.grants.contains(kind) {
        return Err(OAuthError::new(Cause::GrantNotAllowed, "the client may not use this grant type"));
    }
    let context = grant::Context { store, listener, client: &client, form, request: call.number, now_ms };
    let granted = run(context)?;

    let lifetime = (granted.access.expires_at_ms - now_ms.div_euclid(1000) * 1000) / 1000;
    let stated = store.stated_lifetime.map_or(lifetime, |stated| i64::try_from(stated.as_secs()).unwrap_or(i64::MAX));
    let id_token = id_token::prepare(store, listener, &granted, now_ms);
    let Granted { access, refresh } = granted;
    let issued = iter::once(&access).chain(&refresh).map(|token| token.id).collect();
    let reply = Reply::late_json(StatusCode::OK, move || body(&access, refresh.as_ref(), id_token, stated));
    Ok(Reply { issued, ..reply.uncached() })
}

/// RFC 6749 §5.1.
fn body(access: &TokenFacts, refresh: Option<&TokenFacts>, id_token: Option<Unsigned>, expires_in: i64) -> Value {
    let mut body = json!({
        "access_token": access.value.expose(),
        "token_type": "Bearer",
        "expires_in": expires_in,
    });
    // RFC 6749 §3.3: a scope has at least one token in it.
    if !access.scopes.is_empty() {
        body["scope"] = access.scopes.join(" ").into();
    }
    if let Some(id_token) = id_token {
        body["id_token"] = id_token.sign(&access.value).into();
    }
    if let Some(refresh) = refresh {
        body["refresh_token"] = refresh.value.expose().into();
    }
    body
}
