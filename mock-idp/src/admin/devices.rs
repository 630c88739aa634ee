//! Devices that wait for a user's word (RFC 8628), and the user's word.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Body, Path};
use super::problem::Problem;
use super::{Context, done};
use crate::idp::WaitingDevice;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(approve)).routes(routes!(deny))
}

/// A device that waits.
#[derive(Serialize, utoipa::ToSchema)]
struct DeviceView {
    /// The code that it shows, by which it is approved or denied. It is no fingerprint: whoever decides has to name it.
    user_code: String,
    /// `client_id`.
    client: String,
    /// What it asks for.
    scopes: Vec<String>,
    /// When nobody can decide any more, in milliseconds since the Unix epoch by the provider's clock.
    expires_at_ms: i64,
}

/// Who decides.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Approval {
    /// `sub` of what the device gets. It need not be a user that can sign in.
    #[schema(min_length = 1)]
    subject: String,
}

/// The devices that wait for a user's word
///
/// The one whose time is over first comes first.
#[utoipa::path(get, path = "/devices", tag = "devices", responses((status = 200, body = Vec<DeviceView>)))]
async fn list(State(context): State<Context>) -> Json<Vec<DeviceView>> {
    let view = |WaitingDevice { user_code, client, scopes, expires_at_ms }| DeviceView {
        user_code,
        client,
        scopes,
        expires_at_ms,
    };
    Json(context.idp.waiting_devices().into_iter().map(view).collect())
}

/// A user allows what a device asks for (RFC 8628 §3.3)
#[utoipa::path(post, path = "/devices/{user_code}/approve", tag = "devices", request_body = Approval,
    params(("user_code" = String, Path, description = "The code that the device shows")),
    responses((status = 204, description = "The device gets tokens when it asks next")))]
async fn approve(
    State(context): State<Context>,
    Path(user_code): Path<String>,
    Body(Approval { subject }): Body<Approval>,
) -> Result<impl IntoResponse, Problem> {
    if subject.is_empty() {
        return Err(Problem::bad_request("`subject` is empty (name the user, as in `alice`)"));
    }
    if context.idp.approve_device(&user_code, &subject) { Ok(done()) } else { Err(no_device(&user_code)) }
}

/// A user refuses what a device asks for
#[utoipa::path(post, path = "/devices/{user_code}/deny", tag = "devices",
    params(("user_code" = String, Path, description = "The code that the device shows")),
    responses((status = 204, description = "The device is told `access_denied` when it asks next")))]
async fn deny(State(context): State<Context>, Path(user_code): Path<String>) -> Result<impl IntoResponse, Problem> {
    if context.idp.deny_device(&user_code) { Ok(done()) } else { Err(no_device(&user_code)) }
}

fn no_device(user_code: &str) -> Problem {
    Problem::not_found(format!(
        "no device waits that shows `{user_code}`: it was decided on, its time is over, or there never was one; GET /admin/devices \
         lists all that wait"
    ))
}
