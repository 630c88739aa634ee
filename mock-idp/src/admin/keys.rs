//! Signing keys.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Body, Path};
use super::problem::Problem;
use super::{Context, done};

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(rotate)).routes(routes!(remove))
}

/// The keys of the JWKS.
#[derive(Serialize, utoipa::ToSchema)]
struct Keys {
    /// Their ids.
    keys: Vec<String>,
}

/// How keys are rotated.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateKeys {
    /// Whether the old keys stay in the JWKS, so that what they signed can still be checked.
    #[serde(default = "yes")]
    #[schema(default = true)]
    overlap: bool,
}

fn yes() -> bool {
    true
}

/// The keys that the JWKS has
#[utoipa::path(get, path = "/keys", tag = "keys", responses((status = 200, body = Keys)))]
async fn list(State(context): State<Context>) -> Json<Keys> {
    Json(Keys { keys: context.idp.published_keys() })
}

/// Another key signs from now on
#[utoipa::path(post, path = "/keys/rotate", tag = "keys", request_body = RotateKeys,
    responses((status = 200, body = Keys)))]
async fn rotate(
    State(context): State<Context>,
    Body(RotateKeys { overlap }): Body<RotateKeys>,
) -> Result<Json<Keys>, Problem> {
    if !context.idp.issues_jwts() {
        return Err(Problem::conflict("access tokens are opaque: what else is signed has one key for good"));
    }
    // Making a key takes time: other requests go on meanwhile.
    let idp = context.idp.clone();
    let rotated = tokio::task::spawn_blocking(move || idp.rotate_keys(overlap)).await;
    rotated.map_err(|_| Problem::conflict("the keys could not be rotated"))?;
    Ok(list(State(context)).await)
}

/// Takes a key out of the JWKS
#[utoipa::path(delete, path = "/keys/{kid}", tag = "keys", params(("kid" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is gone")))]
async fn remove(State(context): State<Context>, Path(kid): Path<String>) -> Result<impl IntoResponse, Problem> {
    if context.idp.remove_key(&kid) {
        Ok(done())
    } else if context.idp.published_keys().contains(&kid) {
        Err(Problem::conflict(format!("{kid} is the only key; rotate first")))
    } else {
        Err(Problem::not_found(format!("the JWKS has no key `{kid}`")))
    }
}
