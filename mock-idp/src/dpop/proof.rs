//! One proof (RFC 9449 §4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use jsonwebtoken::AlgorithmFamily;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde_json::Value;
use url::Url;

use crate::assertion::{Flaw, Jwt};

/// A request at which a proof is shown.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The header fields of the request.
    pub headers: &'a HeaderMap,
    /// Its method.
    pub method: &'a str,
    /// The address that the client used, with scheme and host. Query and fragment do not matter.
    pub url: &'a str,
    /// The access token in it; none at a token endpoint.
    pub access_token: Option<&'a str>,
}

/// Why a proof is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DpopError {
    /// There is none, and one is needed.
    #[error("the DPoP proof is missing")]
    Missing,
    /// It is not what RFC 9449 §4.3 asks for.
    #[error("the DPoP proof is refused: {0}")]
    Invalid(String),
    /// It lacks a nonce of the server, or has an old one.
    #[error("the DPoP proof needs the newest nonce of the server")]
    NonceNeeded,
    /// It is right, and the token is bound to another key.
    #[error("the token is bound to another key than that of the DPoP proof")]
    OtherKey,
}

impl DpopError {
    /// `error` for the client (RFC 9449 §5, §7.1, §8 and §9). A protected resource says it in `WWW-Authenticate`, an
    /// authorization server in the body.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing | Self::Invalid(_) => "invalid_dpop_proof",
            Self::NonceNeeded => "use_dpop_nonce",
            Self::OtherKey => "invalid_token",
        }
    }
}

impl From<Flaw> for DpopError {
    fn from(flaw: Flaw) -> Self {
        Self::Invalid(flaw.to_string())
    }
}

/// A proof whose signature, key, type, method and address are right. Its time, nonce and newness are not judged yet.
pub(super) struct Proof {
    /// Thumbprint of its key (RFC 7638).
    pub(super) jkt: String,
    pub(super) jti: String,
    pub(super) iat_ms: i64,
    pub(super) nonce: Option<String>,
}

/// Members of a JWK that only its owner may know (RFC 7518 §6).
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl Proof {
    /// The proof in a request's header; `None` if there is none.
    pub(super) fn read(presented: &Presented<'_>) -> Result<Option<Self>, DpopError> {
        let mut values = presented.headers.get_all("dpop").iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Flaw::from("there is more than one").into());
        }
        let text = value.to_str().map_err(|_| Flaw::from("it is no JWT"))?;
        Ok(Some(Self::verify(text, presented)?))
    }

    fn verify(text: &str, presented: &Presented<'_>) -> Result<Self, Flaw> {
        let jwt = Jwt::parse(text)?;
        if jwt.header("typ").and_then(Value::as_str) != Some("dpop+jwt") {
            return Err("its typ is not dpop+jwt".into());
        }
        if jwt.algorithm.family() == AlgorithmFamily::Hmac {
            return Err("its algorithm is symmetric".into());
        }
        let key = jwt.header("jwk").ok_or("its header has no jwk")?;
        if PRIVATE.iter().any(|member| key.get(member).is_some()) {
            return Err("its jwk holds a private key".into());
        }
        let key: Jwk = serde_json::from_value(key.clone()).map_err(|_| "its jwk cannot be read")?;
        if !jwt.verify_key(&key) {
            return Err("its signature is not that of its jwk".into());
        }
        let jkt = key.thumbprint(ThumbprintHash::SHA256).map_err(|_| "its jwk cannot be read")?;
        if jwt.text("htm") != Some(presented.method) {
            return Err("htm is not the method of the request".into());
        }
        let target = |text: &str| target(text).ok_or("htu is no address");
        if target(jwt.text("htu").ok_or("htu is missing")?)? != target(presented.url)? {
            return Err("htu is not the address of the request".into());
        }
        if let Some(token) = presented.access_token {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
            if jwt.text("ath") != Some(&URL_SAFE_NO_PAD.encode(digest)) {
                return Err("ath is not the digest of the access token".into());
            }
        }
        let jti = jwt.text("jti").ok_or("jti is missing")?.to_owned();
        let iat_ms = jwt.time_ms("iat")?.ok_or("iat is missing")?;
        Ok(Self { jkt, jti, iat_ms, nonce: jwt.text("nonce").map(str::to_owned) })
    }
}

/// An address without query and fragment, in normal form (RFC 9449 §4.3, RFC 3986 §6.2.2 and §6.2.3).
fn target(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok().filter(|url| url.has_host())?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_compared_without_what_does_not_matter() {
        let same = |one, other| target(one).expect(one) == target(other).expect(other);
        assert!(same("HTTP://LocalHost:80/a?b#c", "http://localhost/a"));
        assert!(!same("http://localhost/a", "https://localhost/a"));
        assert!(!same("http://localhost/a", "http://localhost/A"));
        assert!(target("/a").is_none() && target("urn:a").is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn no_header_panics(bytes in prop::collection::vec(any::<u8>(), 0..80), jwk in "[a-zA-Z0-9\":{},]{0,60}") {
            let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
            let header = format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{jwk}}}"#);
            let made = format!("{}.{}.c2ln", part(&header), part("{}"));
            let values = [HeaderValue::from_bytes(&bytes), HeaderValue::from_bytes(made.as_bytes())];
            for value in values.into_iter().flatten() {
                let headers = HeaderMap::from_iter([(http::HeaderName::from_static("dpop"), value)]);
                let request = Presented { headers: &headers, method: "POST", url: "http://a/b", access_token: None };
                prop_assert!(Proof::read(&request).is_err());
            }
        }
    }
}
