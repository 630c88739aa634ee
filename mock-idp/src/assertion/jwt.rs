//! A signed JWT in compact form (RFC 7515 §7.1, RFC 7519), taken apart before anything in it is believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde_json::{Map, Value};

use super::Flaw;
use crate::secret::Secret;

/// Algorithms that a key pair signs with (RFC 7518 §3.1, RFC 8037 §3.1), as metadata name them.
pub(crate) const ASYMMETRIC: &[&str] =
    &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// Algorithms that a shared secret signs with.
pub(crate) const SYMMETRIC: &[&str] = &["HS256", "HS384", "HS512"];

/// A JWT that can be read. Only [`Jwt::verify`] and [`Jwt::verify_secret`] say whether it is worth anything.
#[derive(Debug, Clone)]
pub(crate) struct Jwt {
    pub(crate) algorithm: Algorithm,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    message: Secret,
    signature: Secret,
}

impl Jwt {
    /// Reads header and claims.
    ///
    /// # Errors
    ///
    /// If it is no JWS of three parts with JSON objects in it, if it is unsigned or signed with what is not supported,
    /// or if it has extensions that must be understood (RFC 7515 §4.1.11).
    pub(crate) fn parse(text: &str) -> Result<Self, Flaw> {
        let (message, signature) = text.rsplit_once('.').ok_or("it is no JWT")?;
        let (header, claims) = message.split_once('.').ok_or("it is no JWT")?;
        let object = |part: &str| -> Option<Map<String, Value>> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
        };
        let header = object(header).ok_or("its header cannot be read")?;
        let claims = object(claims).ok_or("its claims cannot be read")?;
        if header.contains_key("crit") {
            return Err("its header has an extension that must be understood and is not".into());
        }
        let algorithm = header.get("alg").and_then(Value::as_str).ok_or("its header names no algorithm")?;
        let algorithm = algorithm.parse().map_err(|_| "its algorithm is not supported")?;
        let (message, signature) = (Secret::new(message), Secret::new(signature));
        Ok(Self { algorithm, header, claims, message, signature })
    }

    /// A field of the header.
    pub(crate) fn header(&self, name: &str) -> Option<&Value> {
        self.header.get(name)
    }

    /// Which key it says it is signed with.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.header("kid")?.as_str()
    }

    /// All claims.
    pub(crate) fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// A claim that is a text and not empty.
    pub(crate) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str().filter(|text| !text.is_empty())
    }

    /// A point in time (RFC 7519 §2, NumericDate), in milliseconds since the Unix epoch.
    ///
    /// # Errors
    ///
    /// If the claim is there and is no number.
    pub(crate) fn time_ms(&self, claim: &str) -> Result<Option<i64>, Flaw> {
        let Some(value) = self.claims.get(claim) else { return Ok(None) };
        if let Some(seconds) = value.as_i64() {
            return Ok(Some(seconds.saturating_mul(1000)));
        }
        let seconds = value.as_f64().ok_or_else(|| format!("{claim} is no number"))?;
        // Saturates: what is beyond 2^63 is far in the future all the same.
        #[expect(clippy::cast_possible_truncation, reason = "a cast from f64 saturates, which is what is wanted")]
        Ok(Some((seconds * 1000.0) as i64))
    }

    /// `aud`: one text or several (RFC 7519 §4.1.3).
    pub(crate) fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether one of these public keys signed it.
    ///
    /// # Errors
    ///
    /// If none did, or if a shared secret would have to.
    pub(crate) fn verify(&self, keys: &JwkSet) -> Result<(), Flaw> {
        if self.algorithm.family() == AlgorithmFamily::Hmac {
            return Err("it is signed with a shared secret, where a key pair is needed".into());
        }
        let mut fitting = keys.keys.iter().filter(|key| self.fits(key)).peekable();
        if fitting.peek().is_none() {
            return Err("no registered key fits its kid and algorithm".into());
        }
        match fitting.any(|key| DecodingKey::from_jwk(key).is_ok_and(|key| self.signed_by(&key))) {
            true => Ok(()),
            false => Err("its signature is wrong".into()),
        }
    }

    /// Whether this secret signed it.
    pub(crate) fn verify_secret(&self, secret: &Secret) -> bool {
        self.algorithm.family() == AlgorithmFamily::Hmac
            && self.signed_by(&DecodingKey::from_secret(secret.expose().as_bytes()))
    }

    /// Whether the key pair of this public key signed it.
    pub(crate) fn verify_key(&self, key: &Jwk) -> bool {
        fits_algorithm(key, self.algorithm) && DecodingKey::from_jwk(key).is_ok_and(|key| self.signed_by(&key))
    }

    fn signed_by(&self, key: &DecodingKey) -> bool {
        jsonwebtoken::crypto::verify(self.signature.expose(), self.message.expose().as_bytes(), key, self.algorithm)
            .unwrap_or(false)
    }

    /// RFC 7515 §6, RFC 7517 §4: a key for this algorithm, meant for signatures, with the same id if there is one.
    fn fits(&self, key: &Jwk) -> bool {
        self.kid().is_none_or(|kid| key.common.key_id.as_deref() == Some(kid))
            && key.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature)
            && fits_algorithm(key, self.algorithm)
    }
}

