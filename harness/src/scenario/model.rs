//! The scenario file, format v1: one experiment that any target can run.

use std::num::NonZeroU32;

use mock_idp::file::{At, Duration, Offset};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::{Action, ClockOwner};
use super::api::{Validate, ValidationMode};
use super::client::{Grant, TokenFormat};
use super::delay::Delay;
use super::policy::Refresh;
use super::target::{CheckSetting, Restart};
use super::temporal::TemporalSettings;
use super::trigger::{Bite, OneOf, Trigger};
use super::value::Entries;

/// A scenario file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its id.
    pub scenario: At<String>,
    /// Any word that sorts it with others.
    pub family: At<String>,
    /// What happens, in one sentence.
    pub title: At<String>,
    /// Failure modes that it stands for, `FM-08`.
    #[serde(default)]
    pub mirrors: Vec<At<String>>,
    /// What a target or machine must have for it to say anything.
    #[serde(default)]
    pub requires: Vec<At<Requirement>>,
    /// Checks that it exists for. All others apply as well.
    #[serde(default)]
    pub proves: Vec<At<String>>,
    /// How the identity provider is set.
    #[serde(default)]
    pub idp: IdpSettings,
    /// How the API is set, where it differs from the target's.
    #[serde(default)]
    pub api: ApiSettings,
    /// Where clocks stand from the start.
    #[serde(default)]
    pub clocks: Clocks,
    /// How workers are started, where it differs from the target's.
    #[serde(default)]
    pub worker: WorkerSettings,
    /// How many workflows, where it differs from the target's.
    #[serde(default)]
    pub workload: WorkloadSettings,
    /// How the Temporal server and the gate in front of it are set.
    #[serde(default)]
    pub temporal: TemporalSettings,
    /// What goes wrong. None are needed where a clock is wrong from the start.
    #[serde(default)]
    pub faults: At<Vec<At<Fault>>>,
    /// What proves that a fault bit, by the fault's id, where its action's own proof does not fit.
    #[serde(default)]
    pub bites: Entries<Bite>,
    /// When environment faults are undone. Default: when all faults have fired and bitten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heal: Option<At<Heal>>,
    /// How it has to end.
    #[serde(default)]
    pub expect: Expect,
    /// What may differ from run to run in its transcript.
    #[serde(default)]
    pub transcript: Transcript,
    /// Checks that are tuned or turned off, by their id.
    #[serde(default)]
    pub checks: Entries<CheckSetting>,
}

/// Something that a target or machine must have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// A client with this grant.
    Grant(Grant),
    /// A client whose refresh tokens are rotated.
    Rotation,
    /// A client with access tokens of this form.
    TokenFormat(TokenFormat),
    /// A route with an effect.
    Effects,
    /// A route that an activity calls page after page.
    Paging,
    /// One of these promises of when tokens are renewed.
    Refresh(Vec<Refresh>),
    /// Workers that may be started so many times.
    Instances(NonZeroU32),
    /// Workers that are processes: they can be killed. The machine's affair.
    Processes,
    /// A worker clock that can be moved. The machine's affair.
    MovableWorkerClock,
    /// Workers that read their bearer for the Temporal frontend from a file, again and again.
    FrontendRenewal,
    /// Events that follow one another, in this order, in each workflow of the control: the same configuration without
    /// faults. What the workload does not do, no fault can trouble.
    ControlShows(Vec<Shown>),
}

/// An event that the control must show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Kind of the event, `api.request`.
    pub event: At<String>,
    /// Fields of the event that must have these values.
    #[serde(rename = "where", default)]
    pub filters: Entries<OneOf>,
}

impl Requirement {
    /// Every name with what it asks for, in the order of the documentation.
    pub const DOCS: &'static [(&'static str, &'static str)] = &[
        ("grant", "a client of the target with this grant"),
        ("rotation", "a client of the target whose refresh tokens are rotated"),
        ("token-format", "a client of the target with access tokens of this form"),
        ("effects", "a route of the target with an effect"),
        ("paging", "a route of the target that an activity reads page after page"),
        ("refresh", "one of these promises of the target of when tokens are renewed"),
        ("instances", "workers that may be started so many times"),
        ("processes", "workers that are processes, so that they can be killed"),
        ("movable-worker-clock", "a machine on which the worker's clock can be moved (libfaketime)"),
        ("frontend-renewal", "workers that read their bearer for Temporal from `{temporal.token_file}`"),
        ("control-shows", "a workload in whose workflows these events follow one another when nothing goes wrong"),
    ];

    /// As files write it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Grant(_) => "grant",
            Self::Rotation => "rotation",
            Self::TokenFormat(_) => "token-format",
            Self::Effects => "effects",
            Self::Paging => "paging",
            Self::Refresh(_) => "refresh",
            Self::Instances(_) => "instances",
            Self::Processes => "processes",
            Self::MovableWorkerClock => "movable-worker-clock",
            Self::FrontendRenewal => "frontend-renewal",
            Self::ControlShows(_) => "control-shows",
        }
    }
}

