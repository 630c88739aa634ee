//! `client_secret_post` (RFC 6749 §2.3.1).

use super::Credentials;
use crate::config::AuthMethod;
use crate::endpoint::Form;

pub(super) fn read(form: &Form) -> Option<Credentials> {
    let secret = form.get("client_secret")?.to_owned();
    Some(Credentials { id: form.get("client_id").unwrap_or_default().to_owned(), secret, method: AuthMethod::Post })
}
