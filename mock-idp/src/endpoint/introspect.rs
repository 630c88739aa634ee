//! Token introspection (RFC 7662), with signed answers for who asks for them (RFC 9701).

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::{Call, Form, Reply};
use crate::client_auth;
use crate::config::Listener;
use crate::error::{Cause, OAuthError};
use crate::holder::Holder;
use crate::store::Store;
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
    // RFC 7662 §2.2: whatever the caller may not know of looks like a dead token, and says nothing more.
    let known = store
        .find(value)
        .filter(|token| token.is_live(now_ms) && (client.resource_server || token.client == client.id));
    let body = known.map_or_else(|| json!({"active": false}), |token| active(&token, store));
    if !wants_jwt(&call.headers) {
        return Ok(Reply::json(StatusCode::OK, &body).uncached());
    }
    let claims = json!({
        "iss": call.vendor.issuer(&listener.origin),
        "aud": client.id,
        "iat": now_ms.div_euclid(1000),
        "token_introspection": body,
    });
    let mut reply = Reply::json(StatusCode::OK, &Value::Null).uncached();
    reply.http.body = store.id_token_key().sign("token-introspection+jwt", &claims).into();
    reply.http.headers.insert(CONTENT_TYPE, HeaderValue::from_static(JWT));
    Ok(reply)
}

/// The media type of a signed answer (RFC 9701 §4).
const JWT: &str = "application/token-introspection+jwt";

/// Whether the caller asks for a signed answer.
fn wants_jwt(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = accepted.flat_map(|value| value.split(',')).map(|one| one.split(';').next().unwrap_or(one).trim());
    types.any(|one| one.eq_ignore_ascii_case(JWT))
}

fn active(token: &TokenFacts, store: &Store) -> Value {
    let mut body = json!({
        "active": true,
        "client_id": token.client,
        "sub": token.subject,
        "aud": token.audience,
        "iss": token.issuer,
        "iat": token.issued_at_ms.div_euclid(1000),
        "exp": token.expires_at_ms / 1000,
    });
    if !token.scopes.is_empty() {
        body["scope"] = token.scopes.join(" ").into();
    }
    if token.kind == TokenKind::Access {
        body["token_type"] = Holder::token_type(token.holder.as_deref()).into();
    }
    if let Some(holder) = token.holder.as_deref() {
        // RFC 8705 §3.2, RFC 9449 §6.2, RFC 8693 §4.
        let members =
            [("cnf", holder.binding.claim()), ("act", holder.actor.clone()), ("may_act", holder.may_act.clone())];
        for (name, value) in members.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            body[name] = value;
        }
    }
    // RFC 7662 §2.2 lets a server say more.
    if token.kind == TokenKind::Access
        && let (Some(registered), Some(body)) = (store.clients.get(&token.client), body.as_object_mut())
    {
        registered.client.claims.add_to(body);
    }
    body
}
