//! A scenario against a target with all defaults filled in: what is run, and what the journal's first record holds.

use std::num::NonZeroU32;

use mock_idp::Dialect;
use mock_idp::file::Duration;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::action::Action;
use super::api::{Correlate, Route, ValidationMode};
use super::client::{Client, TokenFormat};
use super::delay::Delay;
use super::model::{Arm, Clocks, Outcome, Reuse, Signing, TimeMode};
use super::policy::{ErrorTypes, OnPermanent, Refresh};
use super::target::{Poll, Restart};
use super::temporal::TemporalSettings;
use super::trigger::{Bite, Per, Scalar, Then};
use super::value::{Entries, Value};
use crate::journal::WorkflowStatus;

/// A scenario against a target. Everything is decided; nothing has to be looked up in the files again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resolved {
    /// Id of the scenario.
    pub scenario: String,
    /// Its family.
    pub family: String,
    /// Its title.
    pub title: String,
    /// Failure modes that it stands for.
    pub mirrors: Vec<String>,
    /// Checks that it exists for.
    pub proves: Vec<String>,
    /// Name of the target.
    pub target: String,
    /// The client that the worker is.
    pub client: Client,
    /// How the identity provider is set.
    pub idp: ResolvedIdp,
    /// How the API is set.
    pub api: ResolvedApi,
    /// Where clocks stand from the start.
    pub clocks: Clocks,
    /// How time passes until a token expires.
    pub time: TimeMode,
    /// The workers, in the order of the target file.
    pub workers: Vec<ResolvedWorker>,
    /// The workflows.
    pub workload: ResolvedWorkload,
    /// How the Temporal server and the gate are set.
    pub temporal: TemporalSettings,
    /// Scopes that each activity type needs.
    pub activities: Entries<Vec<String>>,
    /// What the worker promises.
    pub policy: ResolvedPolicy,
    /// What each workflow of the control must show for the scenario to say anything: of each list, the events in this
    /// order.
    pub control_shows: Vec<Vec<ResolvedShown>>,
    /// What goes wrong.
    pub faults: Vec<ResolvedFault>,
    /// When environment faults are undone; `None`: when all have fired and bitten.
    pub heal: Option<ResolvedHeal>,
    /// How it has to end.
    pub expect: ResolvedExpect,
    /// Kinds of events whose number may differ from run to run.
    pub races: Vec<String>,
    /// Checks that are tuned or off. A check that is not named is on.
    pub checks: Vec<ResolvedCheck>,
}

/// How the identity provider is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedIdp {
    /// Life of access tokens.
    pub access_token_lifetime: Duration,
    /// Life of refresh tokens.
    pub refresh_token_lifetime: Duration,
    /// Form of access tokens.
    pub token_format: TokenFormat,
    /// Algorithm of signatures.
    pub signing: Signing,
    /// Whether refresh tokens are rotated.
    pub rotation: bool,
    /// How long a rotated refresh token may still be used.
    pub rotation_grace: Duration,
    /// What happens after that.
    pub reuse: Reuse,
    /// Whose ways it has.
    #[serde(default)]
    pub dialect: Dialect,
}

/// How the API is set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolvedApi {
    /// Where its judgement comes from.
    pub mode: ValidationMode,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// Where a request names its workflow.
    pub correlate: Option<Correlate>,
    /// What it offers.
    pub routes: Vec<Route>,
    /// A real test API behind the front.
    pub upstream: Option<String>,
    /// `aud` that tokens must have; `None`: the API's own.
    pub audience: Option<String>,
}

/// One kind of worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedWorker {
    /// Its name.
    pub name: String,
    /// How many are started.
    pub instances: NonZeroU32,
    /// Whether the lab starts it again when it exits.
    pub restart: Restart,
    /// Queues that it polls besides the workload's.
    pub task_queues: Vec<String>,
    /// The polls that make it ready.
    pub polls: Vec<Poll>,
    /// How long it may take to be ready.
    pub start_timeout: Duration,
}

/// The workflows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolvedWorkload {
    /// Name of the workflow type.
    pub workflow: String,
    /// Its arguments, with placeholders.
    pub input: Vec<Value>,
    /// How many are started.
    pub count: NonZeroU32,
    /// How many run at once.
    pub concurrency: NonZeroU32,
    /// The task queue, where the target fixes its name.
    pub task_queue: Option<String>,
}

/// What the worker promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedPolicy {
    /// When it renews a token.
    pub refresh: Refresh,
    /// How long before expiry.
    pub refresh_margin: Duration,
    /// Tolerated attempts after a permanent refusal.
    pub attempts: u32,
    /// What a workflow does when access is gone for good.
    pub on_permanent: OnPermanent,
    /// Types of the failures that it reports.
    pub error_types: ErrorTypes,
}

