//! Activity attempts, and how they fail.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::id::{Instance, WorkflowId};

/// One attempt of one activity on one worker instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attempt {
    /// Which worker instance.
    pub instance: Instance,
    /// Of which workflow.
    pub workflow: WorkflowId,
    /// Temporal's id of the activity in its workflow.
    pub activity: String,
    /// Name of the activity type.
    #[serde(rename = "type")]
    pub activity_type: String,
    /// 1 for the first.
    pub attempt: u32,
}

/// A Temporal failure as the wire shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The text.
    pub message: String,
    /// Type of an application failure; empty where the SDK named none.
    #[serde(rename = "type", default)]
    pub failure_type: String,
    /// Whether it forbids a retry.
    #[serde(default)]
    pub non_retryable: bool,
    /// An explicit delay until the next attempt, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_retry_delay_ms: Option<u64>,
    /// Stack trace, as sent.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub stack_trace: String,
    /// Decoded details.
    #[serde(skip_serializing_if = "Value::is_null", default)]
    pub details: Value,
    /// What caused it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<Box<Failure>>,
}

impl Failure {
    /// The explicit retry delay.
    pub fn next_retry_delay(&self) -> Option<Duration> {
        self.next_retry_delay_ms.map(Duration::from_millis)
    }
}
