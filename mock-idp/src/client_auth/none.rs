//! `none`: a public client says who it is and proves nothing (RFC 6749 §2.1).

use super::Credentials;
use crate::config::AuthMethod;
use crate::endpoint::Form;

pub(super) fn read(form: &Form) -> Option<Credentials> {
    let id = form.get("client_id")?.to_owned();
    Some(Credentials { id, secret: String::new(), method: AuthMethod::None })
}
