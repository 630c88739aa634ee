//! The token endpoint (RFC 6749 §3.2).

use std::time::Duration;

use http::StatusCode;

use super::{Call, Form, Reply, possession};
use crate::client_auth;
use crate::config::Listener;
use crate::dialect::{Asked, Generation, Success, Vendor, in_their_form, set};
use crate::error::{Cause, OAuthError};
use crate::grant::{self, Answer};
use crate::id_token;
use crate::store::{Granted, Store};
use crate::token::TokenFacts;

pub(super) fn run(
    call: &Call,
    form: &Form,
    listener: &Listener,
    store: &mut Store,
    now_ms: i64,
) -> Result<Reply, OAuthError> {
    let authenticated = client_auth::authenticate(call, form, listener, store, now_ms)?;
    let client = &authenticated.client;
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
    if authenticated.is_public() && !kind.allows_public_clients() {
        return Err(OAuthError::new(Cause::GrantNotAllowed, "a public client may not use this grant type"));
    }
    let to = Asked { client, grant: asked, generation: listener.generation, store };
    let form = &*call.vendor.standard(form, &to)?;
    let proved = possession::proved(call, &authenticated, listener, store, now_ms)?;
    let public = authenticated.is_public();
    let context = grant::Context { store, listener, client, form, call, proved, public, now_ms };
    let answer = run(context)?;
    let answer = answer.with_id_token(|granted| id_token::prepare(store, listener, granted, now_ms));
    Ok(success(call.vendor, listener.generation, answer, store.stated_lifetime, now_ms))
}

/// The answer with tokens (RFC 6749 §5.1), as the vendor gives it.
pub(super) fn success(
    vendor: &'static dyn Vendor,
    generation: Generation,
    mut answer: Answer,
    stated: Option<Duration>,
    now_ms: i64,
) -> Reply {
    let now_s = now_ms.div_euclid(1000);
    let left_s = move |token: &TokenFacts| token.expires_at_ms / 1000 - now_s;
    let stated = stated.map(|stated| i64::try_from(stated.as_secs()).unwrap_or(i64::MAX));
    let lifetime = move |token: &TokenFacts| stated.unwrap_or_else(|| left_s(token));
    let issued = answer.issued();
    let reply = Reply::late_json(StatusCode::OK, move || {
        let mut body = answer.body(lifetime);
        if let Some(Granted { access, refresh }) = answer.granted() {
            let expires_in = lifetime(access);
            let of = Success {
                generation,
                expires_in,
                expires_at_s: now_s.saturating_add(expires_in),
                audience: &access.audience,
                has_user: access.subject != access.client,
                refresh_expires_in: refresh.as_ref().map(left_s),
                family: access.family,
            };
            vendor.success(&of, &mut body);
        }
        in_their_form(vendor, generation, &mut body);
        body.into()
    });
    let mut reply = Reply { issued, ..reply.uncached() };
    set(&mut reply.http.headers, vendor.success_headers(generation));
    reply
}
