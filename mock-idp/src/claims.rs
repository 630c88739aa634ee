//! Claims that a client's access tokens have besides the server's own.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::key::SigningKey;

/// The server's own claims (RFC 9068 §2.2, RFC 7800 §3.1, RFC 8693 §4).
const OWN: &[&str] = &["iss", "exp", "aud", "sub", "client_id", "iat", "nbf", "jti", "scope", "cnf", "act", "may_act"];

/// Claims that a client's access tokens have besides the server's own; its opaque ones show them by introspection
/// (RFC 7662 §2.2). What a dialect says itself stays as it is. Clones share them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExtraClaims(Arc<Map<String, Value>>);

/// Claims that no token can have.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimsError {
    /// The server says this one itself.
    #[error("the claim `{0}` is the server's own")]
    Reserved(String),
    /// They are larger than [`ExtraClaims::LIMIT`].
    #[error("the claims have {size} bytes as JSON, and may have {limit} (64 KiB)", limit = ExtraClaims::LIMIT)]
    TooLarge {
        /// Their size in bytes, as JSON.
        size: usize,
    },
}

impl ExtraClaims {
    /// Most bytes that they may have as JSON, all together.
    pub const LIMIT: usize = 64 * 1024;

    /// These claims.
    ///
    /// # Errors
    ///
    /// If one of them is the server's own, or if all together are too large.
    pub fn new(claims: Map<String, Value>) -> Result<Self, ClaimsError> {
        if let Some(name) = claims.keys().find(|name| OWN.contains(&name.as_str())) {
            return Err(ClaimsError::Reserved(name.clone()));
        }
        let size = serde_json::to_vec(&claims).map_or(usize::MAX, |json| json.len());
        match size > Self::LIMIT {
            true => Err(ClaimsError::TooLarge { size }),
            false => Ok(Self(Arc::new(claims))),
        }
    }

    /// The claims by their names.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Adds those that are not there.
    pub(crate) fn add_to(&self, claims: &mut Map<String, Value>) {
        for (name, value) in self.0.iter() {
            claims.entry(name).or_insert_with(|| value.clone());
        }
    }

    /// A signed JWT of type `typ` with these claims besides its own.
    pub(crate) fn sign(&self, key: &SigningKey, typ: &str, own: &impl Serialize) -> String {
        if self.0.is_empty() {
            return key.sign(typ, own);
        }
        match serde_json::to_value(own) {
            Ok(Value::Object(mut claims)) => {
                self.add_to(&mut claims);
                key.sign(typ, &claims)
            }
            // A claims set is an object (RFC 7519 §4): this is never so.
            _ => key.sign(typ, own),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Result<ExtraClaims, ClaimsError> {
        ExtraClaims::new(value.as_object().expect("an object").clone())
    }

    #[test]
    fn the_limit_is_told_and_counts_every_byte() {
        // {"a":"…"} has eight bytes beside the text.
        let of_size = |size: usize| claims(json!({"a": "x".repeat(size - 8)}));
        assert!(of_size(ExtraClaims::LIMIT).is_ok());
        let error = of_size(ExtraClaims::LIMIT + 1).expect_err("one byte too many").to_string();
        assert_eq!(error, "the claims have 65537 bytes as JSON, and may have 65536 (64 KiB)");
    }

    #[test]
    fn what_the_server_says_itself_is_refused_or_stays() {
        // RFC 9068 §2.2, RFC 7800 §3.1, RFC 8693 §4; by their names here, so that none gets lost.
        for name in ["iss", "exp", "aud", "sub", "client_id", "iat", "nbf", "jti", "scope", "cnf", "act", "may_act"] {
            let error = claims(json!({name: "mine"})).expect_err(name).to_string();
            assert_eq!(error, format!("the claim `{name}` is the server's own"));
        }
        let mut own = json!({"tid": "t"}).as_object().expect("an object").clone();
        claims(json!({"tid": "mine", "team": "a"})).expect("good").add_to(&mut own);
        assert_eq!(Value::Object(own), json!({"tid": "t", "team": "a"}));
    }
}
