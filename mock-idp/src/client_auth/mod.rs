//! How clients prove who they are: one file per method.

mod basic;
mod post;

use std::sync::Arc;

pub(crate) use basic::header as basic_header;
use http::HeaderMap;

use crate::config::{AuthMethod, Client};
use crate::endpoint::Form;
use crate::error::OAuthError;
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
            Err(OAuthError::new("invalid_request", "more than one method of client authentication was used"))
        }
        (Some(credentials), None) => match form.get("client_id") {
            Some(id) if id != credentials.id => {
                Err(OAuthError::new("invalid_request", "client_id is another one than in the Authorization header"))
            }
            _ => Ok(credentials),
        },
        (None, Some(credentials)) => Ok(credentials),
        (None, None) => Err(OAuthError::invalid_client()),
    }
}

/// The client, if the credentials are right.
///
/// # Errors
///
/// `invalid_client`, with one text for every cause.
pub(crate) fn check(credentials: &Credentials, store: &Store) -> Result<Arc<Client>, OAuthError> {
    let refused = OAuthError::invalid_client;
    let registered = store.clients.get(&credentials.id).ok_or_else(refused)?;
    let client = &registered.client;
    let right = client.secret.matches(&credentials.secret);
    if right && !registered.disabled && client.methods.contains(&credentials.method) {
        Ok(Arc::clone(client))
    } else {
        Err(refused())
    }
}
