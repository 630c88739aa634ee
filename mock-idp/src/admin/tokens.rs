//! Tokens.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Body, Path, Query};
use super::problem::Problem;
use super::{Context, done};
use crate::audit::token_name;
use crate::file::Duration;
use crate::secret::Secret;
use crate::settings::too_short;
use crate::store::Which;
use crate::token::{Death, TokenFacts, TokenId, TokenKind};

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(find))
        .routes(routes!(revoke))
        .routes(routes!(expire))
        .routes(routes!(set_lifetime))
}

/// Whether a token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum TokenState {
    /// It is good.
    Live,
    /// Its lifetime is over.
    Expired,
    /// It was revoked.
    Revoked,
    /// It was replaced by its successor.
    Rotated,
}

/// A token, without its value.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct TokenView {
    /// Its number, in the order of issue.
    pub(super) number: u64,
    /// Its name in the audit log: `A` or `R` and its number.
    pub(super) name: String,
    /// Access or refresh token.
    pub(super) kind: TokenKind,
    /// To whom it was issued.
    pub(super) client: String,
    /// Whom it speaks for.
    pub(super) subject: String,
    /// What it allows.
    pub(super) scopes: Vec<String>,
    /// `aud`.
    pub(super) audience: String,
    /// `iss`.
    pub(super) issuer: String,
    /// When it was issued, in milliseconds since the Unix epoch, by the issuer's clock.
    pub(super) issued_at_ms: i64,
    /// When it expires, likewise.
    pub(super) expires_at_ms: i64,
    /// Whether it is good by the identity provider's clock.
    pub(super) state: TokenState,
    /// Why it was revoked, or in which request it was replaced.
    pub(super) reason: Option<String>,
    /// Fingerprint of its value.
    pub(super) fingerprint: String,
}

impl TokenView {
    pub(super) fn of(token: &TokenFacts, now_ms: i64) -> Self {
        let (state, reason) = match &token.death {
            Some(Death::Revoked(reason)) => (TokenState::Revoked, Some(reason.clone())),
            Some(Death::Rotated(request)) => {
                (TokenState::Rotated, Some(format!("replaced by its successor at #{request}")))
            }
            Some(Death::Expired) => (TokenState::Expired, None),
            None if token.is_live(now_ms) => (TokenState::Live, None),
            None => (TokenState::Expired, None),
        };
        Self {
            number: token.id.0,
            name: token_name(token.id, token.kind),
            kind: token.kind,
            client: token.client.clone(),
            subject: token.subject.clone(),
            scopes: token.scopes.clone(),
            audience: token.audience.clone(),
            issuer: token.issuer.clone(),
            issued_at_ms: token.issued_at_ms,
            expires_at_ms: token.expires_at_ms,
            state,
            reason,
            fingerprint: token.value.fingerprint(),
        }
    }
}

/// Which tokens are listed.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct TokenQuery {
    /// Only those of this client.
    client: Option<String>,
    /// Only those that speak for this subject.
    subject: Option<String>,
    /// Only access tokens, or only refresh tokens.
    kind: Option<TokenKind>,
    /// Only those that are so.
    state: Option<TokenState>,
    /// Only those with a higher number.
    after: u64,
    /// So many at most.
    #[param(minimum = 1, maximum = 1000)]
    limit: usize,
}

impl Default for TokenQuery {
    fn default() -> Self {
        Self { client: None, subject: None, kind: None, state: None, after: 0, limit: 100 }
    }
}

/// A page of tokens.
#[derive(Serialize, utoipa::ToSchema)]
struct TokenList {
    /// In the order of issue.
    tokens: Vec<TokenView>,
    /// What `after` has to be for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// A token by its value.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenValue {
    /// The token itself.
    #[schema(value_type = String)]
    token: Secret,
}

/// Tokens that die.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Revocation {
    /// Which.
    which: Which,
    /// Why, for records.
    #[serde(default = "on_request")]
    #[schema(default = "the control revoked it")]
    reason: String,
}

fn on_request() -> String {
    "the control revoked it".to_owned()
}

/// How long access tokens live.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Lifetime {
    /// How long those live that are issued from now on, as in `5m`.
    #[schema(value_type = String, example = "5m", pattern = r"^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$")]
    lifetime: Duration,
    /// What `expires_in` says instead of the truth.
    #[schema(value_type = Option<String>, example = "1h",
        pattern = r"^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$")]
    stated: Option<Duration>,
}

