//! The audit log.

use std::convert::Infallible;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream, StreamExt as _};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Context;
use super::body::Query;
use super::problem::Problem;
use crate::audit::AuditEvent;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(follow))
}

/// Where to begin.
#[derive(Deserialize, Default, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct After {
    /// Only events with a higher number. Default: all that are kept.
    after: Option<u64>,
}

/// The audit log
#[utoipa::path(get, path = "/events", tag = "events", params(After), responses((status = 200, body = Vec<AuditEvent>)))]
async fn list(State(context): State<Context>, Query(After { after }): Query<After>) -> Json<Vec<AuditEvent>> {
    Json(context.idp.audit_log(after.unwrap_or_default()))
}

/// The audit log as it happens, as server-sent events
///
/// Each has the event's number as `id` and the event as JSON in `data`. Whoever comes back says with `Last-Event-ID`
/// what it has had. An event named `gap` says how many are no longer kept.
#[utoipa::path(get, path = "/events/stream", tag = "events",
    params(After, ("Last-Event-ID" = Option<u64>, Header, description = "The last event that was seen")),
    responses((status = 200, description = "A stream without end", content_type = "text/event-stream", body = String)))]
async fn follow(
    State(context): State<Context>,
    Query(After { after }): Query<After>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let last = match headers.get("last-event-id") {
        Some(value) => {
            let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
            Some(number.ok_or_else(|| {
                Problem::bad_request(
                    "`Last-Event-ID` is no number (it is that of the last event that was seen, such as `1`)",
                )
            })?)
        }
        None => after,
    };
    // A number that is still to come is from before a restart: all of this log is new.
    let seen = last.filter(|last| *last <= context.idp.last_audit_event()).unwrap_or_default();
    let batches = stream::unfold(seen, move |seen| {
        let idp = context.idp.clone();
        async move {
            let events = idp.next_audit_events(seen).await;
            let newest = events.last().map_or(seen, |event| event.number);
            Some((told(seen, events), newest))
        }
    });
    Ok(Sse::new(batches.flat_map(stream::iter).map(Ok)).keep_alive(KeepAlive::default()))
}

/// Events as they are sent, after the one of number `seen`.
fn told(seen: u64, events: Vec<AuditEvent>) -> Vec<Event> {
    let missing = events.first().map_or(0, |event| event.number - seen - 1);
    let gap = (missing > 0).then(|| Event::default().event("gap").data(missing.to_string()));
    let event = |event: AuditEvent| {
        let data = serde_json::to_string(&event).expect("an event is plain JSON");
        Event::default().id(event.number.to_string()).event(event.kind.name()).data(data)
    };
    gap.into_iter().chain(events.into_iter().map(event)).collect()
}
