//! What is issued, by a configuration file.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{Config, Memory, Reuse, Rotation, TokenFormat};
use crate::file::{At, Complaint, Duration, Problems};
use crate::key::Algorithm;

/// What tokens look like and how long they live.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TokenSettings {
    /// Form of access tokens. Default: as the dialect has it.
    pub format: Option<Format>,
    /// How long an access token lives. Default: as the dialect has it.
    pub lifetime: Option<At<Duration>>,
    /// How long a refresh token lives, from its issue. Default: as the dialect has it.
    pub refresh_lifetime: Option<At<Duration>>,
    /// How long a refresh token lives unused: each use counts anew, up to its lifetime. Default: as long as it lives.
    pub refresh_idle_lifetime: Option<At<Duration>>,
    /// How long all refresh tokens of one consent live, however often they are replaced. Default: without end.
    pub refresh_absolute_lifetime: Option<At<Duration>>,
    /// Each use of a refresh token brings a new one and ends the old one (RFC 9700 §4.14.2). Default: as the dialect has it,
    /// which in none ends an old one.
    pub rotation: Option<RotationSettings>,
    /// All token values are drawn from it: same seed and same order of grants, same values. Default: they are random.
    pub seed: Option<u64>,
    /// What is kept of tokens. What is true of them is the same either way.
    pub memory: Memory,
}

/// What presenting a replaced refresh token does.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotationSettings {
    /// What becomes of its successors.
    #[serde(default = "revoke_family")]
    pub reuse: Reuse,
    /// For so long after its replacement it is not reuse: the client gets another successor.
    #[serde(default)]
    pub grace: Duration,
    /// The old one is not ended: there is another one with each use, and no reuse.
    #[serde(default)]
    pub keep: bool,
}

/// Why no token can live for so long.
pub(crate) fn too_short(lifetime: Duration) -> Option<Complaint> {
    let complaint = || Complaint::new("a token lives for a second or more, as `exp` has whole seconds");
    let hint = "for one that is dead at once, expire it through the control";
    (lifetime.as_millis() < 1000).then(|| complaint().hint(hint))
}

fn revoke_family() -> Reuse {
    Reuse::RevokeFamily
}

/// Form of access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[cfg_attr(feature = "command", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A random string that only introspection explains
    Opaque,
    /// A JWT of RFC 9068, signed with RSASSA-PKCS1-v1_5 and SHA-256
    Rs256,
    /// Likewise, with SHA-384
    Rs384,
    /// Likewise, with SHA-512
    Rs512,
    /// A JWT of RFC 9068, signed with RSASSA-PSS and SHA-256
    Ps256,
    /// A JWT of RFC 9068, signed with ECDSA on P-256
    Es256,
    /// Likewise, on P-384
    Es384,
    /// A JWT of RFC 9068, signed with Ed25519
    #[cfg_attr(feature = "command", value(name = "eddsa"))]
    EdDsa,
}

impl From<Format> for TokenFormat {
    fn from(format: Format) -> Self {
        Self::Jwt(match format {
            Format::Opaque => return Self::Opaque,
            Format::Rs256 => Algorithm::Rs256,
            Format::Rs384 => Algorithm::Rs384,
            Format::Rs512 => Algorithm::Rs512,
            Format::Ps256 => Algorithm::Ps256,
            Format::Es256 => Algorithm::Es256,
            Format::Es384 => Algorithm::Es384,
            Format::EdDsa => Algorithm::EdDsa,
        })
    }
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            format: None,
            lifetime: None,
            refresh_lifetime: None,
            refresh_idle_lifetime: None,
            refresh_absolute_lifetime: None,
            rotation: None,
            seed: None,
            memory: Memory::Needed,
        }
    }
}

impl TokenSettings {
    /// What the model cannot say.
    pub(super) fn check(&self, problems: &mut Problems) {
        let bounds = [&self.refresh_idle_lifetime, &self.refresh_absolute_lifetime];
        for lifetime in [&self.lifetime, &self.refresh_lifetime].into_iter().chain(bounds).flatten() {
            if let Some(complaint) = too_short(lifetime.value) {
                problems.add(lifetime.at, complaint);
            }
        }
    }

    /// What is not said here stays as it is.
    pub(super) fn apply(&self, config: &mut Config) {
        config.format = self.format.map_or(config.format, TokenFormat::from);
        config.access_token_lifetime = self.lifetime.as_ref().map_or(config.access_token_lifetime, |it| it.to_std());
        config.refresh_token_lifetime =
            self.refresh_lifetime.as_ref().map_or(config.refresh_token_lifetime, |it| it.to_std());
        config.refresh_token_idle_lifetime = self.refresh_idle_lifetime.as_ref().map(|lifetime| lifetime.to_std());
        config.refresh_token_absolute_lifetime =
            self.refresh_absolute_lifetime.as_ref().map(|lifetime| lifetime.to_std());
        config.rotation = match self.rotation {
            Some(RotationSettings { keep: true, .. }) => Rotation::Fresh,
            Some(RotationSettings { reuse, grace, keep: false }) => Rotation::On { reuse, grace: grace.to_std() },
            None => config.rotation,
        };
        config.seed = self.seed;
        config.memory = self.memory;
    }
}
