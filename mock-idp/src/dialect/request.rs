//! What a request asks for, brought from a vendor's parameters to those of RFC 6749.

use std::borrow::Cow;

use super::profile::{Audience, Profile, Scope, Widened};
use super::route::Generation;
use crate::config::Client;
use crate::endpoint::Form;
use crate::error::{Cause, OAuthError};
use crate::store::Store;

/// Who asks, and for what.
pub(crate) struct Asked<'a> {
    pub(crate) client: &'a Client,
    pub(crate) grant: &'a str,
    pub(crate) generation: Generation,
    pub(crate) store: &'a Store,
}

impl Asked<'_> {
    /// Scopes of which it may have some: those of its refresh token, if it has one, else the client's.
    fn allowed(&self, form: &Form) -> Vec<String> {
        let token = form.get("refresh_token").and_then(|value| self.store.find(value));
        token.map_or_else(|| self.client.scopes.clone(), |token| token.scopes)
    }
}

/// The form as RFC 6749 would have it. What a dialect does not know is left as it is.
///
/// # Errors
///
/// What the vendor refuses and the RFC has no word for.
pub(super) fn standard<'f>(profile: &Profile, form: &'f Form, asked: &Asked<'_>) -> Result<Cow<'f, Form>, OAuthError> {
    if asked.grant == "client_credentials" {
        audience(profile, form, asked)?;
    }
    let narrowed = asked.grant == "refresh_token" && profile.widened_refresh.value == Widened::Narrowed;
    let Some(scope) = form.get("scope") else { return Ok(Cow::Borrowed(form)) };
    let words: Vec<&str> = scope.split(' ').filter(|word| !word.is_empty()).collect();
    let standard = match profile.scope.value {
        Scope::OfOneResource => of_one_resource(&words, asked)?,
        Scope::ForeignIgnored => Some(known(&words, &asked.allowed(form))?),
        Scope::Strict if narrowed => Some(known(&words, &asked.allowed(form))?),
        Scope::Strict => return Ok(Cow::Borrowed(form)),
    };
    let mut form = form.clone();
    match standard {
        Some(scope) => form.set("scope", &scope),
        None => form.unset("scope"),
    }
    Ok(Cow::Owned(form))
}

fn audience(profile: &Profile, form: &Form, asked: &Asked<'_>) -> Result<(), OAuthError> {
    let named = match profile.audience.value {
        Audience::Registered => return Ok(()),
        Audience::Parameter => form.get("audience"),
        Audience::InScope if asked.generation == Generation::Former => form.resources().first().map(String::as_str),
        Audience::InScope if form.resources().is_empty() => {
            return match form.get("scope") {
                Some(_) => Ok(()),
                None => Err(OAuthError::new(Cause::MalformedRequest, "scope is missing")),
            };
        }
        Audience::InScope => {
            let text = "resource is not supported here: the scope names the resource";
            return Err(OAuthError::new(Cause::ResourceParameter, text));
        }
    };
    match named {
        None => {
            let name = if profile.audience.value == Audience::Parameter { "audience" } else { "resource" };
            Err(OAuthError::new(Cause::MalformedRequest, format!("{name} is missing")))
        }
        Some(named) if named == asked.client.audience => Ok(()),
        Some(_) => Err(OAuthError::new(Cause::AudienceNotAllowed, "the client may not have tokens for this audience")),
    }
}

/// The scopes that are allowed. None at all would ask for everything.
fn known(words: &[&str], allowed: &[String]) -> Result<String, OAuthError> {
    let known: Vec<&str> = words.iter().copied().filter(|word| allowed.iter().any(|scope| scope == word)).collect();
    if known.is_empty() && !words.is_empty() {
        return Err(OAuthError::new(Cause::ScopeNotAllowed, "none of the scopes is granted to this client"));
    }
    Ok(known.join(" "))
}

/// `RESOURCE/.default` is every scope of the resource, which is no scope at all; `RESOURCE/SCOPE` is that scope.
fn of_one_resource(words: &[&str], asked: &Asked<'_>) -> Result<Option<String>, OAuthError> {
    let refused = |text: &str| Err(OAuthError::new(Cause::ScopeNotAllowed, text));
    let audience = asked.client.audience.trim_end_matches('/');
    let all = format!("{audience}/.default");
    if asked.grant == "client_credentials" {
        return match words {
            [word] if *word == all => Ok(None),
            _ => refused("client credentials ask for exactly one resource, as RESOURCE/.default"),
        };
    }
    if words.contains(&all.as_str()) {
        return Ok(None);
    }
    if words.iter().any(|word| word.ends_with("/.default")) {
        return refused("the client may not have tokens for this resource");
    }
    let bare =
        |word: &&str| word.strip_prefix(audience).and_then(|rest| rest.strip_prefix('/')).unwrap_or(word).to_owned();
    Ok(Some(words.iter().map(bare).collect::<Vec<_>>().join(" ")))
}
