//! The parameters of a request.

use std::collections::{BTreeMap, BTreeSet};

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::error::{Cause, OAuthError};

/// The parameters of a form or query. Each stands at most once, but `resource` (RFC 8707 §2), and `audience` in a token
/// exchange (RFC 8693 §2.1).
#[derive(Debug, Default, Clone)]
pub(crate) struct Form {
    single: BTreeMap<String, String>,
    resources: Vec<String>,
    audiences: Vec<String>,
    /// Those that stand more than once.
    repeated: BTreeSet<String>,
}

impl Form {
    /// Reads the body of a POST.
    ///
    /// # Errors
    ///
    /// `invalid_request` if it is of another type than RFC 6749 §4.4.2 asks for.
    pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, OAuthError> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let text = "the body must be application/x-www-form-urlencoded";
            return Err(OAuthError::new(Cause::MalformedRequest, text));
        }
        Ok(Self::parse(body))
    }

    /// Reads a body or query.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in url::form_urlencoded::parse(text) {
            if name == "resource" {
                form.resources.push(value.into_owned());
                continue;
            }
            if name == "audience" {
                form.audiences.push(value.clone().into_owned());
            }
            if form.single.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                form.repeated.insert(name.into_owned());
            }
        }
        // RFC 6749 §3.2: a parameter without a value is treated as omitted.
        form.single.retain(|_, value| !value.is_empty());
        form.resources.retain(|value| !value.is_empty());
        form.audiences.retain(|value| !value.is_empty());
        if form.get("grant_type") == Some("urn:ietf:params:oauth:grant-type:token-exchange") {
            form.repeated.remove("audience");
        }
        form
    }

    /// The form itself.
    ///
    /// # Errors
    ///
    /// `invalid_request` if a parameter stands twice (RFC 6749 §3.1, §3.2).
    pub(crate) fn once(&self) -> Result<&Self, OAuthError> {
        match self.repeated.is_empty() {
            true => Ok(self),
            false => Err(OAuthError::new(Cause::MalformedRequest, "a parameter stands twice")),
        }
    }

    /// Whether a parameter stands more than once.
    pub(crate) fn repeats(&self, name: &str) -> bool {
        self.repeated.contains(name)
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

    /// Every parameter with its value.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let single = self.single.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        single.chain(self.resources.iter().map(|value| ("resource", value.as_str())))
    }

    pub(crate) fn audiences(&self) -> &[String] {
        &self.audiences
    }

    pub(crate) fn resources(&self) -> &[String] {
        &self.resources
    }
}
