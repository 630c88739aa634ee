//! What users decide: consents that are taken back, devices that are approved or denied.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Body, Path};
use super::problem::Problem;
use super::{Context, clients, done};

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(withdraw)).routes(routes!(approve)).routes(routes!(deny))
}

/// Who decides.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Approval {
    /// `sub` of what the device gets. It need not be a user that can sign in.
    #[schema(min_length = 1)]
    subject: String,
}

/// A subject takes back what it granted to a client
///
/// What the client holds for it is dead, and stays so.
#[utoipa::path(delete, path = "/clients/{id}/consents/{subject}", tag = "consents",
    params(("id" = String, Path, description = "`client_id`"), ("subject" = String, Path, description = "`sub`")),
    responses((status = 204, description = "It is withdrawn")))]
async fn withdraw(
    State(context): State<Context>,
    Path((id, subject)): Path<(String, String)>,
) -> Result<impl IntoResponse, Problem> {
    clients::found(&context, &id)?;
    context.idp.withdraw_consent(&id, &subject);
    Ok(done())
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
        return Err(Problem::bad_request("the subject is empty"));
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
        "no device waits that shows `{user_code}`: it was decided on, its time is over, or there never was one"
    ))
}
