//! The identity provider's clock.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Context;
use super::body::Body;
use crate::file::Offset;
use crate::idp::Idp;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(shift)).routes(routes!(drift))
}

/// What the clock shows.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ClockView {
    /// Milliseconds since the Unix epoch.
    pub(super) now_ms: i64,
    /// How far it is ahead of the machine's clock, in milliseconds.
    pub(super) offset_ms: i64,
    /// Milliseconds that it gains in each second.
    pub(super) drift_ms_per_s: i64,
}

impl ClockView {
    pub(super) fn of(idp: &Idp) -> Self {
        let clock = idp.clock();
        Self { now_ms: clock.now_ms(), offset_ms: clock.offset_ms(), drift_ms_per_s: clock.drift_ms_per_s() }
    }
}

/// How far the clock is moved.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Move {
    /// Forwards as in `5m`, backwards as in `-30s`.
    #[schema(value_type = String, example = "5m",
        pattern = r"^[-+]?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$")]
    by: Offset,
}

/// How fast the clock is.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Drift {
    /// Milliseconds that it gains in each second; negative, it loses them. From -1000 down it stands still.
    ms_per_second: i64,
}

/// What the clock shows
#[utoipa::path(get, path = "/clock", tag = "clock", responses((status = 200, body = ClockView)))]
async fn show(State(context): State<Context>) -> Json<ClockView> {
    Json(ClockView::of(&context.idp))
}

/// Moves the clock; what that makes expire is expired
#[utoipa::path(post, path = "/clock/move", tag = "clock", request_body = Move,
    responses((status = 200, body = ClockView)))]
async fn shift(State(context): State<Context>, Body(Move { by }): Body<Move>) -> Json<ClockView> {
    context.idp.move_clock(by.as_millis());
    Json(ClockView::of(&context.idp))
}

/// Makes the clock fast or slow
#[utoipa::path(put, path = "/clock/drift", tag = "clock", request_body = Drift,
    responses((status = 200, body = ClockView)))]
async fn drift(State(context): State<Context>, Body(Drift { ms_per_second }): Body<Drift>) -> Json<ClockView> {
    context.idp.drift_clock(ms_per_second);
    Json(ClockView::of(&context.idp))
}
