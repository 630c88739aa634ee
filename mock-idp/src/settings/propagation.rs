//! Changes that take effect late, by a configuration file or the control.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::file::Duration;
use crate::store::Propagation;

/// How long each kind of change takes until it has an effect, by the provider's clock. What is left out is at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct PropagationSettings {
    /// A secret that replaces another: until then the old one is right.
    pub secret: Duration,
    /// A key that is new: until then the JWKS is as it was, and lacks it. One that is removed is gone at once.
    pub key: Duration,
    /// A revocation by a control or by RFC 7009: until then the token lives. Reuse detection strikes at once.
    pub revocation: Duration,
    /// A client that is added: until then nobody knows it.
    pub client: Duration,
    /// A consent: until then its refresh token is refused.
    pub consent: Duration,
}

impl From<PropagationSettings> for Propagation {
    fn from(settings: PropagationSettings) -> Self {
        Self {
            secret: settings.secret.to_std(),
            key: settings.key.to_std(),
            revocation: settings.revocation.to_std(),
            client: settings.client.to_std(),
            consent: settings.consent.to_std(),
        }
    }
}

impl From<Propagation> for PropagationSettings {
    fn from(propagation: Propagation) -> Self {
        Self {
            secret: propagation.secret.into(),
            key: propagation.key.into(),
            revocation: propagation.revocation.into(),
            client: propagation.client.into(),
            consent: propagation.consent.into(),
        }
    }
}
