//! Actions on the gate in front of Temporal's frontend.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::LazyLock;

use mock_idp::file::{At, Duration};
use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::action::{Action, yes};
use super::api::Status;
use super::delay::Delay;
use super::trigger::{OneOf, Scalar};

/// Whether the frontend asks for a bearer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequireBearer {
    /// Whether calls need one from now on. Default: true. Without one everybody may do everything (FM-36).
    #[serde(default = "yes")]
    pub required: bool,
}

macro_rules! codes {
    ($($variant:ident $name:literal $code:literal)*) => {
        /// A gRPC status code other than OK, by its name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub enum RpcCode {
            $(#[doc = $name] #[serde(rename = $name)] $variant,)*
        }

        impl RpcCode {
            /// As gRPC sends it.
            pub fn number(self) -> u8 {
                match self { $(Self::$variant => $code,)* }
            }
        }
    };
}

codes! {
    Cancelled "CANCELLED" 1
    Unknown "UNKNOWN" 2
    InvalidArgument "INVALID_ARGUMENT" 3
    DeadlineExceeded "DEADLINE_EXCEEDED" 4
    NotFound "NOT_FOUND" 5
    AlreadyExists "ALREADY_EXISTS" 6
    PermissionDenied "PERMISSION_DENIED" 7
    ResourceExhausted "RESOURCE_EXHAUSTED" 8
    FailedPrecondition "FAILED_PRECONDITION" 9
    Aborted "ABORTED" 10
    OutOfRange "OUT_OF_RANGE" 11
    Unimplemented "UNIMPLEMENTED" 12
    Internal "INTERNAL" 13
    Unavailable "UNAVAILABLE" 14
    DataLoss "DATA_LOSS" 15
    Unauthenticated "UNAUTHENTICATED" 16
}

/// How calls are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateRefuse {
    /// Only these methods, such as `RespondActivityTaskCompleted`. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpc: Option<At<OneOf>>,
    /// gRPC status.
    pub code: RpcCode,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<At<String>>,
    /// How many calls. Default: 1; with `for:` beside the action all in that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<NonZeroU32>,
}

/// Calls whose replies come later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateDelay {
    /// Only these methods. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpc: Option<At<OneOf>>,
    /// By how much.
    pub by: Delay,
    /// How many replies. Default: 1; with `for:` beside the action all in that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<NonZeroU32>,
}

/// Calls that the server carries out, and whose replies are lost.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateReplies {
    /// Only these methods. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpc: Option<At<OneOf>>,
    /// How many. Default: 1; with `for:` beside the action all in that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<NonZeroU32>,
}

/// A page instead of gRPC, as a proxy, a login wall or a load balancer sends it (FM-18).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateHtml {
    /// Only these methods. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpc: Option<At<OneOf>>,
    /// HTTP status, such as 200, 302, 401, 403 or 504.
    pub status: Status,
    /// How many calls. Default: 1; with `for:` beside the action all in that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<NonZeroU32>,
}

/// How open polls end.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CutPolls {
    /// With this gRPC status. Default: their streams are reset (RST_STREAM).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<RpcCode>,
}

/// Connections are closed in good order: GOAWAY with NO_ERROR.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoAway {
    /// How long calls that are under way may go on before the connection is dropped. Default: 1s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace: Option<At<Duration>>,
}

/// Whether a method is meant: by name, or because none is named.
pub(crate) fn means(rpc: Option<&At<OneOf>>, name: &str) -> bool {
    rpc.is_none_or(|wanted| {
        wanted.values().iter().any(|wanted| matches!(&wanted.value, Scalar::Text(text) if text == name))
    })
}

/// The methods of Temporal's frontend that workers call, as the server's own table has them.
pub(crate) static METHODS: LazyLock<Vec<String>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Table {
        services: BTreeMap<String, BTreeMap<String, IgnoredAny>>,
    }
    let table: Table = serde_json::from_str(tokenlapse_scenarios::FRONTEND_ACCESS).expect("it is recorded");
    let services = table.services.into_iter().filter(|(service, _)| service.ends_with(".WorkflowService"));
    services.flat_map(|(_, methods)| methods.into_keys()).collect()
});

impl Action {
    /// The methods that it names.
    pub(super) fn rpcs(&self) -> Option<&At<OneOf>> {
        match self {
            Self::GateRefuse(it) => it.rpc.as_ref(),
            Self::GateDelay(it) => it.rpc.as_ref(),
            Self::GateDropReply(it) => it.rpc.as_ref(),
            Self::GateHtml(it) => it.rpc.as_ref(),
            _ => None,
        }
    }
}