/// Whether a public key can verify signatures of this algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
fn fits_algorithm(key: &Jwk, algorithm: Algorithm) -> bool {
    let family = match &key.algorithm {
        AlgorithmParameters::RSA(_) => algorithm.family() == AlgorithmFamily::Rsa,
        AlgorithmParameters::EllipticCurve(key) => matches!(
            (algorithm, &key.curve),
            (Algorithm::ES256, EllipticCurve::P256) | (Algorithm::ES384, EllipticCurve::P384)
        ),
        AlgorithmParameters::OctetKeyPair(key) => {
            (algorithm, &key.curve) == (Algorithm::EdDSA, &EllipticCurve::Ed25519)
        }
        _ => false,
    };
    family && key.common.key_algorithm.is_none_or(|stated| stated == algorithm.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(header: &str, claims: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn what_cannot_be_verified_is_not_even_read() {
        for (header, claims) in [
            (r#"{"alg":"none"}"#, "{}"),
            (r#"{"alg":"NONE"}"#, "{}"),
            (r#"{"typ":"JWT"}"#, "{}"),
            (r#"{"alg":"ES256","crit":["x"],"x":1}"#, "{}"),
            (r#"{"alg":"ES256"}"#, "[]"),
            ("[]", "{}"),
        ] {
            assert!(Jwt::parse(&text(header, claims)).is_err(), "{header} {claims}");
        }
        assert!(Jwt::parse(&text(r#"{"alg":"ES256"}"#, "{}")).is_ok());
        assert!(Jwt::parse("a.b").is_err() && Jwt::parse("").is_err() && Jwt::parse("a.b.c.d").is_err());
    }

    #[test]
    fn a_time_may_have_a_fraction_and_nothing_overflows() {
        let jwt =
            Jwt::parse(&text(r#"{"alg":"ES256"}"#, r#"{"exp":1.5,"nbf":1e300,"iat":"1","x":9e18}"#)).expect("a JWT");
        assert_eq!(jwt.time_ms("exp"), Ok(Some(1500)));
        assert_eq!(jwt.time_ms("nbf"), Ok(Some(i64::MAX)));
        assert_eq!(jwt.time_ms("x"), Ok(Some(i64::MAX)));
        assert_eq!(jwt.time_ms("jti"), Ok(None));
        assert!(jwt.time_ms("iat").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn no_text_panics(text in ".{0,60}", header in ".{0,40}", claims in "[\\[\\]{}\":,a-z0-9.-]{0,40}") {
            let _ = Jwt::parse(&text);
            for text in [self::text(&header, &claims), self::text(r#"{"alg":"ES256"}"#, &claims)] {
                if let Ok(jwt) = Jwt::parse(&text) {
                    let _ = (jwt.audiences().len(), jwt.time_ms("exp"), jwt.verify(&JwkSet::default()));
                    prop_assert!(!jwt.verify_secret(&Secret::new("secret")));
                }
            }
        }
    }
}
