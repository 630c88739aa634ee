//! A page to look at state: no script, renewed by itself.

use axum::Router;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::IntoResponse;
use axum::routing::get;

use super::Context;
use super::state::StateView;
use super::tokens::TokenView;
use crate::audit::{AuditEvent, RequestFilter, RequestRecord};

const STYLE: &str = include_str!("page.css");

/// Nothing but the style of this very server.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// So many of each are shown, the newest.
const SHOWN: usize = 25;

pub(super) fn router() -> Router<Context> {
    let style = async || ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE);
    Router::new().route("/admin", get(show)).route("/admin/", get(show)).route("/admin/page.css", get(style))
}

async fn show(State(context): State<Context>) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, page(&context))
}

fn page(context: &Context) -> String {
    let state = StateView::of(context);
    let now_ms = state.clock.now_ms;
    let tokens = context.idp.tokens();
    let live = tokens.iter().filter(|token| token.is_live(now_ms)).count();
    let newest = tokens.iter().rev().take(SHOWN).map(|token| TokenView::of(token, now_ms));
    let mut requests = context.idp.requests(&RequestFilter::default());
    requests.reverse();
    let mut events = context.idp.audit_log(0);
    events.reverse();
    let facts = [
        ("Issuer".to_owned(), state.issuer),
        ("Clock".to_owned(), format!("{} ms ahead, gains {} ms/s", state.clock.offset_ms, state.clock.drift_ms_per_s)),
        ("Clients".to_owned(), state.clients.join(", ")),
        ("Keys".to_owned(), state.keys.join(", ")),
        ("Tokens".to_owned(), format!("{live} live of {}", tokens.len())),
    ];
    let endpoints = state.endpoints.into_iter().map(|address| (address.endpoint.name().to_owned(), address.url));
    let facts = facts.into_iter().chain(endpoints).map(|(name, value)| row("th", &[&name]) + &row("td", &[&value]));
    let facts: String = facts.map(|cells| format!("<tr>{cells}</tr>")).collect();
    let counters = state
        .counters
        .iter()
        .map(|counter| cells(&[counter.endpoint.name(), &counter.status.to_string(), &counter.count.to_string()]));
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"2\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>mock-idp</title>\
         <link rel=\"stylesheet\" href=\"/admin/page.css\"><h1>mock-idp</h1>\
         <p>Renewed every 2 seconds. <a href=\"/admin/openapi.json\">What can be done here</a> \
         (OpenAPI).</p><section><h2>State</h2><table class=\"facts\">{facts}</table></section>{}{}{}{}",
        table("Answers since the last reset", &["endpoint", "status", "count"], counters),
        table(
            "Newest requests",
            &["#", "request", "client", "grant", "token", "status", "error", "cause", "fault"],
            requests.iter().take(SHOWN).map(request),
        ),
        table(
            "Newest tokens",
            &["token", "client", "subject", "scope", "state", "why", "fingerprint"],
            newest.map(|token| self::token(&token)),
        ),
        table("Audit log", &["#", "kind", "client", "token", "reason"], events.iter().take(2 * SHOWN).map(event)),
    )
}

fn request(request: &RequestRecord) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let number = request.number.to_string();
    let status = request.status.map(|status| status.to_string()).unwrap_or_default();
    cells(&[
        &number,
        &request.target,
        &text(&request.client),
        &text(&request.grant),
        &text(&request.token),
        &status,
        &text(&request.error),
        &text(&request.cause),
        &text(&request.fault),
    ])
}

fn token(token: &TokenView) -> String {
    let state = format!("{:?}", token.state).to_lowercase();
    let (scopes, why) = (token.scopes.join(" "), token.reason.clone().unwrap_or_default());
    cells(&[&token.name, &token.client, &token.subject, &scopes, &state, &why, &token.fingerprint])
}

fn event(event: &AuditEvent) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let number = event.number.to_string();
    cells(&[&number, event.kind.name(), &text(&event.client), &text(&event.token), &event.reason])
}

/// A table, if there is anything to show.
fn table(title: &str, heads: &[&str], rows: impl Iterator<Item = String>) -> String {
    let rows: String = rows.map(|row| format!("<tr>{row}</tr>")).collect();
    if rows.is_empty() {
        return String::new();
    }
    let heads = row("th", heads);
    format!("<section><h2>{}</h2><table><tr>{heads}</tr>{rows}</table></section>", escaped(title))
}

fn cells(texts: &[&str]) -> String {
    row("td", texts)
}

fn row(element: &str, texts: &[&str]) -> String {
    texts.iter().map(|text| format!("<{element}>{}</{element}>", escaped(text))).collect()
}

/// Nothing that a client sends is markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
