//! Pushed authorization requests (RFC 9126).

use http::StatusCode;
use serde_json::json;

use super::{Call, Form, Reply, authorize};
use crate::client_auth;
use crate::config::Listener;
use crate::error::{Cause, OAuthError};
use crate::login::{Request, millis, target};
use crate::store::Store;

pub(super) fn run(
    call: &Call,
    form: &Form,
    listener: &Listener,
    store: &mut Store,
    now_ms: i64,
) -> Result<Reply, OAuthError> {
    let client = client_auth::authenticate(call, form, listener, store, now_ms)?.client;
    if form.get("request_uri").is_some() {
        return Err(OAuthError::new(Cause::MalformedRequest, "request_uri cannot be pushed"));
    }
    let to = target(form, &client)?;
    let hinted = authorize::hinted(form, listener, store)?;
    let request = Request::read(form, &client, to, hinted)?;
    let lifetime = store.logins.settings.request_uri_lifetime;
    let uri = format!("urn:ietf:params:oauth:request_uri:{}", store.logins.draw());
    store.logins.pushed.insert(uri.clone(), request, now_ms.saturating_add(millis(lifetime)), now_ms);
    let body = json!({"request_uri": uri, "expires_in": lifetime.as_secs()});
    Ok(Reply::json(StatusCode::CREATED, &body).uncached())
}
