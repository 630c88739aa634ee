//! Consents that are taken back.

use axum::extract::State;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Path;
use super::problem::Problem;
use super::{Context, clients, done};

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(withdraw))
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
