//! Token revocation (RFC 7009).

use http::StatusCode;

use super::{Call, Form, Reply};
use crate::client_auth;
use crate::error::{Cause, OAuthError};
use crate::store::{Store, Which};
use crate::token::{Death, TokenKind};

pub(super) fn run(call: &Call, form: &Form, store: &mut Store, now_ms: i64) -> Result<Reply, OAuthError> {
    let credentials = client_auth::read(&call.headers, form)?;
    let client = client_auth::check(&credentials, store)?;
    let value = form.get("token").ok_or_else(|| OAuthError::new(Cause::MalformedRequest, "token is missing"))?;
    match store.find(value) {
        // RFC 7009 §2.1: a token of another client is refused.
        Some(token) if token.client != client.id => {
            return Err(OAuthError::new(Cause::RevocationForeign, "the token was issued to another client"));
        }
        // RFC 7009 §2.1: with a refresh token, the access tokens of the same grant should die.
        Some(token) if token.kind == TokenKind::Refresh => {
            store.revoke(&Which::Family(token.family), "the client revoked its refresh token", now_ms);
        }
        Some(token) => store.end(&token, Death::Revoked("the client revoked it".into()), now_ms),
        // RFC 7009 §2.2: an unknown token is as good as revoked.
        None => {}
    }
    let mut reply = Reply::json(StatusCode::OK, &serde_json::Value::Null).uncached();
    reply.http.body = bytes::Bytes::new();
    Ok(reply)
}
