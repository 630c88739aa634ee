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
use super::value::{Entries, Value};

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
    LinkLatency(LinkLatency) "link.latency" "Bytes arrive later."
    WorkerKill(WorkerChoice) "worker.kill" "A worker process dies by SIGKILL."
    WorkerStop(WorkerChoice) "worker.stop" "A worker process is asked to end by SIGTERM."
    WorkerRestart(WorkerChoice) "worker.restart" "A worker process dies by SIGKILL and is started again."
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

    /// Whether it is an environment fault, which healing undoes. Time that passed and credentials that died are not.
    pub fn can_be_undone(&self) -> bool {
        !matches!(
            self,
            Self::IdpRevoke(_)
                | Self::IdpDisable(_)
                | Self::IdpConsent(_)
                | Self::IdpReuse(_)
                | Self::IdpRotateKeys(_)
                | Self::ApiRefuseToken(_)
                | Self::GateCutPolls(_)
                | Self::GateGoAway(_)
                | Self::LinkReset(_)
                | Self::WorkerKill(_)
                | Self::WorkerStop(_)
                | Self::WorkerRestart(_)
                | Self::TimePass(_)
        )
    }
}

/// Which tokens `idp.revoke` ends. `client` and `subject` narrow it down.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// Which. Default: `trigger` if the triggering event names a token, else `newest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<At<TokenChoice>>,
    /// Only of this kind. Default: what the triggering event's token is, else access tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<KindOfToken>,
    /// Only those of this client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Only those that speak for this subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// Which of the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TokenChoice {
    /// The triggering event's.
    Trigger,
    /// The one that was issued last and lives.
    Newest,
    /// All that live.
    All,
}

/// Access or refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KindOfToken {
    /// An access token.
    Access,
    /// A refresh token.
    Refresh,
}

/// Which client.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientChoice {
    /// Its id. Default: all of the scenario's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// Endpoints of the identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// RFC 6749 §3.2.
    #[default]
    Token,
    /// RFC 7662.
    Introspect,
    /// RFC 7009.
    Revoke,
    /// RFC 7517.
    Jwks,
    /// OpenID Connect Discovery and RFC 8414.
    Discovery,
}

impl Endpoint {
    /// All names.
    pub const NAMES: [&'static str; 5] = ["token", "introspect", "revoke", "jwks", "discovery"];

    /// As journals and files write it.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

const fn once() -> NonZeroU32 {
    NonZeroU32::MIN
}

/// How many seconds, and in which form, `Retry-After` says to wait (RFC 9110 §10.2.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RetryAfter {
    /// `Retry-After: 2`.
    Seconds(u32),
    /// `Retry-After: Tue, 24 Nov 2026 02:00:00 GMT`, so far from the reply's own `Date`, in whole seconds, rounded up.
    Date(Duration),
    /// This text, for answers that no standard allows: `-1`, `0.5`.
    Raw(String),
}

/// What is answered instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdpRespond {
    /// Where.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// Only requests with this `grant_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// HTTP status.
    pub status: Status,
    /// `error` of RFC 6749 §5.2, in a JSON body.
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

/// Replies that come later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdpDelay {
    /// Where.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// Only requests with this `grant_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// By how much.
    pub by: Delay,
    /// How many replies.
    #[serde(default = "once")]
    pub times: NonZeroU32,
}

/// Replies of the identity provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdpReplies {
    /// Where.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// Only requests with this `grant_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// How many.
    #[serde(default = "once")]
    pub times: NonZeroU32,
}

/// Changes to JSON bodies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdpAlter {
    /// Where.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// Only requests with this `grant_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Top-level fields that get another value.
    #[serde(default)]
    pub set: Entries<Value>,
    /// Top-level fields that are left out.
    #[serde(default)]
    pub omit: Vec<At<String>>,
    /// How many replies.
    #[serde(default = "once")]
    pub times: NonZeroU32,
}

/// Too many requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Where.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// Only requests with this `grant_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// When to come back. Default: not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfter>,
    /// How many requests.
    #[serde(default = "once")]
    pub times: NonZeroU32,
}

/// How long tokens live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifetime {
    /// The life of access tokens: what `exp` says and validators go by.
    pub access_token: Duration,
    /// What `expires_in` says. Default: the truth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stated: Option<Duration>,
}

/// New signing keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKeys {
    /// Whether the old keys stay published, so that tokens signed with them live on. Default: true.
    #[serde(default = "yes")]
    pub keep_old: bool,
}

const fn yes() -> bool {
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

/// Which worker.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkerChoice {
    /// Its name. Default: the triggering event's, else all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
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
