//! The public keys of somebody who signs.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use serde_json::Value;
use url::{Host, Url};

use super::Flaw;
use crate::tls::{self, TlsError};

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
    /// A certificate has no key that can be taken from it.
    #[error(transparent)]
    Certificate(#[from] TlsError),
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

    /// The keys of these certificates, which stand in this PEM text: each is registered as itself, too, for
    /// `self_signed_tls_client_auth` (RFC 8705 §2.2).
    ///
    /// # Errors
    ///
    /// If there is none, or one whose key is neither RSA nor on P-256 or P-384.
    pub fn certificates(pem: &str) -> Result<Self, KeySourceError> {
        let keys = tls::jwks(pem)?;
        Self::inline(keys)
    }

    /// Whether a certificate can be one of them; of keys that are fetched nobody knows before.
    #[cfg(feature = "file")]
    pub(crate) fn may_have_certificates(&self) -> bool {
        let Source::Inline(keys) = &self.0 else { return true };
        let has = |key: &Jwk| key.common.x509_chain.is_some() || key.common.x509_sha256_fingerprint.is_some();
        keys.keys.iter().any(has)
    }

    /// Whether there is a key for sure or perhaps.
    #[cfg(feature = "file")]
    pub(crate) fn may_have_keys(&self) -> bool {
        !matches!(&self.0, Source::Inline(keys) if keys.keys.is_empty())
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
