//! Proof of possession per request (RFC 9449).
//!
//! Public, because whoever puts a protected API beside the identity provider has to verify proofs there:
//! [`DpopVerifier::verify_presented`] is all that it needs.

mod nonce;
mod proof;
mod verifier;

use std::time::Duration;

pub use proof::{DpopError, Presented};
pub use verifier::DpopVerifier;

/// What DPoP proofs must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DpopRules {
    /// Oldest `iat` that is taken.
    pub max_age: Duration,
    /// How far in the future `iat` may be.
    pub skew: Duration,
    /// Whether a proof must hold a nonce of the server.
    pub nonces: Nonces,
}

/// Nonces of a server (RFC 9449 §8 and §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nonces {
    /// None are given, and none are asked for.
    Off,
    /// Every proof needs the newest one or the one before it. A request without one is refused with `use_dpop_nonce`
    /// and told the newest; every answer to a proof tells it.
    On {
        /// How long one is the newest.
        lifetime: Duration,
    },
}

impl Default for DpopRules {
    fn default() -> Self {
        Self { max_age: Duration::from_secs(60), skew: Duration::ZERO, nonces: Nonces::Off }
    }
}
