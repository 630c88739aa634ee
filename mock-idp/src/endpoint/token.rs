//! The token endpoint (RFC 6749 §3.2).

use http::StatusCode;

use super::{Call, Form, Reply, possession};
use crate::client_auth;
use crate::config::Listener;
use crate::error::{Cause, OAuthError};
use crate::grant;
use crate::id_token;
use crate::store::Store;
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
    let proved = possession::proved(call, &authenticated, listener, store, now_ms)?;
    let public = authenticated.is_public();
    let context = grant::Context { store, listener, client, form, call, proved, public, now_ms };
    let answer = run(context)?;

    let answer = answer.with_id_token(|granted| id_token::prepare(store, listener, granted, now_ms));
    let stated = store.stated_lifetime.map(|stated| i64::try_from(stated.as_secs()).unwrap_or(i64::MAX));
    let issued = answer.issued();
    let reply = Reply::late_json(StatusCode::OK, move || {
        let lifetime = |token: &TokenFacts| (token.expires_at_ms - now_ms.div_euclid(1000) * 1000) / 1000;
        answer.body(|token| stated.unwrap_or_else(|| lifetime(token)))
    });
    Ok(Reply { issued, ..reply.uncached() })
}
