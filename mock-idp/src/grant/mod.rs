//! Grants: one file each.

mod authorization_code;
mod client_credentials;
mod device_code;
mod refresh_token;

use std::collections::BTreeSet;

use crate::config::{Client, GrantType, Listener};
use crate::endpoint::Form;
use crate::error::{Cause, OAuthError};
use crate::login::{Authentication, Consent, RefreshGrant};
use crate::store::{Granted, Grantee, Store};

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
    ("authorization_code", GrantType::AuthorizationCode, authorization_code::run),
    ("urn:ietf:params:oauth:grant-type:device_code", GrantType::DeviceCode, device_code::run),
];

/// What a user allowed a client.
struct Allowed {
    family: u64,
    scopes: Vec<String>,
    nonce: Option<String>,
    authentication: Authentication,
}

/// The first tokens of a user's consent.
fn for_user(store: &mut Store, listener: &Listener, client: &Client, allowed: Allowed, now_ms: i64) -> Granted {
    let Allowed { family, scopes, nonce, authentication } = allowed;
    let offline = scopes.iter().any(|scope| scope == "offline_access");
    let renewable = client.grants.contains(&GrantType::RefreshToken)
        && match client.refresh_grant {
            RefreshGrant::Always => true,
            RefreshGrant::OfflineAccess => offline,
            RefreshGrant::Never => false,
        };
    let to = Grantee {
        listener,
        client: client.id.clone(),
        subject: authentication.subject.clone(),
        scopes,
        audience: client.audience.clone(),
        family,
    };
    let access = store.access_token(&to, now_ms);
    let refresh = renewable.then(|| store.refresh_token(&to, now_ms));
    let consent = Consent { client: client.id.clone(), authentication, offline, nonce };
    // Longer, if the tokens are: `id_token` sees to that.
    store.logins.consented(family, consent, now_ms);
    Granted { access, refresh }
}

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
