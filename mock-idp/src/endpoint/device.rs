//! Device authorization (RFC 8628 §3.1) and the page where the user enters the code (§3.3).

use http::header::RETRY_AFTER;
use http::{Method, StatusCode};
use serde_json::json;

use super::authorize::{address, on_page};
use super::{Call, Endpoint, Form, Reply, interaction, page};
use crate::client_auth;
use crate::config::{GrantType, Listener};
use crate::dialect::Asked;
use crate::error::{Cause, OAuthError};
use crate::grant;
use crate::login::{Device, Finished, MostWrongCodes, Purpose, redirect_with};
use crate::store::Store;

/// A device asks for its codes.
pub(super) fn authorize(
    call: &Call,
    form: &Form,
    listener: &Listener,
    store: &mut Store,
    now_ms: i64,
) -> Result<Reply, OAuthError> {
    let client = client_auth::authenticate(call, form, listener, store, now_ms)?.client;
    if !client.grants.contains(&GrantType::DeviceCode) {
        return Err(OAuthError::new(Cause::GrantNotAllowed, "the client may not use the device code grant"));
    }
    // A vendor's scopes are the same here as at its token endpoint.
    let asked = Asked { client: &client, grant: "device_code", generation: listener.generation, store };
    let form = &*call.vendor.standard(form, &asked)?;
    let scopes = grant::scopes(form, &client.scopes)?;
    let asked = store.logins.ask_for_device(&client.id, scopes, now_ms);
    let uri = address(call, Endpoint::Device, listener);
    let mut body = json!({
        "device_code": asked.device_code,
        "user_code": asked.user_code,
        "expires_in": asked.expires_in_s,
        "interval": asked.interval_s,
    });
    let told = call.vendor.profile().verification.value;
    if told.complete {
        body[format!("{}_complete", told.uri)] = redirect_with(&uri, &[("user_code", &asked.user_code)]).into();
    }
    if told.message {
        body["message"] = format!("Open {uri} in a browser and enter the code {}.", asked.user_code).into();
    }
    body[told.uri] = uri.into();
    Ok(Reply::json(StatusCode::OK, &body).uncached())
}

/// A user comes to the page, or enters a code there.
pub(super) fn page(call: &Call, listener: &Listener, store: &mut Store, now_ms: i64) -> Reply {
    let form = match call.form.as_ref().map_err(Clone::clone).and_then(Form::once) {
        Ok(form) => form,
        Err(error) => return on_page(&error),
    };
    let action = address(call, Endpoint::Device, listener);
    let code = form.get("user_code").unwrap_or_default();
    let shown = |status, wrong: Option<&str>| {
        let reply = Reply::new(page::reply(status, &page::user_code(&action, code, wrong), None));
        Reply { reason: wrong.map(str::to_owned), ..reply }
    };
    if call.method != Method::POST {
        return shown(StatusCode::OK, None);
    }
    match store.logins.enter_user_code(code, now_ms) {
        Ok(Some(device)) => interaction::begin(call, listener, store, Purpose::Device(Box::new(device)), now_ms),
        Ok(None) => shown(StatusCode::BAD_REQUEST, Some("No device waits with this code.")),
        Err(MostWrongCodes(left_s)) => {
            let text = format!("Too many wrong codes were entered. Try again in {left_s} seconds.");
            let mut reply = shown(StatusCode::TOO_MANY_REQUESTS, Some(&text));
            reply.http.headers.insert(RETRY_AFTER, left_s.into());
            reply
        }
    }
}

/// The user has decided.
pub(super) fn finish(store: &mut Store, device: &Device, finished: Finished, now_ms: i64) -> Reply {
    let (authentication, title, text) = match finished {
        Finished::Allowed(Some(authentication)) => {
            (Some(authentication), "Your device is connected", "You can close this page.")
        }
        Finished::Allowed(None) | Finished::Refused(_) => {
            (None, "Your device is not connected", "It has no access. You can close this page.")
        }
    };
    if !store.decide_device(&device.user_code, authentication, now_ms) {
        return on_page(&OAuthError::new(
            Cause::DeviceCodeExpired,
            "the code of the device has expired, or was decided",
        ));
    }
    Reply::new(page::reply(StatusCode::OK, &page::say(title, text), None))
}
