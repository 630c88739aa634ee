//! The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2).

use std::sync::Arc;

use http::header::LOCATION;
use http::{HeaderValue, Method, StatusCode};

use super::cookie::Cookie;
use super::{Call, Endpoint, Form, Reply, interaction, page};
use crate::config::{Client, Listener};
use crate::dialect::Asked;
use crate::error::{Cause, OAuthError};
use crate::fault::HttpReply;
use crate::id_token;
use crate::login::{Finished, Purpose, Refused, Request, Target, redirect_with, target};
use crate::observe::{AuthorizationEvent, AuthorizationStep};
use crate::store::Store;

pub(super) fn run(call: &Call, listener: &Listener, store: &mut Store, now_ms: i64) -> Reply {
    match request(call, listener, store, now_ms) {
        Ok(request) => interaction::begin(call, listener, store, Purpose::Code(Box::new(request)), now_ms),
        Err(Refused { to: Some(to), error }) => refusal(call, listener, &to, &error),
        Err(Refused { to: None, error }) => on_page(&error),
    }
}

fn request(call: &Call, listener: &Listener, store: &mut Store, now_ms: i64) -> Result<Request, Refused> {
    let form = call.form.as_ref().map_err(|error| Refused::on_page(error.clone()))?;
    let client = client(form, store).map_err(Refused::on_page)?;
    // RFC 9126 §4: what was pushed is the request, and whatever else stands here is not looked at.
    if let Some(uri) = form.get("request_uri") {
        let unknown = || {
            let text = "request_uri is unknown, was used, or its time is over";
            Refused::on_page(OAuthError::new(Cause::RequestUriInvalid, text))
        };
        let pushed = store.logins.pushed.get(uri, now_ms).filter(|request| request.client == client.id);
        pushed.ok_or_else(unknown)?;
        return store.logins.pushed.remove(uri).ok_or_else(unknown);
    }
    let to = target(form, &client).map_err(Refused::on_page)?;
    let refused = |error| Refused { to: Some(to.clone()), error };
    if client.require_pushed_authorization_requests {
        let text = "this client must push its requests: request_uri is missing";
        return Err(refused(OAuthError::new(Cause::MalformedRequest, text)));
    }
    let hinted = hinted(form, listener, store).map_err(refused)?;
    // A vendor's scopes are the same here as at its token endpoint.
    let asked = Asked { client: &client, grant: "authorization_code", generation: listener.generation, store };
    let form = call.vendor.standard(form, &asked).map_err(refused)?;
    Request::read(&form, &client, to.clone(), hinted).map_err(refused)
}

fn client(form: &Form, store: &Store) -> Result<Arc<Client>, OAuthError> {
    let wrong = |text: &str| Err(OAuthError::new(Cause::RedirectUriWrong, text));
    match form.get("client_id").map(|id| store.clients.get(id)) {
        None => wrong("client_id is missing"),
        Some(None) => wrong("there is no such client"),
        Some(Some(registered)) if registered.disabled => wrong("the client is disabled"),
        Some(Some(registered)) => Ok(Arc::clone(&registered.client)),
    }
}

/// The subject of `id_token_hint`.
///
/// # Errors
///
/// `invalid_request` if it is no ID token of ours. Its time may be over (OpenID Connect Core §3.1.2.1).
pub(super) fn hinted(form: &Form, listener: &Listener, store: &Store) -> Result<Option<String>, OAuthError> {
    let Some(hint) = form.get("id_token_hint") else { return Ok(None) };
    let claims = id_token::read(hint, listener, store);
    let wrong = || OAuthError::new(Cause::MalformedRequest, "id_token_hint is no ID token of this issuer");
    claims.map(|claims| Some(claims.sub)).ok_or_else(wrong)
}

/// Tells the client what the user said (RFC 6749 §4.1.2).
pub(super) fn finish(
    call: &Call,
    listener: &Listener,
    store: &mut Store,
    request: Request,
    finished: Finished,
    now_ms: i64,
) -> Reply {
    let to = request.to.clone();
    let told = |step, subject: Option<String>, reason: &str| AuthorizationEvent {
        step,
        client: Some(request.client.clone()),
        subject,
        reason: reason.to_owned(),
    };
    match finished {
        Finished::Allowed(Some(authentication)) => {
            let subject = Some(authentication.subject.clone());
            store.tell(told(AuthorizationStep::Consented, subject.clone(), "the user allowed it"));
            store.tell(told(AuthorizationStep::CodeIssued, subject, "for the redirect URI of the request"));
            let code = store.logins.issue_code(request, authentication, now_ms);
            redirect(call, listener, &to, &[("code", &code)])
        }
        Finished::Allowed(None) => {
            refusal(call, listener, &to, &OAuthError::new(Cause::LoginRequired, "nobody is signed in"))
        }
        Finished::Refused(error) => {
            store.tell(told(AuthorizationStep::Refused, None, &error.description));
            refusal(call, listener, &to, &error)
        }
    }
}

fn refusal(call: &Call, listener: &Listener, to: &Target, error: &OAuthError) -> Reply {
    let reply = redirect(
        call,
        listener,
        to,
        &[("error", error.cause.code()), ("error_description", error.description.as_str())],
    );
    Reply { error: Some(error.cause.code().to_owned()), reason: Some(error.description.clone()), ..reply }
}

/// With `state`, and `iss` (RFC 9207 §2).
fn redirect(call: &Call, listener: &Listener, to: &Target, parameters: &[(&str, &str)]) -> Reply {
    let issuer = call.vendor.issuer(&listener.origin);
    let mut all = parameters.to_vec();
    all.extend([("state", to.state.as_deref().unwrap_or_default()), ("iss", issuer.as_str())]);
    go(call, &redirect_with(&to.uri, &all))
}

/// Sends the browser on. After a form it must not send the form once more (RFC 9700 §4.12).
pub(super) fn go(call: &Call, uri: &str) -> Reply {
    let Ok(location) = HeaderValue::try_from(uri) else {
        return on_page(&OAuthError::new(Cause::RedirectUriWrong, "the redirect URI is no URI"));
    };
    let status = if call.method == Method::POST { StatusCode::SEE_OTHER } else { StatusCode::FOUND };
    let mut http = HttpReply::new(status).uncached();
    http.headers.insert(LOCATION, location);
    Reply::new(http)
}

/// Tells the user, because it is not certain who else may be told.
pub(super) fn on_page(error: &OAuthError) -> Reply {
    let status = StatusCode::from_u16(error.cause.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let main = page::say("This request cannot go on", &error.description);
    Reply {
        error: Some(error.cause.code().to_owned()),
        reason: Some(error.description.clone()),
        ..Reply::new(page::reply(status, &main, None))
    }
}

/// A reply that sets a cookie.
pub(super) fn with_cookie(mut reply: Reply, cookie: Cookie, value: Option<&str>, listener: &Listener) -> Reply {
    if let Some(value) = value {
        reply.http.headers.append(http::header::SET_COOKIE, cookie.set(value, listener));
    }
    reply
}

/// The address of an endpoint, for a form of a page.
pub(super) fn address(call: &Call, endpoint: Endpoint, listener: &Listener) -> String {
    call.vendor.url(endpoint, &listener.origin).unwrap_or_default()
}
