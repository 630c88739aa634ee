//! Judging proofs, one after another.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::nonce::NonceSource;
use super::proof::Proof;
use super::{DpopError, DpopRules, Nonces, Presented};
use crate::assertion::Replays;
use crate::holder::Binding;

/// Judges the proofs that one server gets, and remembers them so that none is good twice.
pub struct DpopVerifier {
    rules: DpopRules,
    state: Mutex<State>,
}

#[derive(Clone)]
struct State {
    seen: Replays,
    nonces: NonceSource,
}

/// A copy that has seen the same and goes its own way from there.
impl Clone for DpopVerifier {
    fn clone(&self) -> Self {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self { rules: self.rules.clone(), state: Mutex::new(state) }
    }
}

impl DpopVerifier {
    /// A server that has seen nothing.
    pub fn new(rules: DpopRules) -> Self {
        Self { rules, state: Mutex::new(State { seen: Replays::default(), nonces: NonceSource::new() }) }
    }

    /// The thumbprint of the key that a request's proof is signed with; `None` if it has no proof.
    ///
    /// # Errors
    ///
    /// If there is a proof and it is not good, here and now.
    pub fn verify(&self, presented: &Presented<'_>, now_ms: i64) -> Result<Option<String>, DpopError> {
        let Some(proof) = Proof::read(presented)? else { return Ok(None) };
        let (oldest_ms, newest_ms) =
            (now_ms - milliseconds(self.rules.max_age), now_ms + milliseconds(self.rules.skew));
        if proof.iat_ms < oldest_ms {
            return Err(DpopError::Invalid("iat is too old".into()));
        }
        if proof.iat_ms > newest_ms {
            return Err(DpopError::Invalid("iat is in the future".into()));
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Nonces::On { lifetime } = self.rules.nonces
            && !proof.nonce.as_ref().is_some_and(|nonce| state.nonces.is_good(nonce, lifetime, now_ms))
        {
            return Err(DpopError::NonceNeeded);
        }
        let until_ms = proof.iat_ms.saturating_add(milliseconds(self.rules.max_age));
        match state.seen.first_use(&[&proof.jkt, &proof.jti], until_ms, now_ms) {
            true => Ok(Some(proof.jkt)),
            false => Err(DpopError::Invalid("it was used before".into())),
        }
    }

    /// Whether a request proves what the access token that it presents is bound to. For a token that is bound to no
    /// key, a proof is not needed; one that is there must be good.
    ///
    /// # Errors
    ///
    /// If there is no proof and the token needs one, if it is not good, here and now, or if it is another key's.
    pub fn verify_presented(&self, presented: &Presented<'_>, bound: &Binding, now_ms: i64) -> Result<(), DpopError> {
        let proved = self.verify(presented, now_ms)?;
        match (&bound.jkt, proved) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(DpopError::Missing),
            (Some(jkt), Some(proved)) if *jkt == proved => Ok(()),
            (Some(_), Some(_)) => Err(DpopError::OtherKey),
        }
    }

    /// The nonce that the next proof should hold, for the header `DPoP-Nonce`; `None` if nonces are off.
    pub fn nonce(&self, now_ms: i64) -> Option<String> {
        match self.rules.nonces {
            Nonces::Off => None,
            Nonces::On { lifetime } => {
                let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                Some(state.nonces.newest(lifetime, now_ms))
            }
        }
    }

    /// Every nonce that was given out is refused from now on.
    pub fn replace_nonces(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).nonces.replace();
    }

    /// Tells the newest nonce in an answer to a proof (RFC 9449 §8.2).
    pub(crate) fn tell(&self, request: &HeaderMap, answer: &mut HeaderMap, now_ms: i64) {
        if request.contains_key("dpop")
            && let Some(nonce) = self.nonce(now_ms).and_then(|nonce| HeaderValue::try_from(nonce).ok())
        {
            answer.insert(HeaderName::from_static("dpop-nonce"), nonce);
        }
    }
}

impl std::fmt::Debug for DpopVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DpopVerifier").field("rules", &self.rules).finish_non_exhaustive()
    }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4)
}
