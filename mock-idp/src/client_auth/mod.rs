//! How clients prove who they are: one file per method.

mod basic;
mod post;

use std::sync::Arc;

pub(crate) use basic::header as basic_header;
use http::HeaderMap;

use crate::config::{AuthMethod, Client};
use crate::endpoint::Form;
use crate::error::{Cause, OAuthError};
use crate::store::Store;

/// What a request says of its client.
pub(crate) struct Credentials {
    pub(crate) id: String,
    secret: String,
    method: AuthMethod,
}

/// Reads the credentials of a request.
///
/// # Errors
///
/// If there are none, if they are malformed, or if there is more than one (RFC 6749 §2.3).
pub(crate) fn read(headers: &HeaderMap, form: &Form) -> Result<Credentials, OAuthError> {
    match (basic::read(headers)?, post::read(form)) {
        (Some(_), Some(_)) => {
            let text = "more than one method of client authentication was used";
            Err(OAuthError::new(Cause::SeveralAuthentications, text))
        }
        (Some(credentials), None) => match form.get("client_id") {
            Some(id) if id != credentials.id => {
                let text = "client_id is another one than in the Authorization header";
                Err(OAuthError::new(Cause::MalformedRequest, text))
            }
            _ => Ok(credentials),
        },
        (None, Some(credentials)) => Ok(credentials),
        (None, None) => Err(OAuthError::client(Cause::NoAuthentication)),
    }
}

/// The client, if the credentials are right.
///
/// # Errors
///
/// `invalid_client`, with one text for every cause.
pub(crate) fn check(credentials: &Credentials, store: &Store) -> Result<Arc<Client>, OAuthError> {
    let refused = |cause| Err(OAuthError::client(cause));
    let Some(registered) = store.clients.get(&credentials.id) else { return refused(Cause::UnknownClient) };
    let client = &registered.client;
    if !client.secret.matches(&credentials.secret) {
        refused(Cause::WrongSecret)
    } else if registered.disabled {
        refused(Cause::ClientDisabled)
    } else if !client.methods.contains(&credentials.method) {
        refused(Cause::WrongAuthenticationMethod)
    } else {
        Ok(Arc::clone(client))
    }
}
