//! How likely a rule acts.

use rand::RngExt as _;
use rand_chacha::ChaCha12Rng;
use serde::{Deserialize, Serialize};

/// How likely a rule acts on a request that it matches, from 0 (never) to 1 (always, the default).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

/// A number that is no probability.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{0} is no probability: write a number from 0 to 1")]
pub struct NotAProbability(f64);

impl Probability {
    /// Never: as if the rule were not there.
    pub const NEVER: Self = Self(0.0);
    /// On each request.
    pub const ALWAYS: Self = Self(1.0);

    /// Whether it depends on a draw.
    pub(super) fn is_random(self) -> bool {
        self != Self::NEVER && self != Self::ALWAYS
    }

    /// Draws only if the outcome is open.
    pub(super) fn happens(self, random: &mut ChaCha12Rng) -> bool {
        if self.is_random() { random.random_bool(self.0) } else { self == Self::ALWAYS }
    }
}

impl Default for Probability {
    fn default() -> Self {
        Self::ALWAYS
    }
}

impl TryFrom<f64> for Probability {
    type Error = NotAProbability;

    fn try_from(value: f64) -> Result<Self, NotAProbability> {
        if (0.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(NotAProbability(value)) }
    }
}

impl From<Probability> for f64 {
    fn from(probability: Probability) -> Self {
        probability.0
    }
}
