//! What a fault does, as scenario files write it: one key, the action's name, with its parameters.
//!
//! ```yaml
//! do: { idp.respond: { endpoint: token, status: 503, times: 2 } }
//! ```

use std::num::NonZeroU32;

use mock_idp::file::{At, Duration, Offset};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::api::Status;
use super::delay::Delay;
use super::gate_action::{CutPolls, GateDelay, GateHtml, GateRefuse, GateReplies, GoAway, RequireBearer};
use super::idp_action::{
    ClientChoice, IdpAlter, IdpDelay, IdpReplies, IdpRespond, Lifetime, RateLimit, RetryAfter, Revoke, RotateKeys,
    RotateSecret, TokenChoice,
};
use super::server_action::{EndServer, PauseServer};
use super::value::{Entries, Value};
use super::work_action::{ActivityChoice, ResetWorkflow, Signal, WorkflowChoice};

macro_rules! actions {
    ($($variant:ident($params:ty) $name:literal $doc:literal)*) => {
        /// An action with its parameters.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub enum Action {
            $(#[doc = $doc] #[serde(rename = $name)] $variant($params),)*
        }

        impl Action {
            /// Every action's name with what it does, in the order of the documentation.
            pub const DOCS: &'static [(&'static str, &'static str)] = &[$(($name, $doc)),*];

            /// As files write it.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }
        }
    };
}

actions! {
    IdpRevoke(Revoke) "idp.revoke" "Tokens die before their time."
    IdpDisable(ClientChoice) "idp.disable" "The identity provider knows a client no longer; without a name, none of the scenario's."
    IdpConsent(ClientChoice) "idp.consent" "Access is granted again after a death."
    IdpRespond(IdpRespond) "idp.respond" "The next requests are answered so, without being processed."
    IdpDelay(IdpDelay) "idp.delay" "The next replies come later."
    IdpDropReply(IdpReplies) "idp.drop_reply" "The next requests are processed and their replies are lost."
    IdpAlter(IdpAlter) "idp.alter" "The next replies lose or change fields of their JSON body."
    IdpRateLimit(RateLimit) "idp.rate_limit" "The next requests are one too many: 429 as the dialect has it, with `Retry-After`."
    IdpReuse(ClientChoice) "idp.reuse" "The last refresh token that was rotated away is presented again, as somebody who stole it would."
    IdpLifetime(Lifetime) "idp.lifetime" "Tokens that are issued from now on live so long, and say so or something else."
    IdpRotateKeys(RotateKeys) "idp.rotate_keys" "Tokens are signed with a new key from now on."
    IdpRotateSecret(RotateSecret) "idp.rotate_secret" "The client has a new secret from now on; workers that start later are given it."
    ApiRespond(ApiRespond) "api.respond" "The next requests are answered so, without being processed."
    ApiDelay(ApiDelay) "api.delay" "The next replies come later."
    ApiDropReply(ApiReplies) "api.drop_reply" "The next requests are processed, effects included, and their replies are lost."
    ApiRefuseToken(RefuseToken) "api.refuse_token" "The API refuses one token value from now on, whatever its issuer says (FM-20)."
    ApiHold(Hold) "api.hold" "A barrier: requests wait until so many have come, then all go on."
    GateRequireBearer(RequireBearer) "gate.require_bearer" "The frontend asks for a bearer, as `temporal: { authorizer: … }` says, or stops asking."
    GateRefuse(GateRefuse) "gate.refuse" "Calls to Temporal are refused with a gRPC status, without being processed."
    GateDelay(GateDelay) "gate.delay" "Replies of Temporal come later."
    GateDropReply(GateReplies) "gate.drop_reply" "Temporal carries calls out, and their replies are lost: the streams are reset."
    GateHtml(GateHtml) "gate.html" "A page stands where a reply of Temporal should."
    GateCutPolls(CutPolls) "gate.cut_polls" "Open polls end, with a gRPC status or by a reset."
    GateGoAway(GoAway) "gate.goaway" "Connections to Temporal are closed in good order (GOAWAY), as a restart or a rebalance does."
    LinkRefuse(LinkTarget) "link.refuse" "Connections are refused, open ones are reset."
    LinkReset(LinkTarget) "link.reset" "Open connections are reset, once."
    LinkBlackhole(LinkTarget) "link.blackhole" "Connections stay open and new ones are accepted, and no byte passes either way, as behind a firewall that drops."
    LinkHalfOpen(LinkTarget) "link.half_open" "Connections that are open now carry nothing any more, and nobody is told; new ones work. Healing resets them."
    LinkLatency(LinkLatency) "link.latency" "Bytes arrive later."
    LinkBandwidth(LinkBandwidth) "link.bandwidth" "Bytes trickle."
    WorkerKill(WorkerChoice) "worker.kill" "A worker process dies by SIGKILL."
    WorkerStop(WorkerEnd) "worker.stop" "A worker process is asked to end by SIGTERM, and made to by SIGKILL after its `notice`, if it has one."
    WorkerRestart(WorkerEnd) "worker.restart" "A worker process dies by SIGKILL, or with a `notice` as deployments end it (SIGTERM, then SIGKILL), and is started again."
    WorkerFreeze(WorkerChoice) "worker.freeze" "A worker process is stopped (SIGSTOP), as a paused machine is, until healing resumes it."
    WorkerResume(WorkerChoice) "worker.resume" "A worker process that was frozen goes on (SIGCONT); its parked polls are ended first."
    TemporalPause(PauseServer) "temporal.pause" "The Temporal server is stopped (SIGSTOP): connections stay, and nobody is answered until healing."
    TemporalRestart(EndServer) "temporal.restart" "The Temporal server is ended in good order and started again, with all that it knew."
    TemporalKill(EndServer) "temporal.kill" "The Temporal server dies by SIGKILL and is started again, with all that it had said it knew."
    ActivityPause(ActivityChoice) "activity.pause" "Activities that are under way get no further attempt until healing. A worker hears of it by its heartbeats only."
    ActivityReset(ActivityChoice) "activity.reset" "Activities that wait for a retry begin anew at once, with their first attempt. A first attempt that runs is left alone; of a later one that runs the report is refused, and the activity waits for its timeout."
    WorkflowCancel(WorkflowChoice) "workflow.cancel" "Workflows are asked to cancel themselves."
    WorkflowTerminate(WorkflowChoice) "workflow.terminate" "Workflows are ended without being asked. Their attempts run on, and nobody waits for them."
    WorkflowReset(ResetWorkflow) "workflow.reset" "Workflows go back to a workflow task that completed: this run ends, and a new one goes on from there."
    WorkflowSignal(Signal) "workflow.signal" "Workflows are sent a signal."
    TimePass(TimePass) "time.pass" "Time passes on all clocks together."
    ClockSkew(ClockSkew) "clock.skew" "One clock is moved."
    ClockDrift(ClockDrift) "clock.drift" "One clock runs faster or slower from now on."
}

