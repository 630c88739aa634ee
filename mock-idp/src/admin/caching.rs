//! How long documents may be kept.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Context;
use super::body::Body;
use crate::caching::Caching;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(show, set))
}

/// `Cache-Control` of documents; null is what the dialect has, an empty text is none
#[utoipa::path(get, path = "/caching", tag = "caching", responses((status = 200, body = Caching)))]
async fn show(State(context): State<Context>) -> Json<Caching> {
    Json(context.idp.caching())
}

/// From now on documents say this; what is left out is as the dialect has it
#[utoipa::path(put, path = "/caching", tag = "caching", request_body = Caching,
    responses((status = 200, body = Caching)))]
async fn set(State(context): State<Context>, Body(caching): Body<Caching>) -> Json<Caching> {
    context.idp.set_caching(caching);
    show(State(context)).await
}
