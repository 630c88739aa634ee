//! Changes that take effect late.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Context;
use super::body::Body;
use crate::settings::PropagationSettings;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(show, set))
}

/// How long changes take until they have an effect
#[utoipa::path(get, path = "/propagation", tag = "propagation", responses((status = 200, body = PropagationSettings)))]
async fn show(State(context): State<Context>) -> Json<PropagationSettings> {
    Json(context.idp.propagation().into())
}

/// From now on changes take so long; what is left out is at once
///
/// What was changed before keeps its time.
#[utoipa::path(put, path = "/propagation", tag = "propagation", request_body = PropagationSettings,
    responses((status = 200, body = PropagationSettings)))]
async fn set(State(context): State<Context>, Body(settings): Body<PropagationSettings>) -> Json<PropagationSettings> {
    context.idp.set_propagation(settings.into());
    show(State(context)).await
}
