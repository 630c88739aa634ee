//! The parameters of a request.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::error::{Cause, OAuthError};

/// The parameters of a form, each at most once, but `resource` (RFC 8707 §2).
#[derive(Debug, Default, Clone)]
pub(crate) struct Form {
    single: BTreeMap<String, String>,
    resources: Vec<String>,
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
        Self::parse(body)
    }

    /// Reads the parameters of a query.
    ///
    /// # Errors
    ///
    /// `invalid_request` if a parameter stands twice.
    pub(crate) fn read_query(query: Option<&str>) -> Result<Self, OAuthError> {
        Self::parse(query.unwrap_or_default().as_bytes())
    }

    fn parse(text: &[u8]) -> Result<Self, OAuthError> {
        let mut form = Self::default();
        for (name, value) in url::form_urlencoded::parse(text) {
            if name == "resource" {
                form.resources.push(value.into_owned());
            } else if form.single.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(OAuthError::new(Cause::MalformedRequest, "a parameter stands twice"));
            }
        }
        // RFC 6749 §3.2: a parameter without a value is treated as omitted.
        form.single.retain(|_, value| !value.is_empty());
        form.resources.retain(|value| !value.is_empty());
        Ok(form)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.single.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.single.remove(name);
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.single.get(name).map(String::as_str)
    }

    pub(crate) fn resources(&self) -> &[String] {
        &self.resources
    }
}
