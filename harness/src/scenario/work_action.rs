//! Actions on work that is under way, as an operator has them done by Temporal's server. They reach workflows of the
//! scenario run only.
//!
//! There is none that cancels one activity: what a workflow has scheduled only that workflow can ask to cancel itself.
//! `RequestCancelActivityExecution` is for activities that no workflow has, and of others the server says `NOT_FOUND`
//! (tests/it/standing_work.rs).

use std::num::NonZeroU32;

use mock_idp::file::At;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::Action;
use super::value::Value;

/// Which workflows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkflowChoice {
    /// Its number within the workload, from 1. Default: the triggering event's workflow, else all that are open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<At<NonZeroU32>>,
}

/// Which activities.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivityChoice {
    /// Number of their workflow within the workload, from 1. Default: the triggering event's, else all that are open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<At<NonZeroU32>>,
    /// Those of this type that are scheduled and not over. Default: the triggering event's activity, else all of them.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub activity_type: Option<At<String>>,
}

/// To where a workflow is reset.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetWorkflow {
    /// Its number within the workload, from 1. Default: the triggering event's workflow, else all that are open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<At<NonZeroU32>>,
    /// To which of its workflow tasks that completed. What came after it is done once more, by a new run.
    #[serde(default)]
    pub to: ResetPoint,
}

/// A workflow task that completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResetPoint {
    /// The first: all activities are scheduled anew.
    First,
    /// The last: what it scheduled is scheduled anew.
    #[default]
    Last,
}

/// A signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Number of its workflow within the workload, from 1. Default: the triggering event's, else all that are open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<At<NonZeroU32>>,
    /// Its name, as the workflow knows it.
    pub name: String,
    /// Its arguments.
    #[serde(default)]
    pub input: Vec<At<Value>>,
}

impl Action {
    /// The workflow that it names, for actions on work that is under way; `None` for all others.
    pub(crate) fn on_work(&self) -> Option<Option<&At<NonZeroU32>>> {
        match self {
            Self::ActivityPause(it) | Self::ActivityReset(it) => Some(it.workflow.as_ref()),
            Self::WorkflowCancel(it) | Self::WorkflowTerminate(it) => Some(it.workflow.as_ref()),
            Self::WorkflowReset(it) => Some(it.workflow.as_ref()),
            Self::WorkflowSignal(it) => Some(it.workflow.as_ref()),
            _ => None,
        }
    }
}
