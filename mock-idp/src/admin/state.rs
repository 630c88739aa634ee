//! The whole at a glance, and starting again.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::clock::ClockView;
use super::{Context, done};
use crate::audit::Counter;
use crate::endpoint::Endpoint;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(reset))
}

/// The state in short.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct StateView {
    /// `iss` of what is issued.
    pub(super) issuer: String,
    /// Where endpoints are.
    pub(super) endpoints: Vec<Address>,
    /// The clock.
    pub(super) clock: ClockView,
    /// Ids of the clients.
    pub(super) clients: Vec<String>,
    /// Subjects that are turned away.
    pub(super) disabled_subjects: Vec<String>,
    /// Whether the tenant is.
    pub(super) tenant_disabled: bool,
    /// Ids of the keys that the JWKS has.
    pub(super) keys: Vec<String>,
    /// How many rules of misbehaviour hold.
    pub(super) rules: usize,
    /// What was answered since the last reset.
    pub(super) counters: Vec<Counter>,
}

/// Where an endpoint is.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Address {
    /// Which endpoint.
    pub(super) endpoint: Endpoint,
    /// Its URL.
    pub(super) url: String,
}

impl StateView {
    pub(super) fn of(context: &Context) -> Self {
        let Context { idp, listener, .. } = context;
        let address = |endpoint: &Endpoint| Some(Address { endpoint: *endpoint, url: idp.url(*endpoint, listener)? });
        Self {
            issuer: idp.issuer(listener),
            endpoints: Endpoint::ALL.iter().filter_map(address).collect(),
            clock: ClockView::of(idp),
            clients: idp.clients(),
            disabled_subjects: idp.disabled_subjects(),
            tenant_disabled: idp.is_tenant_disabled(),
            keys: idp.published_keys(),
            rules: idp.rules().list().len(),
            counters: idp.counters(),
        }
    }
}

/// The state in short
#[utoipa::path(get, path = "/state", tag = "state", responses((status = 200, body = StateView)))]
async fn show(State(context): State<Context>) -> Json<StateView> {
    Json(StateView::of(&context))
}

/// The state is as it was at the start
///
/// Recorded requests and counters are forgotten, too; snapshots stay. For use between tests.
#[utoipa::path(post, path = "/reset", tag = "state", responses((status = 204, description = "It is reset")))]
async fn reset(State(context): State<Context>) -> impl IntoResponse {
    context.idp.reset();
    done()
}
