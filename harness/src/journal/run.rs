//! The first and the last record of a journal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of the journal's format. A journal of another version is refused, never guessed at.
pub const SCHEMA_VERSION: u32 = 1;

/// What is run, against what: enough to judge the journal again without any other file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema: u32,
    /// Id of the run (one call of the command).
    pub run: String,
    /// Id of the scenario.
    pub scenario: String,
    /// The seed that token ids and drawn delays come from; a string, since JSON numbers lose digits.
    pub seed: String,
    /// Which Temporal server, in words.
    pub temporal: String,
    /// The scenario with all defaults filled in.
    pub resolved: Value,
    /// The target with all defaults filled in.
    pub target: Value,
}

/// How a scenario run ended for the lab itself. Says nothing of the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "end")]
pub enum RunEnd {
    /// The lab did its part to the end.
    Complete,
    /// The lab failed; no verdict can rest on this journal.
    LabFailed {
        /// What failed.
        reason: String,
    },
    /// The user interrupted it.
    Interrupted,
}
