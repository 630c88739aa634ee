//! Who is turned away: subjects, and the tenant with everybody in it.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Context;
use super::body::{Body, Path};

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(set)).routes(routes!(tenant, set_tenant))
}

/// Whom tokens speak for.
#[derive(Serialize, utoipa::ToSchema)]
struct SubjectView {
    /// `sub`.
    subject: String,
    /// Whether it is turned away.
    disabled: bool,
}

/// All clients and subjects together.
#[derive(Serialize, utoipa::ToSchema)]
struct TenantView {
    /// Whether it is turned away.
    disabled: bool,
}

/// Whether somebody is turned away.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Disabled {
    /// Whether it is from now on.
    disabled: bool,
}

/// The subjects that are turned away
#[utoipa::path(get, path = "/subjects", tag = "subjects", responses((status = 200, body = Vec<SubjectView>)))]
async fn list(State(context): State<Context>) -> Json<Vec<SubjectView>> {
    let view = |subject| SubjectView { subject, disabled: true };
    Json(context.idp.disabled_subjects().into_iter().map(view).collect())
}

/// Turns a subject away, or serves it again
///
/// Nothing is granted for one that is disabled (`invalid_grant`), and what speaks for it is dead and stays so. It need not
/// be a user that can sign in: a client that speaks for itself is a subject, too.
#[utoipa::path(put, path = "/subjects/{subject}", tag = "subjects", request_body = Disabled,
    params(("subject" = String, Path, description = "`sub`")), responses((status = 200, body = SubjectView)))]
async fn set(
    State(context): State<Context>,
    Path(subject): Path<String>,
    Body(Disabled { disabled }): Body<Disabled>,
) -> Json<SubjectView> {
    match disabled {
        true => context.idp.disable_subject(&subject),
        false => context.idp.enable_subject(&subject),
    }
    Json(SubjectView { subject, disabled })
}

/// Whether the tenant is turned away
#[utoipa::path(get, path = "/tenant", tag = "tenant", responses((status = 200, body = TenantView)))]
async fn tenant(State(context): State<Context>) -> Json<TenantView> {
    Json(TenantView { disabled: context.idp.is_tenant_disabled() })
}

/// Turns the tenant away, or serves it again
///
/// No client of one that is disabled gets tokens (`unauthorized_client`). What was issued lives on.
#[utoipa::path(put, path = "/tenant", tag = "tenant", request_body = Disabled,
    responses((status = 200, body = TenantView)))]
async fn set_tenant(State(context): State<Context>, Body(Disabled { disabled }): Body<Disabled>) -> Json<TenantView> {
    match disabled {
        true => context.idp.disable_tenant(),
        false => context.idp.enable_tenant(),
    }
    tenant(State(context)).await
}
