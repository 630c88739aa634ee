//! The parameters of a request.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::error::{Cause, OAuthError};

/// The parameters of a form, each at most once, but `resource` (RFC 8707 §2), and `audience` in a token exchange
/// (RFC 8693 §2.1).
#[derive(Debug, Default)]
pub(crate) struct Form {
    single: BTreeMap<String, String>,
    resources: Vec<String>,
    audiences: Vec<String>,
}

impl Form {
    /// Reads the body of a POST.
    ///
    /// # Errors
    ///
    /// `invalid_request` if it is of another type than RFC 6749 §4.4.2 asks for, or if a parameter stands twice (§3.2).
    pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, OAuthError> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let text = "the body must be application/x-www-form-urlencoded";
            return Err(OAuthError::new(Cause::MalformedRequest, text));
        }
        let mut form = Self::default();
        for (name, value) in url::form_urlencoded::parse(body) {
            if name == "resource" {
                form.resources.push(value.into_owned());
            } else if name == "audience" {
                form.audiences.push(value.into_owned());
            } else if form.single.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(OAuthError::new(Cause::MalformedRequest, "a parameter stands twice"));
            }
        }
        // RFC 6749 §3.2: a parameter without a value is treated as omitted.
        form.single.retain(|_, value| !value.is_empty());
        form.resources.retain(|value| !value.is_empty());
        form.audiences.retain(|value| !value.is_empty());
        if let [first, ..] = &form.audiences[..] {
            form.single.insert("audience".to_owned(), first.clone());
        }
        let exchange = form.get("grant_type") == Some("urn:ietf:params:oauth:grant-type:token-exchange");
        match form.audiences.len() > 1 && !exchange {
            true => Err(OAuthError::new(Cause::MalformedRequest, "a parameter stands twice")),
            false => Ok(form),
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.single.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.single.get(name).map(String::as_str)
    }

    pub(crate) fn audiences(&self) -> &[String] {
        &self.audiences
    }

    pub(crate) fn resources(&self) -> &[String] {
        &self.resources
    }
}
