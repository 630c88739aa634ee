//! Proof Key for Code Exchange (RFC 7636). Only `S256`: `plain` proves nothing to who sees the request.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::error::{Cause, OAuthError};

/// `code_challenge` of the method `S256`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge(String);

impl Challenge {
    /// Reads the parameters of an authorization request.
    ///
    /// # Errors
    ///
    /// `invalid_request` if the method is another than `S256` (without one it is `plain`, §4.3), or if the challenge
    /// is no base64url of a SHA-256 digest.
    pub(crate) fn read(challenge: Option<&str>, method: Option<&str>) -> Result<Option<Self>, OAuthError> {
        let refused = |text: &str| Err(OAuthError::new(Cause::MalformedRequest, text));
        let Some(challenge) = challenge else {
            return match method {
                None => Ok(None),
                Some(_) => refused("code_challenge_method came without code_challenge"),
            };
        };
        if method != Some("S256") {
            return refused("code_challenge_method must be S256");
        }
        if URL_SAFE_NO_PAD.decode(challenge).map(|digest| digest.len()) != Ok(32) {
            return refused("code_challenge must be the base64url of a SHA-256 digest");
        }
        Ok(Some(Self(challenge.to_owned())))
    }

    /// Whether `verifier` is what the challenge was made of (§4.6), and has the form of §4.1.
    pub(crate) fn is_met_by(&self, verifier: &str) -> bool {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let well_formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
        let computed = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        well_formed && bool::from(computed.as_bytes().ct_eq(self.0.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7636_appendix_b_the_example_holds() {
        let challenge = Challenge::read(Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), Some("S256"));
        let challenge = challenge.expect("well formed").expect("there");
        assert!(challenge.is_met_by("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert!(!challenge.is_met_by("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXj"));
        assert!(!challenge.is_met_by(""));
    }

    #[test]
    fn rfc7636_4_1_a_verifier_has_43_to_128_unreserved_characters() {
        for (verifier, fits) in [
            ("a".repeat(42), false),
            ("a".repeat(43), true),
            ("~._-".repeat(32), true),
            ("a".repeat(129), false),
            (format!("{}+", "a".repeat(43)), false),
        ] {
            let challenge = Challenge(URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())));
            assert_eq!(challenge.is_met_by(&verifier), fits, "{verifier}");
        }
    }
}