impl Action {
    /// How late it makes things, if that is what it does.
    pub fn delay(&self) -> Option<&Delay> {
        match self {
            Self::IdpDelay(IdpDelay { by, .. })
            | Self::ApiDelay(ApiDelay { by, .. })
            | Self::GateDelay(GateDelay { by, .. })
            | Self::LinkLatency(LinkLatency { by, .. }) => Some(by),
            _ => None,
        }
    }

    /// The same with another delay, if it has one.
    #[must_use]
    pub fn delayed_by(mut self, delay: Duration) -> Self {
        if let Self::IdpDelay(IdpDelay { by, .. })
        | Self::ApiDelay(ApiDelay { by, .. })
        | Self::GateDelay(GateDelay { by, .. })
        | Self::LinkLatency(LinkLatency { by, .. }) = &mut self
        {
            *by = Delay::Fixed(delay);
        }
        self
    }

    /// The same with the worker that it was aimed at, if it is one on workers.
    #[must_use]
    pub fn aimed_at(mut self, instance: &str) -> Self {
        if let Self::WorkerKill(WorkerChoice { instance: aimed })
        | Self::WorkerStop(WorkerEnd { instance: aimed, .. })
        | Self::WorkerRestart(WorkerEnd { instance: aimed, .. })
        | Self::WorkerFreeze(WorkerChoice { instance: aimed })
        | Self::WorkerResume(WorkerChoice { instance: aimed }) = &mut self
        {
            *aimed = Some(instance.to_owned());
        }
        self
    }

    /// The end of the link that it breaks, if it is one on links.
    pub fn link(&self) -> Option<LinkEnd> {
        match self {
            Self::LinkRefuse(link) | Self::LinkReset(link) | Self::LinkBlackhole(link) | Self::LinkHalfOpen(link) => {
                Some(link.on)
            }
            Self::LinkLatency(link) => Some(link.on),
            Self::LinkBandwidth(link) => Some(link.on),
            _ => None,
        }
    }

    /// Whether it needs workers that are processes of their own.
    pub fn needs_processes(&self) -> bool {
        matches!(
            self,
            Self::WorkerKill(_)
                | Self::WorkerStop(_)
                | Self::WorkerRestart(_)
                | Self::WorkerFreeze(_)
                | Self::WorkerResume(_)
        )
    }

