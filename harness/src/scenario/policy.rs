//! What a worker promises to do about its tokens: what checks hold it to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use mock_idp::file::At;
use mock_idp::file::Duration;

/// The promises of a target.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// When it renews a token.
    #[serde(default)]
    pub refresh: Refresh,
    /// How long before expiry it renews. Default: 60s, 0s with `on-retry` and `per-attempt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_margin: Option<Duration>,
    /// How many further attempts and grants per activity are tolerated after a permanent refusal. Default: 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// What a workflow does when access is gone for good.
    #[serde(default)]
    pub on_permanent: OnPermanent,
    /// Types of the failures that it reports, by cause.
    #[serde(default)]
    pub error_types: ErrorTypes,
}

impl Policy {
    /// Attempts tolerated after a permanent refusal.
    pub const DEFAULT_ATTEMPTS: u32 = 3;

    /// How long before expiry the worker renews.
    pub fn margin(&self) -> Duration {
        self.refresh_margin.unwrap_or(match self.refresh {
            Refresh::OnRetry | Refresh::PerAttempt => Duration::ZERO,
            Refresh::Any | Refresh::Proactive | Refresh::External => Duration::from_secs(60),
        })
    }
}

/// When a worker renews a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Refresh {
    /// No promise.
    #[default]
    Any,
    /// After it was refused, and not before.
    OnRetry,
    /// Ahead of expiry, by its own clock.
    Proactive,
    /// For every attempt.
    PerAttempt,
    /// Somebody else does (a broker, a sidecar).
    External,
}

impl Refresh {
    /// Whether such a worker reads its clock to know if a token is still good.
    pub fn reads_clock(self) -> bool {
        match self {
            Self::OnRetry | Self::PerAttempt => false,
            Self::Any | Self::Proactive | Self::External => true,
        }
    }
}

/// What a workflow does when access is gone for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnPermanent {
    /// Fails.
    #[default]
    Fail,
    /// Parks until access is granted again.
    Wait,
    /// Completes, and says so in its result.
    Complete,
}

/// Types of application failures, by cause. Without an entry any type that is not generic will do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorTypes {
    /// A token was refused; a new one helps.
    #[serde(default)]
    pub expired: Vec<At<String>>,
    /// Access is gone for good.
    #[serde(default)]
    pub revoked: Vec<At<String>>,
    /// A token lacks a scope.
    #[serde(default)]
    pub scope: Vec<At<String>>,
    /// Too many requests.
    #[serde(default)]
    pub rate: Vec<At<String>>,
    /// Identity provider or API cannot be used for now.
    #[serde(default)]
    pub unavailable: Vec<At<String>>,
}
