//! The end of a session (OpenID Connect RP-Initiated Logout 1.0).

use http::StatusCode;

use super::authorize::{go, on_page, with_cookie};
use super::cookie::Cookie;
use super::{Call, Form, Reply, interaction, page};
use crate::config::Listener;
use crate::error::{Cause, OAuthError};
use crate::id_token;
use crate::login::{Logout, Purpose, redirect_with};
use crate::store::Store;

pub(super) fn run(call: &Call, listener: &Listener, store: &mut Store, now_ms: i64) -> Reply {
    match asked(call, listener, store, now_ms) {
        Ok((logout, true)) => end(call, listener, store, &logout, now_ms),
        Ok((logout, false)) if logout.sid.is_none() || store.logins.is_automatic() => {
            end(call, listener, store, &logout, now_ms)
        }
        // §2: without a hint anybody could have sent the browser here.
        Ok((logout, false)) => interaction::begin(call, listener, store, Purpose::Logout(logout), now_ms),
        Err(error) => on_page(&error),
    }
}

/// What shall end, and whether the request proves that it comes from a client of that session.
fn asked(call: &Call, listener: &Listener, store: &Store, now_ms: i64) -> Result<(Logout, bool), OAuthError> {
    let form = call.form.as_ref().map_err(Clone::clone)?.once()?;
    let malformed = |text: &str| OAuthError::new(Cause::MalformedRequest, text);
    let hint = match form.get("id_token_hint") {
        Some(hint) => {
            let claims = id_token::read(hint, listener, store);
            Some(claims.ok_or_else(|| malformed("id_token_hint is no ID token of this issuer"))?)
        }
        None => None,
    };
    let client = match (form.get("client_id"), &hint) {
        (Some(id), Some(hint)) if id != hint.aud => {
            return Err(malformed("client_id is another client than id_token_hint was issued to"));
        }
        (Some(id), _) => Some(id),
        (None, hint) => hint.as_ref().map(|hint| hint.aud.as_str()),
    };
    let to = to(form, client, store)?;
    let cookie = Cookie::Session.read(&call.headers, listener);
    let here = cookie.and_then(|cookie| store.logins.session(&cookie, now_ms)).map(|session| session.sid.clone());
    let proven = hint.is_some();
    Ok((Logout { sid: hint.map(|hint| hint.sid).or(here), to }, proven))
}

/// §3: an address that is registered, letter by letter.
fn to(form: &Form, client: Option<&str>, store: &Store) -> Result<Option<String>, OAuthError> {
    let wrong = |text: &str| Err(OAuthError::new(Cause::RedirectUriWrong, text));
    let Some(uri) = form.get("post_logout_redirect_uri") else { return Ok(None) };
    let Some(client) = client else {
        return wrong("post_logout_redirect_uri came without id_token_hint or client_id");
    };
    let registered = store.clients.get(client).map(|one| one.client.post_logout_redirect_uris.as_slice());
    if !registered.unwrap_or_default().iter().any(|one| one == uri) {
        return wrong("post_logout_redirect_uri is not registered for this client");
    }
    Ok(Some(redirect_with(uri, &[("state", form.get("state").unwrap_or_default())])))
}

/// Ends it: the browser is signed out, and what the session's clients hold is dead, but for what they were given to act
/// while the user is away (OpenID Connect Core §11).
pub(super) fn end(call: &Call, listener: &Listener, store: &mut Store, logout: &Logout, now_ms: i64) -> Reply {
    if let Some(sid) = &logout.sid {
        store.end_session(sid, "the user signed out", now_ms);
    }
    let reply = match &logout.to {
        Some(to) => go(call, to),
        None => {
            Reply::new(page::reply(StatusCode::OK, &page::say("You are signed out", "You can close this page."), None))
        }
    };
    with_cookie(reply, Cookie::Session, Some(""), listener)
}
