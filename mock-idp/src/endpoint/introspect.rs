//! Token introspection (RFC 7662).

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Form, Reply};
use crate::client_auth;
use crate::error::{Cause, OAuthError};
use crate::store::Store;
use crate::token::{TokenFacts, TokenKind};

pub(super) fn run(call: &Call, form: &Form, store: &mut Store, now_ms: i64) -> Result<Reply, OAuthError> {
    let credentials = client_auth::read(&call.headers, form)?;
    let client = client_auth::check(&credentials, store)?;
    let value = form.get("token").ok_or_else(|| OAuthError::new(Cause::MalformedRequest, "token is missing"))?;
    // RFC 7662 §2.2: whatever the caller may not know of looks like a dead token, and says nothing more.
    let known = store
        .find(value)
        .filter(|token| token.is_live(now_ms) && (client.resource_server || token.client == client.id));
    let body = known.map_or_else(|| json!({"active": false}), |token| active(&token));
    Ok(Reply::json(StatusCode::OK, &body).uncached())
}

fn active(token: &TokenFacts) -> Value {
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
        body["token_type"] = "Bearer".into();
    }
    body
}
