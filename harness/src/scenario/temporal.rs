//! How the Temporal server and the gate in front of it are set, as scenario files write it.

use mock_idp::file::{At, Duration};
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::Action;
use super::model::{Fault, Scenario};

/// How the Temporal server and the gate in front of it are set.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemporalSettings {
    /// Whether the gate asks for a bearer from the start, as Temporal's default authorizer does.
    #[serde(default)]
    pub require_bearer: bool,
    /// How it decides who may make which call.
    #[serde(default)]
    pub authorizer: AuthorizerSettings,
    /// The bearer that the lab gives workers, `{temporal.token}` and `{temporal.token_file}`.
    #[serde(default)]
    pub token: FrontendToken,
    /// Whether the scenario hurts the server and so gets one of its own.
    #[serde(default)]
    pub own_server: bool,
}

/// What an operator sets: `authorization:` of a Temporal server's configuration.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorizerSettings {
    /// Who answers, and with which codes. Default: `default`, Temporal's server itself.
    #[serde(default)]
    pub preset: Preset,
    /// `aud` that tokens must have (`audience`). Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The claim with permissions (`permissionsClaimName`). Default: `permissions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_claim: Option<String>,
    /// What a permission looks like, with the groups `namespace` and `role` (`permissionsRegex`). Default:
    /// `namespace:role`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_regex: Option<At<String>>,
    /// The header with the token (`authHeaderName`). Default: `authorization`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// How often keys are fetched again (`jwtKeyProvider.refreshInterval`); 0 means once, at the start. Default: 1m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Duration>,
}

/// Who stands in front of Temporal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Temporal's server: `PERMISSION_DENIED`, whatever the reason.
    #[default]
    Default,
    /// `temporalio/temporal-proxy`: `UNAUTHENTICATED` for bad credentials, `PERMISSION_DENIED` for too few rights,
    /// `UNAVAILABLE` while it has no keys; a token without `exp` is refused.
    TemporalProxy,
}

/// The bearer that the lab gives workers for the frontend.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrontendToken {
    /// How long it lives. Default: as access tokens do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<At<Duration>>,
    /// Whether the file is written anew when two thirds of that are over, as a sidecar does. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renew: Option<bool>,
    /// What it permits, `{namespace}` being the run's. Default: `["{namespace}:write"]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
}

impl Scenario {
    /// Whether the frontend asks for a bearer at any time.
    pub(super) fn guards_frontend(&self) -> bool {
        let asks = |fault: &Fault| matches!(fault.action.value, Action::GateRequireBearer(_));
        self.temporal.require_bearer || self.faults.iter().any(|fault| asks(fault))
    }
}

impl AuthorizerSettings {
    /// The expression of permissions, or what is wrong with it.
    pub(crate) fn regex(&self) -> Result<Option<Regex>, String> {
        let Some(text) = &self.permissions_regex else { return Ok(None) };
        let regex = Regex::new(&text.value).map_err(|_| format!("`{}` is no regular expression", text.value))?;
        let has = |name: &str| regex.capture_names().flatten().any(|known| known == name);
        if has("namespace") && has("role") {
            Ok(Some(regex))
        } else {
            Err(format!("`{}` lacks a group `namespace` or `role`", text.value))
        }
    }
}
