//! Rules of misbehaviour.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Body, Path};
use super::problem::Problem;
use super::{Context, done};
use crate::misbehave::{Rule, RuleId, Standing};

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(list, add, clear)).routes(routes!(remove))
}

/// A rule, and what it has done.
#[derive(Serialize, utoipa::ToSchema)]
struct RuleView {
    /// Its number.
    #[schema(value_type = u64)]
    id: RuleId,
    /// What it says, as it was added.
    #[schema(value_type = Object)]
    rule: Rule,
    /// When its period is over, in milliseconds since the Unix epoch by the identity provider's clock.
    ends_ms: Option<i64>,
    /// How many requests it was for, whether or not it was their turn.
    matched: u64,
    /// On how many it has acted.
    acted: u64,
    /// On how many more it can act: 0 if it is used up or its period is over, null if there is no bound.
    left: Option<u64>,
    /// How many requests and replies it holds now.
    held: usize,
}

impl From<Standing> for RuleView {
    fn from(Standing { id, rule, ends_ms, matched, acted, left, held }: Standing) -> Self {
        Self { id, rule, ends_ms, matched, acted, left, held }
    }
}

/// The rules, the oldest first
///
/// One that is used up stays in the list with `left: 0`, until it is removed or 100 newer ones are used up.
#[utoipa::path(get, path = "/rules", tag = "rules", responses((status = 200, body = Vec<RuleView>)))]
async fn list(State(context): State<Context>) -> Json<Vec<RuleView>> {
    let rules = context.idp.rules();
    let mut all = rules.used_up();
    all.extend(rules.list());
    // One that ended between the two looks is in both.
    all.sort_by_key(|standing| standing.id);
    all.dedup_by_key(|standing| standing.id);
    Json(all.into_iter().map(RuleView::from).collect())
}

/// From now on this rule holds, too
///
/// For example `{"when": {"endpoint": "token"}, "instead": {"answer": {"status": 503}}, "times": 2}`. What a rule can
/// say is told in the README.
#[utoipa::path(post, path = "/rules", tag = "rules", request_body(content = Object),
    responses((status = 201, body = RuleView)))]
async fn add(State(context): State<Context>, Body(rule): Body<Rule>) -> Result<impl IntoResponse, Problem> {
    let id = context.idp.add_rule(rule);
    let added = context.idp.rules().list().into_iter().find(|standing| standing.id == id);
    let Some(added) = added else {
        context.idp.remove_rule(id);
        return Err(Problem::conflict("the rule is over already: `times` is 0, or its period is"));
    };
    Ok((StatusCode::CREATED, Json(RuleView::from(added))))
}

/// No rule holds any longer
#[utoipa::path(delete, path = "/rules", tag = "rules", responses((status = 204, description = "All is healed")))]
async fn clear(State(context): State<Context>) -> impl IntoResponse {
    context.idp.clear_rules();
    done()
}

/// A rule holds no longer, and releases what it held
#[utoipa::path(delete, path = "/rules/{id}", tag = "rules", params(("id" = u64, Path, description = "Its number")),
    responses((status = 204, description = "It is healed")))]
async fn remove(State(context): State<Context>, Path(id): Path<RuleId>) -> Result<impl IntoResponse, Problem> {
    let used_up = context.idp.rules().used_up().iter().any(|standing| standing.id == id);
    // What holds requests is used up, and holds them all the same.
    let holds = context.idp.rules().list().iter().any(|standing| standing.id == id);
    context.idp.remove_rule(id);
    if used_up || holds {
        Ok(done())
    } else {
        Err(Problem::not_found("there is no such rule; GET /admin/rules lists all"))
    }
}
