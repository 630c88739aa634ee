//! The Temporal frontend with an authorizer: what the gate asks for, and what workers are given for it.

use std::path::Path;
use std::time::Duration;

use mock_idp::{Client, ExtraClaims};
use serde_json::{Value, json};

use super::bearer::{self, Bearer};
use super::env::LabEnv;
use super::gate::Authorization;
use super::opened::LabError;
use super::scene::Scene;
use crate::scenario::{Action, LabValue, Resolved};

/// As the server's own templates have it.
const REFRESH: Duration = Duration::from_secs(60);
/// What asks for no `aud` gets tokens for this one.
const AUDIENCE: &str = "temporal";

/// Whether a bearer is asked for at any time.
pub(super) fn is_guarded(resolved: &Resolved) -> bool {
    let asks = |action: &Action| matches!(action, Action::GateRequireBearer(_));
    resolved.temporal.require_bearer || resolved.faults.iter().any(|fault| asks(&fault.action))
}

/// How the gate decides.
pub(super) fn authorization(resolved: &Resolved) -> Result<Authorization, LabError> {
    let settings = &resolved.temporal.authorizer;
    let unserved = |why| LabError::Unserved { what: "temporal.authorizer.permissions_regex".to_owned(), why };
    Ok(Authorization {
        preset: settings.preset,
        audience: settings.audience.clone(),
        permissions_claim: settings.permissions_claim.clone(),
        permissions_regex: settings.regex().map_err(unserved)?,
        header: settings.header.clone(),
    })
}

/// The OAuth client whose tokens open the frontend. Nobody but the lab asks for them.
pub(super) fn client(resolved: &Resolved, namespace: &str) -> Client {
    let settings = &resolved.temporal;
    let claim = settings.authorizer.permissions_claim.as_deref().unwrap_or("permissions");
    let permissions: Vec<Value> = match &settings.token.permissions {
        Some(permissions) => permissions.iter().map(|text| text.replace("{namespace}", namespace).into()).collect(),
        None => vec![format!("{namespace}:write").into()],
    };
    let claims = serde_json::Map::from_iter([(claim.to_owned(), json!(permissions))]);
    let audience = settings.authorizer.audience.as_deref().unwrap_or(AUDIENCE);
    Client {
        methods: Vec::new(),
        grants: Vec::new(),
        audience: audience.to_owned(),
        claims: ExtraClaims::new(claims).unwrap_or_default(),
        ..Client::new(bearer::CLIENT, "")
    }
}

/// Gives the gate its keys and the workers their credential.
pub(super) async fn guard(
    scene: &mut Scene,
    resolved: &Resolved,
    state: &Path,
    env: &mut LabEnv,
) -> Result<(), LabError> {
    let settings = &resolved.temporal;
    scene.give_keys_to_gate(settings.authorizer.refresh.map_or(REFRESH, |refresh| refresh.to_std())).await?;
    let lifetime = settings.token.lifetime.as_ref().map(|lifetime| lifetime.value);
    let lifetime = lifetime.unwrap_or(resolved.idp.access_token_lifetime).to_std();
    let (bearer, first) = Bearer::new(scene.idp().clone(), state.join("temporal_token"), lifetime)?;
    env.set(LabValue::TemporalToken, first.value.expose());
    env.set(LabValue::TemporalTokenFile, bearer.file().to_string_lossy());
    if settings.token.renew.unwrap_or(true) {
        scene.serve(bearer.keep(first));
    }
    scene.gate().require_bearer(settings.require_bearer);
    Ok(())
}