    /// Whether it is an environment fault, which healing undoes. Time that passed and credentials that died are not.
    pub fn can_be_undone(&self) -> bool {
        !matches!(
            self,
            Self::IdpRevoke(_)
                | Self::IdpDisable(_)
                | Self::IdpConsent(_)
                | Self::IdpReuse(_)
                | Self::IdpRotateKeys(_)
                | Self::IdpRotateSecret(_)
                | Self::ApiRefuseToken(_)
                | Self::GateCutPolls(_)
                | Self::GateGoAway(_)
                | Self::LinkReset(_)
                | Self::WorkerKill(_)
                | Self::WorkerStop(_)
                | Self::WorkerRestart(_)
                | Self::WorkerResume(_)
                | Self::TemporalRestart(_)
                | Self::TemporalKill(_)
                | Self::ActivityReset(_)
                | Self::WorkflowCancel(_)
                | Self::WorkflowTerminate(_)
                | Self::WorkflowReset(_)
                | Self::WorkflowSignal(_)
                | Self::TimePass(_)
        )
    }
}

/// How often, where a file does not say.
pub(super) const fn once() -> NonZeroU32 {
    NonZeroU32::MIN
}

/// So it is, where a file does not say.
pub(super) const fn yes() -> bool {
    true
}

/// What the API answers instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiRespond {
    /// Only on this route. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<At<String>>,
    /// HTTP status.
    pub status: Status,
    /// `error` of RFC 6750 §3.1, in `WWW-Authenticate` and in a JSON body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<At<String>>,
    /// The body: text as it is, anything else as JSON. Instead of `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<At<Value>>,
    /// `Content-Type`. Default: `application/json`, for text `text/plain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Further header fields.
    #[serde(default)]
    pub headers: Entries<String>,
    /// `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfter>,
    /// How many requests.
    #[serde(default = "once")]
    pub times: NonZeroU32,
}

/// Replies of the API that come later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiDelay {
    /// Only on this route. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<At<String>>,
    /// By how much.
    pub by: Delay,
    /// How many replies.
    #[serde(default = "once")]
    pub times: NonZeroU32,
}

/// Replies of the API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiReplies {
    /// Only on this route. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<At<String>>,
    /// How many.
    #[serde(default = "once")]
    pub times: NonZeroU32,
}

/// Which token the API refuses.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefuseToken {
    /// Which. Default: `trigger`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<At<TokenChoice>>,
}

/// A barrier at the API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// How many requests must have come, the triggering one included.
    pub until: NonZeroU32,
    /// Only requests on this route. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<At<String>>,
}

/// Which connection of the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LinkEnd {
    /// To the identity provider.
    Idp,
    /// To the protected API.
    Api,
    /// To the Temporal frontend.
    Temporal,
}

impl LinkEnd {
    /// All names.
    pub const NAMES: [&'static str; 3] = ["idp", "api", "temporal"];

    /// As journals and files write it.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// A link. `for:` beside `do:` says how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkTarget {
    /// Which.
    pub on: LinkEnd,
}

/// A slow link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkLatency {
    /// Which.
    pub on: LinkEnd,
    /// How much later, each way.
    pub by: Delay,
}

/// A narrow link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkBandwidth {
    /// Which.
    pub on: LinkEnd,
    /// Kilobytes (1,000 bytes) per second, each way, on each connection.
    pub rate: NonZeroU32,
}

/// Which worker.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkerChoice {
    /// Its name. Default: the triggering event's, else all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

/// Which worker ends, and how.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkerEnd {
    /// Its name. Default: the triggering event's, else all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// How long it may take to end after SIGTERM, before SIGKILL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<Duration>,
}

/// How much time passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TimePass {
    /// Until something happens.
    Until(Until),
    /// So much.
    By(Duration),
}

/// Until what time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// Just past the `exp` of the triggering event's token, else of the token that expires last.
    TokenExpiry,
    /// Just past the `exp` of every access token that lives.
    AllExpired,
}

/// Whose clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClockOwner {
    /// The identity provider's.
    Idp,
    /// The protected API's.
    Api,
    /// The workers'; needs libfaketime.
    Worker,
}

/// A clock that is moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockSkew {
    /// Whose.
    pub of: ClockOwner,
    /// From where it stands; `-5m` is back.
    pub by: Offset,
}

/// A clock that runs faster or slower.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockDrift {
    /// Whose.
    pub of: ClockOwner,
    /// By how much in each second; `-500ms` runs at half speed.
    pub by: Offset,
}
