//! DPoP by a configuration file.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::dpop::{DpopRules, Nonces};
use crate::file::{At, Complaint, Duration, Problems};

/// What DPoP proofs must be like (RFC 9449 §4.3). Which client needs one is said of the client.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DpopSettings {
    /// Oldest `iat` that is taken. Default: one minute.
    pub max_age: Option<At<Duration>>,
    /// How far in the future `iat` may be.
    pub skew: Duration,
    /// Every proof needs a nonce of the server (RFC 9449 §8), and one is the newest for so long. Default: none is needed.
    pub nonce_lifetime: Option<At<Duration>>,
}

impl DpopSettings {
    /// What the model cannot say.
    pub(super) fn check(&self, problems: &mut Problems) {
        for time in self.max_age.iter().chain(&self.nonce_lifetime).filter(|time| time.as_millis() == 0) {
            let complaint = Complaint::new("no proof would be in time");
            problems.add(time.at, complaint.hint("allow some time, as in `30s`"));
        }
    }

    pub(super) fn rules(&self) -> DpopRules {
        let nonces = self.nonce_lifetime.as_ref().map(|lifetime| Nonces::On { lifetime: lifetime.to_std() });
        DpopRules {
            max_age: self.max_age.as_ref().map_or(DpopRules::default().max_age, |oldest| oldest.to_std()),
            skew: self.skew.to_std(),
            nonces: nonces.unwrap_or(Nonces::Off),
        }
    }
}
