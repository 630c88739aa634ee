//! Recorded requests.

use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Query, read_query};
use super::problem::Problem;
use super::{Context, done};
use crate::audit::{RequestFilter, RequestRecord};
use crate::file::suggest;

/// Nobody waits longer.
const LONGEST_WAIT_MS: u64 = 60_000;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(list, forget)).routes(routes!(count)).routes(routes!(wait))
}

/// Recorded requests.
#[derive(Serialize, utoipa::ToSchema)]
struct Requests {
    /// The oldest first.
    requests: Vec<RequestRecord>,
    /// How many came since the last reset that are no longer kept.
    forgotten: u64,
}

/// A number of requests.
#[derive(Serialize, utoipa::ToSchema)]
struct Count {
    /// How many of those that are kept.
    count: usize,
    /// How many came since the last reset that are no longer kept, and were not counted.
    forgotten: u64,
}

/// Which request is waited for, and how long.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Waiting {
    /// The nth, from 1, of those that are kept and those to come.
    #[param(minimum = 1)]
    nth: u64,
    /// So many milliseconds at most, from 0 to 60000. Default: 10000.
    #[param(maximum = 60000)]
    timeout_ms: u64,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { nth: 1, timeout_ms: 10_000 }
    }
}

/// The recorded requests
#[utoipa::path(get, path = "/requests", tag = "requests", params(RequestFilter),
    responses((status = 200, body = Requests)))]
async fn list(State(context): State<Context>, Query(filter): Query<RequestFilter>) -> Json<Requests> {
    Json(Requests { requests: context.idp.requests(&filter), forgotten: context.idp.forgotten_requests() })
}

/// Forgets recorded requests and counters
#[utoipa::path(delete, path = "/requests", tag = "requests",
    responses((status = 204, description = "They are forgotten")))]
async fn forget(State(context): State<Context>) -> impl IntoResponse {
    context.idp.forget_requests();
    done()
}

/// How many requests were recorded
#[utoipa::path(get, path = "/requests/count", tag = "requests", params(RequestFilter),
    responses((status = 200, body = Count)))]
async fn count(State(context): State<Context>, Query(filter): Query<RequestFilter>) -> Json<Count> {
    Json(Count { count: context.idp.requests(&filter).len(), forgotten: context.idp.forgotten_requests() })
}

/// Waits for the nth request
///
/// If fewer come within `timeout_ms` it is not found, and told how many came.
#[utoipa::path(get, path = "/requests/wait", tag = "requests", params(RequestFilter, Waiting),
    responses((status = 200, body = RequestRecord)))]
async fn wait(State(context): State<Context>, RawQuery(query): RawQuery) -> Result<Json<RequestRecord>, Problem> {
    let query = query.unwrap_or_default();
    check_names(&query)?;
    let (waiting, filter) = split(&query);
    let Waiting { nth, timeout_ms } = read_query(&waiting)?;
    let filter: RequestFilter = read_query(&filter)?;
    if nth == 0 || timeout_ms > LONGEST_WAIT_MS {
        let why = format!("`nth` is from 1 on, `timeout_ms` {LONGEST_WAIT_MS} at most");
        return Err(Problem::bad_request(why));
    }
    let came = context.idp.nth_request(&filter, nth, Duration::from_millis(timeout_ms)).await;
    came.map(Json).map_err(|error| Problem::not_found(error.to_string()))
}

/// Each of the two only knows its own parameters: a slip is told with all of them.
fn check_names(query: &str) -> Result<(), Problem> {
    let known = [RequestFilter::into_params(|| None), Waiting::into_params(|| None)].concat();
    let known: Vec<&str> = known.iter().map(|parameter| parameter.name.as_str()).collect();
    let wrong = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| !known.contains(&name.as_ref()));
    match wrong {
        Some((name, _)) => {
            let hint = suggest(&name, known.iter().copied());
            Err(Problem::bad_request(format!("unknown parameter `{name}` ({hint})")))
        }
        None => Ok(()),
    }
}

/// What says how long to wait, and what says for which request: each is read strictly.
fn split(query: &str) -> (String, String) {
    let (mut waiting, mut filter) = (Vec::new(), Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or_default();
        if matches!(name, "nth" | "timeout_ms") { waiting.push(pair) } else { filter.push(pair) }
    }
    (waiting.join("&"), filter.join("&"))
}