/// The tokens that were issued
///
/// Where not everything is kept of tokens (`--memory needed`): those of which something is kept, and the newest JWTs.
#[utoipa::path(get, path = "/tokens", tag = "tokens", params(TokenQuery),
    responses((status = 200, body = TokenList)))]
async fn list(State(context): State<Context>, Query(query): Query<TokenQuery>) -> Result<Json<TokenList>, Problem> {
    if !(1..=1000).contains(&query.limit) {
        return Err(Problem::bad_request("the parameter `limit`: it is too small or too large (from 1 to 1000)"));
    }
    let now_ms = context.idp.clock().now_ms();
    let tokens = context.idp.tokens();
    let wanted = |token: &&TokenFacts| {
        token.id.0 > query.after
            && query.client.as_ref().is_none_or(|client| *client == token.client)
            && query.subject.as_ref().is_none_or(|subject| *subject == token.subject)
            && query.kind.is_none_or(|kind| kind == token.kind)
    };
    let views = tokens.iter().filter(wanted).map(|token| TokenView::of(token, now_ms));
    let mut views = views.filter(|token| query.state.is_none_or(|state| state == token.state));
    let tokens: Vec<_> = views.by_ref().take(query.limit).collect();
    let next = views.next().and_then(|_| tokens.last()).map(|token| token.number);
    Ok(Json(TokenList { tokens, next }))
}

/// A token
#[utoipa::path(get, path = "/tokens/{number}", tag = "tokens",
    params(("number" = u64, Path, description = "Its number")), responses((status = 200, body = TokenView)))]
async fn show(State(context): State<Context>, Path(number): Path<u64>) -> Result<Json<TokenView>, Problem> {
    found(&context, number).map(Json)
}

/// A token by its value
#[utoipa::path(post, path = "/tokens/find", tag = "tokens", request_body = TokenValue,
    responses((status = 200, body = TokenView)))]
async fn find(State(context): State<Context>, Body(value): Body<TokenValue>) -> Result<Json<TokenView>, Problem> {
    let facts = context.idp.facts(value.token.expose());
    let facts = facts.ok_or_else(|| {
        Problem::not_found("no token of this value was issued; GET /admin/tokens lists all, with fingerprints")
    })?;
    Ok(Json(TokenView::of(&facts, context.idp.clock().now_ms())))
}

/// Tokens die before their time
#[utoipa::path(post, path = "/tokens/revoke", tag = "tokens", request_body = Revocation,
    responses((status = 204, description = "They are dead")))]
async fn revoke(
    State(context): State<Context>,
    Body(Revocation { which, reason }): Body<Revocation>,
) -> Result<impl IntoResponse, Problem> {
    if let Which::Token(id) = which
        && !(1..=context.idp.issued_tokens()).contains(&id.0)
    {
        return Err(no_token(id.0));
    }
    context.idp.revoke(&which, &reason);
    Ok(done())
}

/// A token's time is over now
#[utoipa::path(post, path = "/tokens/{number}/expire", tag = "tokens",
    params(("number" = u64, Path, description = "Its number")), responses((status = 200, body = TokenView)))]
async fn expire(State(context): State<Context>, Path(number): Path<u64>) -> Result<Json<TokenView>, Problem> {
    found(&context, number)?;
    context.idp.expire(TokenId(number));
    found(&context, number).map(Json)
}

/// How long access tokens live that are issued from now on
#[utoipa::path(put, path = "/tokens/lifetime", tag = "tokens", request_body = Lifetime,
    responses((status = 204, description = "It is set")))]
async fn set_lifetime(State(context): State<Context>, Body(set): Body<Lifetime>) -> Result<impl IntoResponse, Problem> {
    if let Some(complaint) = too_short(set.lifetime) {
        return Err(Problem::complaint(&complaint));
    }
    context.idp.set_access_token_lifetime(set.lifetime.to_std(), set.stated.map(Duration::to_std));
    Ok(done())
}

fn no_token(number: u64) -> Problem {
    Problem::not_found(format!("no token {number} was issued; GET /admin/tokens lists all"))
}

fn found(context: &Context, number: u64) -> Result<TokenView, Problem> {
    let token = context.idp.token(TokenId(number));
    let token = token.ok_or_else(|| match (1..=context.idp.issued_tokens()).contains(&number) {
        true => Problem::not_found(format!("nothing is kept of token {number}: serve with `--memory everything`")),
        false => no_token(number),
    })?;
    Ok(TokenView::of(&token, context.idp.clock().now_ms()))
}
