//! The token endpoint (RFC 6749 §3.2).

use std::iter;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value};

use super::{Call, Form, Reply};
use crate::client_auth;
use crate::config::Listener;
use crate::dialect::{Asked, Generation, Success, Vendor, in_their_form, set};
use crate::error::{Cause, OAuthError};
use crate::grant;
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
    let asked =
        form.get("grant_type").ok_or_else(|| OAuthError::new(Cause::MalformedRequest, "grant_type is missing"))?;
    let (_, kind, run) = grant::ALL
        .iter()
        .find(|(name, ..)| *name == asked)
        .ok_or_else(|| OAuthError::new(Cause::UnknownGrant, "this grant type is not supported"))?;
    if !client.grants.contains(kind) {
        return Err(OAuthError::new(Cause::GrantNotAllowed, "the client may not use this grant type"));
    }
    let to = Asked { client: &client, grant: asked, generation: listener.generation, store };
    let form = &*call.vendor.standard(form, &to)?;
    let context = grant::Context { store, listener, client: &client, form, request: call.number, now_ms };
    let granted = run(context)?;

    Ok(success(call.vendor, listener.generation, granted, store.stated_lifetime, now_ms))
}

/// The answer with tokens (RFC 6749 §5.1), as the vendor gives it.
pub(super) fn success(
    vendor: &'static dyn Vendor,
    generation: Generation,
    granted: Granted,
    stated: Option<Duration>,
    now_ms: i64,
) -> Reply {
    let now_s = now_ms.div_euclid(1000);
    let left_s = |token: &TokenFacts| token.expires_at_ms / 1000 - now_s;
    let Granted { access, refresh } = granted;
    let expires_in = stated.map_or(left_s(&access), |stated| i64::try_from(stated.as_secs()).unwrap_or(i64::MAX));
    let refresh_expires_in = refresh.as_ref().map(left_s);
    let issued = iter::once(&access).chain(&refresh).map(|token| token.id).collect();
    let reply = Reply::late_json(StatusCode::OK, move || {
        let of = Success {
            generation,
            expires_in,
            expires_at_s: now_s.saturating_add(expires_in),
            audience: &access.audience,
            has_user: access.subject != access.client,
            refresh_expires_in,
            family: access.family,
        };
        body(vendor, &of, &access, refresh.as_ref())
    });
    let mut reply = Reply { issued, ..reply.uncached() };
    set(&mut reply.http.headers, vendor.success_headers(generation));
    reply
}

fn body(vendor: &dyn Vendor, of: &Success<'_>, access: &TokenFacts, refresh: Option<&TokenFacts>) -> Value {
    let mut body = Map::new();
    body.insert("access_token".into(), access.value.expose().into());
    body.insert("token_type".into(), "Bearer".into());
    body.insert("expires_in".into(), of.expires_in.into());
    // RFC 6749 §3.3: a scope has at least one token in it.
    if !access.scopes.is_empty() {
        body.insert("scope".into(), access.scopes.join(" ").into());
    }
    if let Some(refresh) = refresh {
        body.insert("refresh_token".into(), refresh.value.expose().into());
    }
    vendor.success(of, &mut body);
    in_their_form(vendor, of.generation, &mut body);
    body.into()
}
