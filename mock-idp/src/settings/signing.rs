//! The keys that sign, by a configuration file.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::key::{Algorithm, KeyCount, KeySettings, Signing};

/// How many keys there are, and which of them signs what.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SigningSettings {
    /// So many are in the JWKS from the start: 16 at most.
    #[schemars(with = "u8", range(min = 1, max = 16))]
    pub published: KeyCount,
    /// Which of them signs at the start.
    pub signing: Signing,
    /// ID tokens and what else is no access token are signed by a key of their own, with this algorithm. Default: by that
    /// of the access tokens, or with ES256 where those are opaque.
    pub id_tokens: Option<Algorithm>,
}

impl From<SigningSettings> for KeySettings {
    fn from(settings: SigningSettings) -> Self {
        let SigningSettings { published, signing, id_tokens } = settings;
        Self { published, signing, id_tokens }
    }
}
