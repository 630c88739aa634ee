//! Service accounts: a client that shows nothing but the assertion that is its grant (RFC 7521 §4.1, where client
//! authentication is optional).

use std::sync::Arc;

use super::Authenticated;
use crate::assertion::Jwt;
use crate::config::AuthMethod;
use crate::endpoint::Form;
use crate::store::Store;

/// The account that an assertion claims to be of. Nothing is proved by that: the grant verifies the assertion.
pub(super) fn claimed(form: &Form, store: &Store) -> Option<Authenticated> {
    let jwt = Jwt::parse(form.get("assertion")?).ok()?;
    let account = store.proofs.issuer(jwt.text("iss")?)?.service_account.as_ref()?;
    let registered = store.clients.get(account).filter(|registered| !registered.disabled)?;
    Some(Authenticated { client: Arc::clone(&registered.client), method: AuthMethod::None })
}
