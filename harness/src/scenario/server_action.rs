//! Actions on the Temporal server itself. A scenario with one of them has a server of its own.

use mock_idp::file::{At, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::Action;

/// The server as it is stopped. `for:` beside `do:` says how long.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseServer {}

/// The server as it is ended and started again, with all that it knew.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndServer {
    /// How long after its end it is started again; to be ready takes it some tenths of a second more. Default: 0s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down: Option<At<Duration>>,
}

impl EndServer {
    /// How long after its end it is started again.
    pub(crate) fn down(&self) -> Duration {
        self.down.as_ref().map_or(Duration::ZERO, |down| down.value)
    }
}

impl Action {
    /// Whether it hurts the Temporal server itself, which nobody else may use then.
    pub(crate) fn hurts_server(&self) -> bool {
        matches!(self, Self::TemporalPause(_) | Self::TemporalRestart(_) | Self::TemporalKill(_))
    }
}
