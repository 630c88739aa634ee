//! The public keys of somebody who signs.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use serde_json::Value;
use url::{Host, Url};

use super::Flaw;

/// Key sets that were fetched for a request before it is decided, by their address.
pub(crate) type FetchedKeys = BTreeMap<Url, Result<Arc<JwkSet>, Flaw>>;

/// Where the public keys of a client or an issuer come from.
#[derive(Debug, Clone)]
pub struct KeySource(Source);

#[derive(Debug, Clone)]
enum Source {
    Inline(Arc<JwkSet>),
    Url(Url),
}

/// A key source that cannot be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeySourceError {
    /// It is no JSON Web Key Set.
    #[error("this is no JSON Web Key Set (RFC 7517 §5): give an object with an array `keys`")]
    NoKeySet(#[source] serde_json::Error),
    /// It is no address.
    #[error("this is no address: give a URL such as http://127.0.0.1:8080/jwks")]
    NoUrl(#[source] url::ParseError),
    /// It is an address elsewhere.
    #[error(
        "keys are fetched by http or https from this machine only: give an address such as http://127.0.0.1:8080/jwks"
    )]
    NotLoopback,
}

impl KeySource {
    /// These keys (RFC 7517 §5).
    ///
    /// # Errors
    ///
    /// If it is no key set.
    pub fn inline(keys: Value) -> Result<Self, KeySourceError> {
        let keys: JwkSet = serde_json::from_value(keys).map_err(KeySourceError::NoKeySet)?;
        Ok(Self(Source::Inline(Arc::new(keys))))
    }

    /// Whatever is served at this address when a signature is to be verified.
    ///
    /// # Errors
    ///
    /// If it is no address of this machine: a test must not reach out, and nobody may use an identity provider to do
    /// so.
    pub fn url(address: &str) -> Result<Self, KeySourceError> {
        let url = Url::parse(address).map_err(KeySourceError::NoUrl)?;
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
            None => false,
        };
        match loopback && matches!(url.scheme(), "http" | "https") {
            true => Ok(Self(Source::Url(url))),
            false => Err(KeySourceError::NotLoopback),
        }
    }

    /// The address that the keys must be fetched from before [`KeySource::keys`] can give them.
    pub(crate) fn address(&self) -> Option<&Url> {
        match &self.0 {
            Source::Inline(_) => None,
            Source::Url(url) => Some(url),
        }
    }

    /// The keys, now.
    ///
    /// # Errors
    ///
    /// If they could not be fetched.
    pub(crate) fn keys(&self, fetched: &FetchedKeys) -> Result<Arc<JwkSet>, Flaw> {
        match &self.0 {
            Source::Inline(keys) => Ok(Arc::clone(keys)),
            Source::Url(url) => fetched.get(url).cloned().unwrap_or_else(|| Err("its keys were not fetched".into())),
        }
    }
}

impl From<Jwk> for KeySource {
    fn from(key: Jwk) -> Self {
        Self(Source::Inline(Arc::new(JwkSet { keys: vec![key] })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fetched_from_this_machine_only() {
        for good in ["http://127.0.0.1/k", "https://[::1]:8443/k", "http://localhost:1/k", "http://127.9.9.9/"] {
            assert!(KeySource::url(good).is_ok(), "{good}");
        }
        for bad in
            ["http://192.0.2.1/", "http://example.org/", "file:///etc/passwd", "http://localhost.example.org/", "k"]
        {
            assert!(KeySource::url(bad).is_err(), "{bad}");
        }
    }
}
