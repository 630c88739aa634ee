//! The target file, format v1: the system under test and how to start it.

use std::num::NonZeroU32;

use mock_idp::file::{At, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::api::Api;
use super::client::Client;
use super::placeholder::Template;
use super::policy::Policy;
use super::value::{Entries, Value};

/// A target file. Only `target`, `worker` (or `workers`) and `workload` are required.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["worker"] }, { "required": ["workers"] }]))]
pub struct Target {
    /// Its name.
    pub target: At<String>,
    /// How to start the worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<Worker>,
    /// How to start the workers, where there is more than one kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<At<Vec<Worker>>>,
    /// The OAuth client that the worker is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<At<Client>>,
    /// Clients that the worker can be; a scenario takes the first that fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<At<Vec<Client>>>,
    /// The workflows that are started.
    pub workload: Workload,
    /// The protected API.
    #[serde(default)]
    pub api: Api,
    /// Least privilege: the scopes (or roles) that each activity type needs.
    #[serde(default)]
    pub activities: Entries<Vec<String>>,
    /// What the worker promises to do about its tokens.
    #[serde(default)]
    pub policy: Policy,
    /// The polls that make a worker ready. Default: workflow and activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polls: Option<At<Vec<Poll>>>,
    /// Where the worker may connect to, besides the lab.
    #[serde(default)]
    pub egress: Egress,
    /// What may be used of a Temporal server that is not the lab's own.
    #[serde(default)]
    pub temporal: TargetTemporal,
    /// Failures that are accepted for now.
    #[serde(default)]
    pub known: Vec<Known>,
    /// Checks that are tuned or turned off, by their id.
    #[serde(default)]
    pub checks: Entries<CheckSetting>,
    /// Names that the worker understands as `{defect}`.
    #[serde(default)]
    pub defects: Vec<At<String>>,
}

impl Target {
    /// Its workers, whether the file says `worker` or `workers`.
    pub fn all_workers(&self) -> impl Iterator<Item = &Worker> {
        self.worker.iter().chain(self.workers.iter().flat_map(|workers| workers.value.iter()))
    }

    /// Its clients in order of preference; none means the default client.
    pub fn all_clients(&self) -> impl Iterator<Item = &Client> {
        let one = self.client.iter().map(|client| &client.value);
        one.chain(self.clients.iter().flat_map(|clients| clients.value.iter()))
    }
}

/// How to start a worker process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Its name. Default: `worker`, or `worker1`, `worker2` … by position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<At<String>>,
    /// Program and arguments. A program with a slash resolves against the file's folder, else against `PATH`.
    pub command: At<Vec<At<Template>>>,
    /// Its variables. One whose lab value does not apply is left out.
    #[serde(default)]
    pub env: Entries<Template>,
    /// Variables of the caller that it inherits, besides `PATH`, `LANG` and `TMPDIR`.
    #[serde(default)]
    pub inherit_env: Vec<String>,
    /// How many are started. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<At<NonZeroU32>>,
    /// How many a scenario may start. Default: any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_instances: Option<At<NonZeroU32>>,
    /// Queues that it polls besides `{workload.task_queue}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub task_queues: Vec<At<String>>,
    /// The polls that make it ready, where they differ from the target's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polls: Option<At<Vec<Poll>>>,
    /// How long it may take to be ready. Default: 30s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_timeout: Option<Duration>,
    /// Whether the lab starts it again when it exits. Default: never.
    #[serde(default)]
    pub restart: Restart,
}

/// Whether the lab plays supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// A worker that exits stays away.
    #[default]
    Never,
    /// A worker that exits is started again.
    OnExit,
}

/// A kind of poll that a worker makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Poll {
    /// For workflow tasks.
    Workflow,
    /// For activity tasks.
    Activity,
    /// For Nexus tasks.
    Nexus,
}

/// The workflows that are started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Name of the workflow type.
    pub workflow: At<String>,
    /// Its arguments. `{n}` is the workflow's number, from 1; `{n:int}` keeps it a number.
    #[serde(default)]
    pub input: Vec<At<Value>>,
    /// How many are started. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<At<NonZeroU32>>,
    /// How many run at once. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<At<NonZeroU32>>,
    /// The task queue, for a worker that has its name built in. Default: one of the run's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_queue: Option<At<String>>,
}

/// Where a worker may connect to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    /// `host` or `host:port`.
    #[serde(default)]
    pub allow: Vec<At<String>>,
}

/// What may be used of a Temporal server of one's own (`--temporal HOST:PORT`).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetTemporal {
    /// Namespaces that a run may use there.
    #[serde(default)]
    pub namespaces: Vec<At<String>>,
}

/// A failure that is accepted: with a reason, by somebody, until a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Id of the scenario.
    pub scenario: At<String>,
    /// Id of the check. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<At<String>>,
    /// A part of the finding's text. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Why it is accepted.
    pub reason: At<String>,
    /// Where it is tracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Who answers for it.
    pub owner: At<String>,
    /// The last day on which it is accepted, `2027-01-31`.
    #[schemars(with = "String", extend("format" = "date"))]
    pub expires: At<jiff::civil::Date>,
}

/// How a check is tuned, or why it is off.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckSetting {
    /// Why this check says nothing here. Its presence turns the check off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off: Option<At<String>>,
    /// `recovers`: time that is added to its bound, for a slow machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slack: Option<Duration>,
}
