//! Grants: one file each.

mod client_credentials;
mod refresh_token;

use std::collections::BTreeSet;

use crate::config::{Client, GrantType, Listener};
use crate::endpoint::Form;
use crate::error::{Cause, OAuthError};
use crate::store::{Granted, Store};

/// What a grant works with.
pub(crate) struct Context<'a> {
    pub(crate) store: &'a mut Store,
    pub(crate) listener: &'a Listener,
    pub(crate) client: &'a Client,
    pub(crate) form: &'a Form,
    pub(crate) request: u64,
    pub(crate) now_ms: i64,
}

type Run = fn(Context<'_>) -> Result<Granted, OAuthError>;

/// Every grant, by its `grant_type`.
pub(crate) const ALL: &[(&str, GrantType, Run)] = &[
    ("client_credentials", GrantType::ClientCredentials, client_credentials::run),
    ("refresh_token", GrantType::RefreshToken, refresh_token::run),
];

/// The scopes that a request asks for: all of `allowed` if it names none.
///
/// # Errors
///
/// `invalid_scope` if it asks for more.
pub(crate) fn scopes(form: &Form, allowed: &[String]) -> Result<Vec<String>, OAuthError> {
    let Some(asked) = form.get("scope") else { return Ok(allowed.to_vec()) };
    let mut asked: Vec<String> = asked.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    let mut seen = BTreeSet::new();
    asked.retain(|scope| seen.insert(scope.clone()));
    match asked.iter().find(|scope| !allowed.contains(scope)) {
        Some(_) => {
            Err(OAuthError::new(Cause::ScopeNotAllowed, "a scope was asked for that is not granted to this client"))
        }
        None if asked.is_empty() => Ok(allowed.to_vec()),
        None => Ok(asked),
    }
}
