//! Token revocation (RFC 7009).

use http::StatusCode;

use super::{Call, Form, Reply};
use crate::client_auth;
use crate::config::Listener;
use crate::error::{Cause, OAuthError};
use crate::store::{Chosen, Later, Store, Which};
use crate::token::{TokenFacts, TokenKind};

pub(super) fn run(
    call: &Call,
    form: &Form,
    listener: &Listener,
    store: &mut Store,
    now_ms: i64,
) -> Result<Reply, OAuthError> {
    let client = client_auth::authenticate(call, form, listener, store, now_ms)?.client;
    let value = form.get("token").ok_or_else(|| OAuthError::new(Cause::MalformedRequest, "token is missing"))?;
    let ways = call.vendor.profile().revocation.value;
    let told = |token: &TokenFacts| !ways.unknown_told || token.is_live(now_ms);
    let chosen = match store.find(value).filter(told) {
        // RFC 7009 §2.1: a token of another client is refused.
        Some(token) if token.client != client.id => {
            return Err(OAuthError::new(Cause::RevocationForeign, "the token was issued to another client"));
        }
        Some(token) if token.kind == TokenKind::Access && !ways.access_tokens => {
            return Err(OAuthError::new(Cause::RevocationUnsupported, "only refresh tokens can be revoked"));
        }
        Some(token) if token.kind == TokenKind::Access && ways.access_ends_family => {
            store.revoke(&Which::Family(token.family), "the client revoked its access token", now_ms);
            None
        }
        // RFC 7009 §2.1: with a refresh token, the access tokens of the same grant should die.
        Some(token) if token.kind == TokenKind::Refresh => {
            let family = store.chosen(&Which::Family(token.family), now_ms);
            family.map(|chosen| (chosen, "the client revoked its refresh token"))
        }
        Some(token) => Some((Chosen::one(token.id), "the client revoked it")),
        None if ways.unknown_told => {
            return Err(OAuthError::new(Cause::RevocationUnknown, "the token is unknown, expired or revoked"));
        }
        // RFC 7009 §2.2: an unknown token is as good as revoked.
        None => None,
    };
    if let Some((chosen, reason)) = chosen {
        store.change(Later::Revocation { chosen, reason: reason.into() }, now_ms);
    }
    let mut reply = Reply::json(StatusCode::OK, &serde_json::Value::Null).uncached();
    reply.http.body = bytes::Bytes::new();
    Ok(reply)
}
