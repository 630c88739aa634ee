//! The login and consent page: what it shows, and what its form does.

use http::StatusCode;

use super::authorize::{address, go, on_page, with_cookie};
use super::cookie::Cookie;
use super::{Call, Endpoint, Reply, authorize, device, end_session, page};
use crate::config::Listener;
use crate::error::{Cause, OAuthError};
use crate::login::{Finished, Interaction, Logins, Next, Purpose};
use crate::observe::{AuthorizationEvent, AuthorizationStep};
use crate::store::Store;

/// Asks the user, if anybody is to be asked.
pub(super) fn begin(call: &Call, listener: &Listener, store: &mut Store, purpose: Purpose, now_ms: i64) -> Reply {
    let cookie = Cookie::Session.read(&call.headers, listener);
    if store.logins.is_automatic() {
        let (finished, signed_in) = store.logins.automatic(&purpose, cookie.as_deref(), now_ms);
        if let (Finished::Allowed(Some(authentication)), Some(_)) = (&finished, &signed_in) {
            told(store, AuthorizationStep::SignedIn, &purpose, Some(&authentication.subject), "automatically");
        }
        let reply = finish(call, listener, store, purpose, finished, now_ms);
        return with_cookie(reply, Cookie::Session, signed_in.as_deref(), listener);
    }
    let known = Cookie::Browser.read(&call.headers, listener);
    let browser = known.clone().unwrap_or_else(|| store.logins.draw());
    let interaction = Interaction { browser: browser.clone(), purpose, cookie, fresh: false, failures: 0 };
    let reply = go_on(call, listener, store, interaction, now_ms);
    with_cookie(reply, Cookie::Browser, known.is_none().then_some(browser.as_str()), listener)
}

/// The form of a page was sent.
pub(super) fn run(call: &Call, listener: &Listener, store: &mut Store, now_ms: i64) -> Reply {
    let form = match call.form.as_ref().map_err(Clone::clone).and_then(super::Form::once) {
        Ok(form) => form,
        Err(error) => return on_page(&error),
    };
    let browser = Cookie::Browser.read(&call.headers, listener);
    let key = form.get("interaction").unwrap_or_default();
    let mine = store.logins.interactions.get(key, now_ms).filter(|one| Some(&one.browser) == browser.as_ref());
    let Some(mut interaction) = mine.cloned() else {
        let text = "this form was sent before, is too old, or was made for another browser: begin again";
        return on_page(&OAuthError::new(Cause::MalformedRequest, text));
    };
    // Each form is good once; what comes next has its own.
    store.logins.interactions.remove(key);
    match form.get("action") {
        Some("login") => {
            let field = |name| form.get(name).unwrap_or_default();
            let entered = store.logins.enter_password(&mut interaction, field("username"), field("password"), now_ms);
            let signed_in = entered.is_ok();
            match entered {
                Ok(user) => {
                    let how = if user.password { "with the password" } else { "without a password" };
                    let step = AuthorizationStep::SignedIn;
                    told(store, step, &interaction.purpose, Some(&user.subject), how);
                }
                Err(reason) => told(store, AuthorizationStep::SignInRefused, &interaction.purpose, None, reason),
            }
            let cookie = interaction.cookie.clone().filter(|_| signed_in);
            let reply = if Logins::is_exhausted(&interaction) {
                let error = OAuthError::new(Cause::AccessDenied, "too many wrong passwords");
                finish(call, listener, store, interaction.purpose, Finished::Refused(error), now_ms)
            } else {
                go_on(call, listener, store, interaction, now_ms)
            };
            with_cookie(reply, Cookie::Session, cookie.as_deref(), listener)
        }
        Some("allow") => match store.logins.next(&interaction, now_ms) {
            Next::Ask(authentication) => {
                if let Some(authentication) = &authentication {
                    store.logins.remember(&interaction.purpose, &authentication.subject);
                }
                let finished = Finished::Allowed(authentication);
                finish(call, listener, store, interaction.purpose, finished, now_ms)
            }
            // Signed out in the meantime, or not signed in yet.
            _ => go_on(call, listener, store, interaction, now_ms),
        },
        Some("deny") => {
            let error = OAuthError::new(Cause::AccessDenied, "the user has refused");
            finish(call, listener, store, interaction.purpose, Finished::Refused(error), now_ms)
        }
        _ => on_page(&OAuthError::new(Cause::MalformedRequest, "action is missing or unknown")),
    }
}

fn go_on(call: &Call, listener: &Listener, store: &mut Store, interaction: Interaction, now_ms: i64) -> Reply {
    let next = store.logins.next(&interaction, now_ms);
    if let Next::Finished(finished) = next {
        return finish(call, listener, store, interaction.purpose, finished, now_ms);
    }
    let (purpose, failed) = (interaction.purpose.clone(), interaction.failures > 0);
    let key = store.logins.open_page(interaction, now_ms);
    let action = address(call, Endpoint::Interaction, listener);
    let form = page::Form { action: &action, interaction: &key };
    let (main, then) = match (&purpose, &next) {
        (Purpose::Code(request), Next::Login) => {
            let hint = request.hint.as_deref().unwrap_or_default();
            (page::login(form, store.logins.users(), hint, failed), Some(request.to.uri.as_str()))
        }
        (_, Next::Login) => (page::login(form, store.logins.users(), "", failed), None),
        (_, Next::Ask(authentication)) => {
            let user = authentication.as_ref().map_or("nobody", |one| one.subject.as_str());
            let then = match &purpose {
                Purpose::Code(request) => Some(request.to.uri.as_str()),
                Purpose::Logout(logout) => logout.to.as_deref(),
                Purpose::Device(_) => None,
            };
            (page::ask(form, &purpose, user), then)
        }
        (_, Next::Finished(_)) => unreachable!("it was finished above"),
    };
    Reply::new(page::reply(StatusCode::OK, &main, then))
}

fn finish(
    call: &Call,
    listener: &Listener,
    store: &mut Store,
    purpose: Purpose,
    finished: Finished,
    now_ms: i64,
) -> Reply {
    match purpose {
        Purpose::Code(request) => authorize::finish(call, listener, store, *request, finished, now_ms),
        Purpose::Device(device) => device::finish(store, &device, finished, now_ms),
        Purpose::Logout(logout) => match finished {
            Finished::Allowed(_) => end_session::end(call, listener, store, &logout, now_ms),
            Finished::Refused(_) => logout.to.as_deref().map_or_else(
                || Reply::new(page::reply(StatusCode::OK, &page::say("Still signed in", "Nothing changed."), None)),
                |to| go(call, to),
            ),
        },
    }
}

fn told(store: &mut Store, step: AuthorizationStep, purpose: &Purpose, subject: Option<&str>, reason: &str) {
    store.tell(AuthorizationEvent {
        step,
        client: purpose.asks().map(|(client, _)| client.to_owned()),
        subject: subject.map(str::to_owned),
        reason: reason.to_owned(),
    });
}
