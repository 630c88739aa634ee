//! A bearer token, read as the server's library reads it (golang-jwt v4, `MapClaims`): `exp`, `nbf` and `iat` without
//! leeway, each only if it is there, and as good as absent if it is zero.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::keys::Keys;

/// Claims of a token whose signature and times are good.
pub(super) struct Claims(Map<String, Value>);

/// Why a token is not taken. The caller never learns it: all refusals look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The header is not `Bearer`, a space and a token.
    Scheme,
    /// It is no JWT.
    Malformed,
    /// Its header names no key.
    NoKey,
    /// Its signature is not that of a known key.
    Signature,
    Expired,
    NotYet,
    Audience,
    /// `sub` is no text.
    Subject,
    NoExpiry,
}

impl Flaw {
    /// As the journal has it, in the words of the API's refusals where they fit.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Scheme => "no_bearer",
            Self::Malformed => "malformed",
            Self::NoKey => "no_key_id",
            Self::Signature => "unknown_key",
            Self::Expired => "expired",
            Self::NotYet => "not_yet_valid",
            Self::Audience => "other_audience",
            Self::Subject => "no_subject",
            Self::NoExpiry => "no_expiry",
        }
    }
}

impl Claims {
    /// Reads `Authorization: Bearer …` (RFC 6750 §2.1), the scheme in any case.
    pub(super) fn read(header: &str, keys: &Keys, now_s: i64) -> Result<Self, Flaw> {
        let (scheme, token) = header.split_once(' ').ok_or(Flaw::Scheme)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Flaw::Scheme);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(Flaw::Malformed)?;
        let (head, claims) = message.split_once('.').ok_or(Flaw::Malformed)?;
        let (head, claims) = (object(head)?, object(claims)?);
        let algorithm = head.get("alg").and_then(Value::as_str).ok_or(Flaw::Malformed)?;
        let kid = head.get("kid").and_then(Value::as_str).ok_or(Flaw::NoKey)?;
        if !keys.verify(algorithm, kid, message, signature) {
            return Err(Flaw::Signature);
        }
        let read = Self(claims);
        if read.time("exp").is_some_and(|exp| exp.is_none_or(|exp| now_s >= exp)) {
            return Err(Flaw::Expired);
        }
        for claim in ["iat", "nbf"] {
            if read.time(claim).is_some_and(|from| from.is_none_or(|from| now_s < from)) {
                return Err(Flaw::NotYet);
            }
        }
        Ok(read)
    }

    /// A time, in whole seconds: `None` if there is none or it is zero, and no number inside if it is none.
    fn time(&self, claim: &str) -> Option<Option<i64>> {
        let value = self.0.get(claim)?;
        let Some(seconds) = value.as_f64().filter(|_| value.is_number()) else { return Some(None) };
        // Saturates where the server's would overflow.
        (seconds != 0.0).then_some(Some(seconds.floor() as i64))
    }

    /// Whether it says when it ends.
    pub(super) fn expires(&self) -> bool {
        self.0.contains_key("exp")
    }

    /// `sub`.
    pub(super) fn subject(&self) -> Result<&str, Flaw> {
        self.0.get("sub").and_then(Value::as_str).ok_or(Flaw::Subject)
    }

    /// Whether `aud` names this audience, alone or in a list of texts.
    pub(super) fn is_for(&self, audience: &str) -> bool {
        match self.0.get("aud") {
            Some(Value::String(only)) => only == audience,
            Some(Value::Array(several)) => {
                several.iter().all(Value::is_string) && several.iter().any(|one| one == audience)
            }
            _ => false,
        }
    }

    /// The texts in a list; nothing if it is no list.
    pub(super) fn texts(&self, claim: &str) -> impl Iterator<Item = &str> {
        let list = self.0.get(claim).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }
}

fn object(part: &str) -> Result<Map<String, Value>, Flaw> {
    let text = URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::Malformed)?;
    serde_json::from_slice(&text).map_err(|_| Flaw::Malformed)
}
