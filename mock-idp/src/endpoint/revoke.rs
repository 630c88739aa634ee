//! Token revocation (RFC 7009).

use http::StatusCode;

use super::{Call, Form, Reply};
use crate::client_auth;
use crate::config::Listener;
use crate::error::{Cause, OAuthError};
use crate::store::{Later, Store};
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
    let found =
        store.find(value).filter(told).map(|token| (token.id, token.kind, token.family, token.client == client.id));
    match found {
        // RFC 7009 §2.1: a token of another client is refused.
        Some((.., false)) => {
            return Err(OAuthError::new(Cause::RevocationForeign, "the token was issued to another client"));
        }
        Some((_, TokenKind::Access, ..)) if !ways.access_tokens => {
            return Err(OAuthError::new(Cause::RevocationUnsupported, "only refresh tokens can be revoked"));
        }
        Some((_, TokenKind::Access, family, true)) if ways.access_ends_family => {
            store.revoke_family(family, "the client revoked its access token", now_ms);
        }
        // RFC 7009 §2.1: with a refresh token, the access tokens of the same grant should die.
        Some((_, TokenKind::Refresh, family, true)) => {
            let reason = "the client revoked its refresh token".into();
            store.change(Later::FamilyRevocation { family, reason }, now_ms);
        }
        Some((id, TokenKind::Access, ..)) => {
            store.change(Later::Revocation { tokens: vec![id], reason: "the client revoked it".into() }, now_ms);
        }
        None if ways.unknown_told => {
            return Err(OAuthError::new(Cause::RevocationUnknown, "the token is unknown, expired or revoked"));
        }
        // RFC 7009 §2.2: an unknown token is as good as revoked.
        None => {}
    }
    let mut reply = Reply::json(StatusCode::OK, &serde_json::Value::Null).uncached();
    reply.http.body = bytes::Bytes::new();
    Ok(reply)
}
