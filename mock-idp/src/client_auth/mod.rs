//! How clients prove who they are: one file per method.

mod assertion;
mod basic;
mod certificate;
mod post;
mod secret;
mod service_account;

use std::sync::Arc;

use http::HeaderMap;

use crate::assertion::{Jwt, Place};
use crate::config::{AuthMethod, Client, Listener};
use crate::endpoint::{Call, Endpoint, Form};
use crate::error::{Cause, OAuthError};
use crate::secret::Secret;
use crate::store::Store;

/// What a request says of its client.
pub(crate) struct Credentials {
    pub(crate) id: String,
    proof: Proof,
}

/// What a request shows for it.
enum Proof {
    /// A secret, by this method.
    Secret(AuthMethod, Secret),
    /// A signed assertion, and its length in bytes.
    Assertion(Box<Jwt>, usize),
    /// Nothing in the request itself: the connection may have a certificate, or the client is public.
    Nothing,
}

/// A client that has proved itself, or that need not.
#[derive(Debug)]
pub(crate) struct Authenticated {
    pub(crate) client: Arc<Client>,
    pub(crate) method: AuthMethod,
}

impl Authenticated {
    /// A client that keeps no secret (RFC 6749 §2.1).
    pub(crate) fn is_public(&self) -> bool {
        self.method == AuthMethod::None
    }
}

/// A request, where and when it came.
struct Visit<'a> {
    call: &'a Call,
    listener: &'a Listener,
    now_ms: i64,
}

impl Visit<'_> {
    fn place(&self) -> Place {
        Place::of(self.call, self.listener)
    }
}

/// Reads the credentials of a request.
///
/// # Errors
///
/// If there are none, if they are malformed, or if there is more than one (RFC 6749 §2.3).
pub(crate) fn read(headers: &HeaderMap, form: &Form) -> Result<Credentials, OAuthError> {
    let all = [basic::read(headers)?, post::read(form), assertion::read(form)?];
    let mut found = all.into_iter().flatten();
    match (found.next(), found.next(), form.get("client_id")) {
        (Some(_), Some(_), _) => {
            let text = "more than one method of client authentication was used";
            Err(OAuthError::new(Cause::SeveralAuthentications, text))
        }
        (Some(credentials), None, Some(id)) if id != credentials.id => {
            let text = "client_id is another one than the client authenticates as";
            Err(OAuthError::new(Cause::MalformedRequest, text))
        }
        (Some(credentials), None, _) => Ok(credentials),
        (None, _, Some(id)) => Ok(Credentials { id: id.to_owned(), proof: Proof::Nothing }),
        (None, _, None) => Err(OAuthError::client(Cause::NoAuthentication)),
    }
}

/// The client of a request.
///
/// # Errors
///
/// `invalid_client`, with one text for every cause; `invalid_request` if the credentials are malformed.
pub(crate) fn authenticate(
    call: &Call,
    form: &Form,
    listener: &Listener,
    store: &mut Store,
    now_ms: i64,
) -> Result<Authenticated, OAuthError> {
    let refused = |cause| Err(OAuthError::client(cause));
    let visit = Visit { call, listener, now_ms };
    let vouched = call.vouched.as_ref().map(|id| Credentials { id: id.clone(), proof: Proof::Nothing });
    let credentials = match (&vouched, call.credentials(form)) {
        (Some(vouched), _) => vouched,
        (None, Ok(credentials)) => credentials,
        (None, Err(error)) if error.cause == Cause::NoAuthentication && call.endpoint == Endpoint::Token => {
            return service_account::claimed(form, store).ok_or_else(|| error.clone());
        }
        (None, Err(error)) => return Err(error.clone()),
    };
    let Some(registered) = store.clients.get(&credentials.id) else { return refused(Cause::UnknownClient) };
    let (client, disabled) = (Arc::clone(&registered.client), registered.disabled);
    let method = match (&credentials.proof, &call.peer) {
        _ if call.vouched.is_some() => client.methods.first().copied().unwrap_or(AuthMethod::None),
        (Proof::Secret(method, given), _) => {
            secret::check(&client, given.expose(), now_ms)?;
            *method
        }
        (Proof::Assertion(jwt, length), _) => assertion::check(&client, jwt, *length, &visit, store)?,
        (Proof::Nothing, Some(peer)) if client.uses_certificates() => certificate::check(&client, peer, &visit, store)?,
        (Proof::Nothing, _) => AuthMethod::None,
    };
    if disabled {
        refused(Cause::ClientDisabled)
    } else if !client.methods.contains(&method) {
        refused(Cause::WrongAuthenticationMethod)
    } else if method == AuthMethod::None && call.endpoint == Endpoint::Introspect {
        // RFC 7662 §2.1: who asks must be authorized, and to name oneself is no proof.
        refused(Cause::NoAuthentication)
    } else {
        Ok(Authenticated { client, method })
    }
}
