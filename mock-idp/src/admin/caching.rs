//! How long documents may be kept.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Context;
use super::body::Body;
use crate::settings::CachingSettings;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(show, set))
}

/// `Cache-Control` of documents; null is what the dialect has, an empty text is none
#[utoipa::path(get, path = "/caching", tag = "caching", responses((status = 200, body = CachingSettings)))]
async fn show(State(context): State<Context>) -> Json<CachingSettings> {
    Json(context.idp.caching().into())
}

/// From now on documents say this; what is left out is as the dialect has it
#[utoipa::path(put, path = "/caching", tag = "caching", request_body = CachingSettings,
    responses((status = 200, body = CachingSettings)))]
async fn set(State(context): State<Context>, Body(settings): Body<CachingSettings>) -> Json<CachingSettings> {
    context.idp.set_caching(settings.into());
    show(State(context)).await
}
