//! Saving the whole state and going back to it.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Path;
use super::problem::Problem;
use super::{Context, done};
use crate::idp::Snapshot;

/// More are refused: each holds all tokens.
const MOST: usize = 32;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(list, take)).routes(routes!(remove)).routes(routes!(restore))
}

/// The snapshots of this control. They hold secrets and stay in its memory.
#[derive(Default)]
pub(super) struct Snapshots {
    last: u64,
    taken: BTreeMap<u64, (i64, Snapshot)>,
}

/// A saved state.
#[derive(Serialize, utoipa::ToSchema)]
struct SnapshotView {
    /// Its number, from 1.
    number: u64,
    /// When it was taken, in milliseconds since the Unix epoch, by the identity provider's clock.
    at_ms: i64,
}

/// The saved states
#[utoipa::path(get, path = "/snapshots", tag = "snapshots", responses((status = 200, body = Vec<SnapshotView>)))]
async fn list(State(context): State<Context>) -> Json<Vec<SnapshotView>> {
    let view = |(number, (at_ms, _)): (&u64, &(i64, Snapshot))| SnapshotView { number: *number, at_ms: *at_ms };
    Json(context.taken().taken.iter().map(view).collect())
}

/// Saves clients, tokens, keys, clock and rules
#[utoipa::path(post, path = "/snapshots", tag = "snapshots", responses((status = 201, body = SnapshotView)))]
async fn take(State(context): State<Context>) -> Result<impl IntoResponse, Problem> {
    let mut snapshots = context.taken();
    if snapshots.taken.len() >= MOST {
        return Err(Problem::conflict(format!("there are {MOST} snapshots already; DELETE one")));
    }
    snapshots.last += 1;
    let (number, at_ms) = (snapshots.last, context.idp.clock().now_ms());
    snapshots.taken.insert(number, (at_ms, context.idp.snapshot()));
    Ok((StatusCode::CREATED, Json(SnapshotView { number, at_ms })))
}

/// The state is as it was at a snapshot
///
/// Real time has passed: what has expired since is expired. Records and the audit log go on.
#[utoipa::path(post, path = "/snapshots/{number}/restore", tag = "snapshots",
    params(("number" = u64, Path, description = "Its number")),
    responses((status = 204, description = "It is as it was")))]
async fn restore(State(context): State<Context>, Path(number): Path<u64>) -> Result<impl IntoResponse, Problem> {
    let found = context.taken().taken.get(&number).map(|(_, snapshot)| snapshot.clone());
    context.idp.restore(&found.ok_or_else(|| missing(number))?);
    Ok(done())
}

/// Forgets a snapshot
#[utoipa::path(delete, path = "/snapshots/{number}", tag = "snapshots",
    params(("number" = u64, Path, description = "Its number")),
    responses((status = 204, description = "It is forgotten")))]
async fn remove(State(context): State<Context>, Path(number): Path<u64>) -> Result<impl IntoResponse, Problem> {
    let removed = context.taken().taken.remove(&number);
    removed.map(|_| done()).ok_or_else(|| missing(number))
}

fn missing(number: u64) -> Problem {
    Problem::not_found(format!("there is no snapshot {number}; GET /admin/snapshots lists all"))
}

impl Context {
    fn taken(&self) -> MutexGuard<'_, Snapshots> {
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
