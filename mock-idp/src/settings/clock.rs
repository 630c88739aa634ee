//! The clock of a configuration file.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::Offset;

/// How the identity provider's clock differs from the machine's.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockSettings {
    /// How far it is ahead at the start; negative, behind.
    #[serde(default)]
    pub offset: Offset,
    /// Milliseconds that it gains in each second; negative, it loses them. It never runs backwards: from -1000 down it
    /// stands still.
    #[serde(default)]
    pub drift: i64,
}
