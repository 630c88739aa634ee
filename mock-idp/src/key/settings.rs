//! How many keys there are, and which of them signs what.

use std::num::NonZeroU8;

use serde::{Deserialize, Serialize};

use super::Algorithm;

/// How many keys there are, and which of them signs what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "file", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct KeySettings {
    /// So many are in the JWKS from the start: 16 at most.
    #[cfg_attr(feature = "file", schemars(with = "u8", range(min = 1, max = 16)))]
    pub published: KeyCount,
    /// Which of them signs at the start.
    pub signing: Signing,
    /// ID tokens and what else is no access token are signed by a key of their own, with this algorithm; `None`: by that
    /// of the access tokens, or with ES256 where those are opaque. It stays in each rotation, but can be replaced. A
    /// configuration file that leaves it out has what the dialect's vendor has.
    pub id_tokens: Option<Algorithm>,
}

/// How many keys: at least one, and not so many that making them takes long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct KeyCount(NonZeroU8);

/// A number that is no number of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} keys cannot be published: write a number from 1 to {most}", most = KeyCount::MOST)]
pub struct NoKeyCount(u8);

impl KeyCount {
    /// The largest.
    pub const MOST: u8 = 16;

    /// As a number.
    pub fn get(self) -> u8 {
        self.0.get()
    }
}

impl Default for KeyCount {
    fn default() -> Self {
        Self(NonZeroU8::MIN)
    }
}

impl TryFrom<u8> for KeyCount {
    type Error = NoKeyCount;

    fn try_from(count: u8) -> Result<Self, NoKeyCount> {
        NonZeroU8::new(count).filter(|_| count <= Self::MOST).map(Self).ok_or(NoKeyCount(count))
    }
}

impl From<KeyCount> for u8 {
    fn from(count: KeyCount) -> Self {
        count.get()
    }
}

/// Which of several keys signs at the start. Each rotation makes a new one that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "file", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Signing {
    /// The newest: the others have signed before.
    #[default]
    Newest,
    /// The oldest: the others are there for later, as vendors publish a key before it signs.
    Oldest,
}