/// How the identity provider is set.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdpSettings {
    /// Life of access tokens. Default: 5m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<At<Duration>>,
    /// Life of refresh tokens. Default: 1d.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_lifetime: Option<At<Duration>>,
    /// Form of access tokens. Default: the client's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_format: Option<TokenFormat>,
    /// Algorithm of signatures. Default: RS256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing: Option<Signing>,
    /// What becomes of refresh tokens that are used again.
    #[serde(default)]
    pub rotation: RotationSettings,
}

/// Algorithm of signatures (RFC 7518 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Signing {
    /// RSA with SHA-256.
    #[default]
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256.
    #[serde(rename = "ES256")]
    Es256,
}

/// What becomes of rotated refresh tokens that are used again. Only for clients with `rotation`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotationSettings {
    /// How long a rotated token may still be used. Default: 0s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace: Option<Duration>,
    /// What happens after that. Default: `revoke-family`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reuse: Option<Reuse>,
}

/// What the identity provider makes of a refresh token that it has rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reuse {
    /// A theft: every token of the family dies (RFC 9700 §4.14.2).
    #[default]
    RevokeFamily,
    /// An error, and no more.
    Refuse,
}

/// How the API is set.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiSettings {
    /// How tokens are judged.
    #[serde(default)]
    pub validate: Validate,
}

impl ApiSettings {
    /// The mode, if the scenario says one.
    pub fn mode(&self) -> Option<ValidationMode> {
        self.validate.mode.as_ref().map(|mode| mode.value)
    }
}

/// How time passes until a token expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TimeMode {
    /// All clocks are moved together: nobody waits.
    #[default]
    Moved,
    /// Tokens live as long as the target's refresh margin plus 2 s, and everybody waits. So it is also where a worker
    /// reads a clock that cannot be moved.
    Real,
}

/// Where clocks stand from the start, from real time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clocks {
    /// How `time.pass: { until: token-expiry }` is done. Default: moved.
    #[serde(default)]
    pub time: TimeMode,
    /// The identity provider's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idp: Option<At<Offset>>,
    /// The protected API's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<At<Offset>>,
    /// The workers'; needs libfaketime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<At<Offset>>,
}

impl Clocks {
    /// The clocks that are moved.
    pub fn moved(&self) -> impl Iterator<Item = (ClockOwner, Offset)> {
        let all = [(ClockOwner::Idp, &self.idp), (ClockOwner::Api, &self.api), (ClockOwner::Worker, &self.worker)];
        all.into_iter().filter_map(|(owner, offset)| Some((owner, offset.as_ref()?.value)))
    }
}

/// How workers are started.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkerSettings {
    /// How many of each. Implies that the target allows so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<At<NonZeroU32>>,
    /// Whether the lab starts it again when it exits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<Restart>,
}

/// How many workflows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadSettings {
    /// How many are started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<At<NonZeroU32>>,
    /// How many run at once. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<At<NonZeroU32>>,
}

/// A fault: when, what, how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Its id. Default: `f1`, `f2`, … by position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<At<String>>,
    /// What it waits for. Default: the workload's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<Trigger>,
    /// What it does.
    #[serde(rename = "do")]
    pub action: At<Action>,
    /// When it begins to wait.
    #[serde(default)]
    pub arm: Arm,
    /// How often it fires. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<NonZeroU32>,
    /// How long after its trigger it acts. Default: at once, on the triggering event itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<At<Delay>>,
    /// How long it lasts. Default: until healing.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasts: Option<At<Delay>>,
    /// How likely it is that a trigger fires it, above 0, up to 1. Default: 1. Drawn from the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<At<f64>>,
}

/// When a fault begins to wait for its trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Arm {
    /// When the workers are ready and the workload starts.
    #[default]
    Workload,
    /// Before the first worker starts.
    Start,
}

/// When environment faults are undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Heal {
    /// What it waits for.
    pub when: Trigger,
    /// How long after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<At<Delay>>,
}

/// How a scenario has to end.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// How the workflows end. Default: completed.
    #[serde(default)]
    pub outcome: Outcome,
    /// The bound after healing, where it is tighter than the derived one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<At<Duration>>,
}

/// How workflows end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// With a result.
    #[default]
    Completed,
    /// With a failure.
    Failed,
    /// Cancelled, as it was asked to be.
    Cancelled,
    /// Terminated, without being asked.
    Terminated,
    /// Not at all.
    Running,
    /// As the target's `policy.on_permanent` says for access that is gone for good.
    Permanent,
}

/// What may differ from run to run in a scenario's transcript.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    /// Kinds of events whose number is shown as a range.
    #[serde(default)]
    pub races: Vec<At<String>>,
}
