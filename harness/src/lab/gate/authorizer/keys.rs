//! Keys of tokens, as the server gets them: from a JWKS, once at its start and then at fixed intervals, never because a
//! token names a key that is not there.

use std::collections::HashMap;

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use parking_lot::RwLock;
use serde::Deserialize;
use serde_json::Value;

/// Keys that verify signatures.
#[derive(Default)]
pub(in super::super) struct Keys(RwLock<Known>);

#[derive(Default)]
struct Known {
    rsa: HashMap<String, DecodingKey>,
    ec: HashMap<String, DecodingKey>,
}

/// A document that is no JWKS. The keys of before stay.
#[derive(Debug, thiserror::Error)]
#[error("the document at the JWKS address is no JWKS")]
pub struct NoJwks(#[source] serde_json::Error);

#[derive(Deserialize)]
struct Document {
    /// A JSON document without keys is a JWKS without keys: an error page in JSON takes all keys away.
    #[serde(default)]
    keys: Option<Vec<Value>>,
}

impl Keys {
    /// Replaces all keys by those of a JWKS.
    pub(in super::super) fn replace(&self, jwks: &[u8]) -> Result<(), NoJwks> {
        let document: Document = serde_json::from_slice(jwks).map_err(NoJwks)?;
        let mut known = Known::default();
        for key in document.keys.unwrap_or_default() {
            // What is of another kind is left out.
            let Ok(key) = serde_json::from_value::<Jwk>(key) else { continue };
            let Ok(decoding) = DecodingKey::from_jwk(&key) else { continue };
            let id = key.common.key_id.unwrap_or_default();
            match key.algorithm {
                AlgorithmParameters::RSA(_) => known.rsa.insert(id, decoding),
                AlgorithmParameters::EllipticCurve(_) => known.ec.insert(id, decoding),
                _ => None,
            };
        }
        *self.0.write() = known;
        Ok(())
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        let known = self.0.read();
        known.rsa.is_empty() && known.ec.is_empty()
    }

    /// Whether the key `kid` has made this signature. The server takes two algorithms, and keeps keys of both kinds
    /// apart.
    pub(super) fn verify(&self, algorithm: &str, kid: &str, message: &str, signature: &str) -> bool {
        let known = self.0.read();
        let (algorithm, key) = match algorithm {
            "RS256" => (Algorithm::RS256, known.rsa.get(kid)),
            "ES256" => (Algorithm::ES256, known.ec.get(kid)),
            _ => return false,
        };
        key.is_some_and(|key| crypto::verify(signature, message.as_bytes(), key, algorithm).unwrap_or(false))
    }
}
