//! `client_secret_basic` (RFC 6749 §2.3.1): id and secret are form-encoded before they are joined.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::{Credentials, Proof};
use crate::config::AuthMethod;
use crate::error::{Cause, OAuthError};
use crate::secret::Secret;

pub(super) fn read(headers: &HeaderMap) -> Result<Option<Credentials>, OAuthError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(OAuthError::new(Cause::MalformedRequest, "the Authorization header stands twice"));
    }
    let decoded = || {
        let (scheme, text) = value.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        let proof = Proof::Secret(AuthMethod::Basic, Secret::new(form_decoded(secret)));
        Some(Credentials { id: form_decoded(id), proof })
    };
    decoded().map(Some).ok_or_else(|| OAuthError::client(Cause::UnreadableAuthentication))
}

fn form_decoded(text: &str) -> String {
    // Many clients do not encode: what separates parameters is taken as itself.
    let whole = format!("v={}", text.replace('&', "%26").replace('=', "%3D"));
    url::form_urlencoded::parse(whole.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_and_what_is_not_stays() {
        assert_eq!(form_decoded("a%3Ab+c"), "a:b c");
        assert_eq!(form_decoded("a&b=c"), "a&b=c");
        assert_eq!(form_decoded(""), "");
    }
}
