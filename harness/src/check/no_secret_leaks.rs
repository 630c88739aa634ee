//! No secret shows where a worker writes: failures, results, heartbeats, histories, ids, output, command line.
//!
//! Whether one does was seen while the journal was recorded: in the journal itself no secret is left to look for.

use std::collections::BTreeMap;

use super::judgement::Tally;
use super::{Check, Context, Judgement, Opinion};
use crate::journal::{Event, Place, Record, Run, Seq, TokenName};

/// So many events are named for one leak that shows again and again.
const SHOWN: usize = 10;

pub(super) struct NoSecretLeaks;

impl Check for NoSecretLeaks {
    fn id(&self) -> &'static str {
        "no-secret-leaks"
    }

    fn doc(&self) -> &'static str {
        "no secret shows in histories, failures, results, heartbeats, memos, ids, output or command lines"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-19"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["a secret that could leak"]
    }

    fn judge(&self, run: &Run<'_>, _: &Context) -> Opinion {
        // What the header says was written by the user, before any worker ran.
        let by_worker = run.records().iter().filter(|record| !matches!(record.event, Event::RunStarted(_)));
        let mut leaks: BTreeMap<(&TokenName, String, String), Vec<Seq>> = BTreeMap::new();
        for record in by_worker {
            for seen in &record.sightings {
                let encoded = seen.encoding.join(", ");
                leaks.entry((&seen.secret, place(record, &seen.place), encoded)).or_default().push(record.seq);
            }
        }
        let (mut tally, count) = (Tally::default(), leaks.len());
        for ((secret, place, encoded), events) in leaks {
            let encoded = if encoded.is_empty() { String::new() } else { format!(" ({encoded})") };
            let times = if events.len() > 1 { format!(", {} times", events.len()) } else { String::new() };
            tally.find(
                format!("{secret}{encoded} shows in {place}{times}"),
                "no part of a secret anywhere but in requests to the API and the identity provider",
                events.into_iter().take(SHOWN).collect(),
            );
        }
        let otherwise: Opinion = match run.tokens().len() {
            0 => Opinion::not_applicable("no token was issued, so none could leak"),
            _ => Judgement::Pass.into(),
        };
        let detail = match count {
            0 => format!("{} tokens, none of them seen", run.tokens().len()),
            _ => format!("{count} leaks"),
        };
        tally.opinion(otherwise).detail(detail)
    }
}

/// In words, with the place in the event behind.
fn place(record: &Record, Place(pointer): &Place) -> String {
    let last = pointer.rsplit('/').next().unwrap_or_default();
    let has = |part: &str| pointer.split('/').any(|found| found == part);
    let words = match &record.event {
        Event::WorkerStarted { .. } => "a worker's command line",
        Event::WorkerOutput { .. } => "a worker's output",
        Event::ActivityHeartbeat { .. } if pointer.starts_with("/details") => "heartbeat details",
        Event::ActivityCompleted { .. } if pointer.starts_with("/result") => "an activity's result",
        Event::ActivityFailed { .. } if last == "stack_trace" => "a failure's stack trace",
        Event::ActivityFailed { .. } if has("cause") => "a failure's cause",
        Event::ActivityFailed { .. } if has("details") => "a failure's details",
        Event::ActivityFailed { .. } if has("failure") => "a failure",
        Event::HistoryEvent { .. } if has("memo") || has("upserted_memo") => "a workflow's memo",
        Event::HistoryEvent { .. } if has("indexed_fields") => "search attributes",
        Event::HistoryEvent { .. } if has("task_queue") => "a task queue's name",
        Event::HistoryEvent { .. } if has("header") => "a header in the history",
        Event::HistoryEvent { .. } if has("failure") || has("last_failure") => "a failure in the history",
        Event::HistoryEvent { .. } if has("identity") => "a worker's identity",
        Event::HistoryEvent { .. } if last == "workflow" || last == "workflow_id" => "a workflow's id",
        Event::HistoryEvent { .. } => "the history",
        _ if last == "workflow" => "a workflow's id",
        Event::ApiRequest(_) | Event::ApiResponse(_) if last == "effect" => "an idempotency key",
        Event::ApiRequest(_) | Event::ApiResponse(_) => "the address of an API request",
        Event::EgressAttempt { .. } => "a connection out of the lab",
        _ => "an event",
    };
    format!("{words} ({} at {pointer})", record.event.kind())
}
