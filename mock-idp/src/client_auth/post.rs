//! `client_secret_post` (RFC 6749 §2.3.1).

use super::{Credentials, Proof};
use crate::config::AuthMethod;
use crate::endpoint::Form;
use crate::secret::Secret;

pub(super) fn read(form: &Form) -> Option<Credentials> {
    let proof = Proof::Secret(AuthMethod::Post, Secret::new(form.get("client_secret")?));
    Some(Credentials { id: form.get("client_id").unwrap_or_default().to_owned(), proof })
}
