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
use crate::idp::Idp;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(rotate))
        .routes(routes!(remove))
        .routes(routes!(replace))
        .routes(routes!(sign))
}

/// The keys of the JWKS.
#[derive(Serialize, utoipa::ToSchema)]
struct Keys {
    /// Their ids.
    keys: Vec<String>,
    /// Id of the one that signs access tokens; null where those are opaque.
    signing: Option<String>,
    /// Id of the one that signs ID tokens.
    id_tokens: String,
}

impl Keys {
    fn of(idp: &Idp) -> Self {
        Self { keys: idp.published_keys(), signing: idp.signing_key(), id_tokens: idp.id_token_key() }
    }
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
    Json(Keys::of(&context.idp))
}

/// Another key signs from now on
#[utoipa::path(post, path = "/keys/rotate", tag = "keys", request_body = RotateKeys,
    responses((status = 200, body = Keys)))]
async fn rotate(
    State(context): State<Context>,
    Body(RotateKeys { overlap }): Body<RotateKeys>,
) -> Result<Json<Keys>, Problem> {
    if !context.idp.issues_jwts() {
        return Err(Problem::conflict("access tokens are opaque: replace the key of what else is signed instead"));
    }
    made(context, move |idp| idp.rotate_keys(overlap)).await.map(|((), keys)| keys)
}

/// One more key is in the JWKS, which does not sign yet
#[utoipa::path(post, path = "/keys", tag = "keys", responses((status = 200, body = Keys)))]
async fn add(State(context): State<Context>) -> Result<Json<Keys>, Problem> {
    made(context, Idp::add_key).await.map(|(_, keys)| keys)
}

/// Another key has this id from now on
///
/// Whoever keeps keys by their ids verifies with the wrong one until it fetches the JWKS again.
#[utoipa::path(post, path = "/keys/{kid}/replace", tag = "keys", params(("kid" = String, Path, description = "Its id")),
    responses((status = 200, body = Keys)))]
async fn replace(State(context): State<Context>, Path(kid): Path<String>) -> Result<Json<Keys>, Problem> {
    let name = kid.clone();
    match made(context, move |idp| idp.replace_key(&name)).await? {
        (true, keys) => Ok(keys),
        (false, _) => Err(unknown(&kid)),
    }
}

/// A key of the JWKS signs from now on
#[utoipa::path(post, path = "/keys/{kid}/sign", tag = "keys", params(("kid" = String, Path, description = "Its id")),
    responses((status = 200, body = Keys)))]
async fn sign(State(context): State<Context>, Path(kid): Path<String>) -> Result<Json<Keys>, Problem> {
    if context.idp.sign_with(&kid) {
        Ok(list(State(context)).await)
    } else if context.idp.published_keys().contains(&kid) {
        Err(Problem::conflict(format!("{kid} is for ID tokens alone: name another one, or add one")))
    } else {
        Err(unknown(&kid))
    }
}

/// Takes a key out of the JWKS
#[utoipa::path(delete, path = "/keys/{kid}", tag = "keys", params(("kid" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is gone")))]
async fn remove(State(context): State<Context>, Path(kid): Path<String>) -> Result<impl IntoResponse, Problem> {
    if context.idp.remove_key(&kid) {
        Ok(done())
    } else if context.idp.published_keys().contains(&kid) {
        Err(Problem::conflict(format!("nothing else can sign what {kid} signs; rotate or replace it")))
    } else {
        Err(unknown(&kid))
    }
}

fn unknown(kid: &str) -> Problem {
    Problem::not_found(format!("the JWKS has no key `{kid}`; GET /admin/keys lists all"))
}

/// Does what makes a key, which takes time: other requests go on meanwhile.
async fn made<T: Send + 'static>(
    context: Context,
    change: impl FnOnce(&Idp) -> T + Send + 'static,
) -> Result<(T, Json<Keys>), Problem> {
    let idp = context.idp.clone();
    let changed = tokio::task::spawn_blocking(move || change(&idp)).await;
    let changed = changed.map_err(|_| Problem::conflict("the key could not be made"))?;
    Ok((changed, Json(Keys::of(&context.idp))))
}