/// What a fault or a healing waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolvedTrigger {
    /// Kind of the event.
    pub event: String,
    /// Fields with the values that will do. Traits of routes (`paging: true`) have become the routes' names.
    /// `true` and `false` for a field that holds something else ask whether it is there.
    pub filters: Vec<(String, Vec<Scalar>)>,
    /// Which one, from 1.
    pub nth: NonZeroU32,
    /// What is counted apart.
    pub per: Per,
    /// Id of the fault that arms this one.
    pub after: Option<String>,
    /// Whether it acts on that event or on the following.
    pub then: Then,
}

/// An event that the control must show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolvedShown {
    /// Kind of the event.
    pub event: String,
    /// As in [`ResolvedTrigger`].
    pub filters: Vec<(String, Vec<Scalar>)>,
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolvedFault {
    /// Its id.
    pub id: String,
    /// What it waits for.
    pub when: ResolvedTrigger,
    /// What it does.
    pub action: Action,
    /// When it begins to wait.
    pub arm: Arm,
    /// How often it fires.
    pub count: NonZeroU32,
    /// How long after its trigger it acts.
    pub delay: Delay,
    /// How long it lasts; `None`: until healing.
    pub lasts: Option<Delay>,
    /// How likely a trigger fires it.
    pub probability: f64,
    /// What proves that it bit; `None`: the action's own proof.
    pub bite: Option<ResolvedBite>,
}

/// What proves that a fault bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolvedBite {
    /// Kind of the event.
    pub event: String,
    /// As in [`ResolvedTrigger`].
    pub filters: Vec<(String, Vec<Scalar>)>,
    /// Which one after the firing, from 1.
    pub nth: NonZeroU32,
    /// Fields that must be as they were in the triggering event.
    pub same: Vec<String>,
}

/// When environment faults are undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolvedHeal {
    /// What it waits for.
    pub when: ResolvedTrigger,
    /// How long after that.
    pub delay: Delay,
}

/// How a scenario has to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedExpect {
    /// As the scenario says it; `permanent` also says that access is gone for good.
    pub outcome: Outcome,
    /// How the workflows end.
    pub ending: Ending,
    /// The bound after healing, where it is tighter than the derived one.
    pub within: Option<Duration>,
}

/// How workflows end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// With a result.
    Completed,
    /// With a failure.
    Failed,
    /// Cancelled.
    Cancelled,
    /// Terminated.
    Terminated,
    /// Not at all.
    Running,
}

impl Ending {
    /// The status in which a workflow is then.
    pub(crate) fn status(self) -> WorkflowStatus {
        match self {
            Self::Completed => WorkflowStatus::Completed,
            Self::Failed => WorkflowStatus::Failed,
            Self::Cancelled => WorkflowStatus::Cancelled,
            Self::Terminated => WorkflowStatus::Terminated,
            Self::Running => WorkflowStatus::Running,
        }
    }
}

/// A check that is tuned or off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedCheck {
    /// Its id.
    pub id: String,
    /// Why it is off, and who says so.
    pub off: Option<String>,
    /// Time added to the bound of `recovers`.
    pub slack: Option<Duration>,
}

impl Resolved {
    /// Reads what a journal's first record holds.
    ///
    /// # Errors
    ///
    /// What does not fit: another version wrote it.
    pub fn read(recorded: &serde_json::Value) -> Result<Self, String> {
        read_recorded(recorded)
    }

    /// Whether it hurts the Temporal server itself, which nobody else may use then.
    pub(crate) fn hurts_server(&self) -> bool {
        self.faults.iter().any(|fault| fault.action.hurts_server())
    }
}

/// The models know where their files say something, and so are read by the reader of those files: JSON is YAML.
pub(super) fn read_recorded<T: DeserializeOwned>(recorded: &serde_json::Value) -> Result<T, String> {
    serde_saphyr::from_str(&recorded.to_string()).map_err(|error| error.to_string())
}

impl From<&Bite> for ResolvedBite {
    fn from(bite: &Bite) -> Self {
        Self {
            event: bite.event.value.clone(),
            filters: super::resolve::filters_as_written(&bite.filters),
            nth: bite.nth.unwrap_or(NonZeroU32::MIN),
            same: bite.same.iter().map(|field| field.value.clone()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Facts, builtin_target, catalogue, resolve};

    #[test]
    fn what_a_journal_holds_is_read_back() {
        let target = builtin_target().expect("valid");
        for scenario in catalogue().expect("valid") {
            let facts = Facts { movable_worker_clock: true, ..Facts::default() };
            let resolved = resolve(&target, &scenario, &facts).expect("the built-in target meets it");
            let recorded = serde_json::to_value(&resolved).expect("plain data");
            assert_eq!(Resolved::read(&recorded), Ok(resolved));
        }
    }
}
