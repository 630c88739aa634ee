//! The first and the last record of a journal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::whole::Contents;

/// Version of the journal's format. A journal of another version is refused, never guessed at.
pub const SCHEMA_VERSION: u32 = 2;

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
    /// What the control of the same configuration did; `None` for the control itself, and where it was not run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub control: Option<ControlFacts>,
}

/// What the control, a run of the same configuration without faults, did: the measure of what a run with faults may do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ControlFacts {
    /// Whether every workflow of it completed.
    pub completed: bool,
    /// What it changed at the API, by workflow and place.
    pub effects: Vec<EffectCount>,
    /// What else the API answered it well.
    #[serde(default)]
    pub answered: Vec<AnswerCount>,
    /// Whose tokens it sent to the API, each once.
    pub identities: Vec<Identity>,
    /// How long its workload took, in milliseconds: a measure of how fast this machine is while it does what it does.
    #[serde(default)]
    pub took_ms: u64,
}

/// How often something was changed at the API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EffectCount {
    /// By which workflow: its number in the workload, as ids differ from run to run. `None` where the requests of
    /// several workflows cannot be told apart.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub n: Option<u32>,
    /// Method and concrete path, with `{workflow}` for the workflow's own id.
    pub target: String,
    /// How often.
    pub count: u32,
}

/// How often something without an effect was answered well, to all workflows together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AnswerCount {
    /// Method and concrete path, with `{workflow}` for a workflow's own id.
    pub target: String,
    /// How often.
    pub count: u32,
}

/// Who a token makes its bearer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    /// The client that it was issued to.
    pub client: String,
    /// Who it speaks for (`sub`).
    pub sub: String,
}

/// How a scenario run ended for the lab itself. Says nothing of the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "end")]
pub enum RunEnd {
    /// The lab did its part to the end. What the journal holds by then shows later whether it is whole.
    Complete(Contents),
    /// The lab failed; no verdict can rest on this journal.
    LabFailed {
        /// What failed.
        reason: String,
    },
    /// The user interrupted it.
    Interrupted,
}
