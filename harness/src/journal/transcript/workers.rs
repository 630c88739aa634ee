//! Worker processes, where they did more than start once and end once; and attempts to leave the lab.

use std::collections::{BTreeMap, BTreeSet};

use super::line::{Line, Story};
use super::races::Races;
use crate::journal::{Event, Run};

const SIGKILL: i32 = 9;

/// One story per worker that has one.
pub(super) fn workers(run: &Run<'_>, races: &Races) -> Vec<Story> {
    let mut lives: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for record in run.records() {
        let (instance, what) = match &record.event {
            Event::WorkerStarted { instance, .. } => (instance, "started".to_owned()),
            Event::WorkerExited { instance, code, signal, expected } => (instance, exit(*code, *signal, *expected)),
            _ => continue,
        };
        lives.entry(instance.worker()).or_default().push(what);
    }
    let starts = lives.values().flatten().filter(|what| *what == "started").count() as u64;
    let told = lives.into_values().filter(|life| !matches!(&life[..], [a] if a == "started") && !ordinary(life));
    if races.workers() {
        return vec![vec![Line::at(0).text(format!("worker processes started: {}", races.starts_range(starts)))]];
    }
    told.map(|life| vec![Line::at(0).text(format!("worker: {}", life.join(", ")))]).collect()
}

fn ordinary(life: &[String]) -> bool {
    matches!(life, [start, end] if start == "started" && end == "ended")
}

fn exit(code: Option<i32>, signal: Option<i32>, expected: bool) -> String {
    match (expected, code, signal) {
        (true, _, Some(SIGKILL)) => "killed".into(),
        (true, ..) => "ended".into(),
        (false, _, Some(signal)) => format!("died of signal {signal}"),
        (false, Some(code), None) => format!("exited by itself with code {code}"),
        (false, None, None) => "exited by itself".into(),
    }
}

/// Where workers tried to go. Ports of this machine are drawn, so they are not told.
pub(super) fn egress(run: &Run<'_>) -> Option<Story> {
    let places = run.records().iter().filter_map(|record| match &record.event {
        Event::EgressAttempt { host, .. } if matches!(host.as_str(), "127.0.0.1" | "::1" | "localhost") => {
            Some(host.clone())
        }
        Event::EgressAttempt { host, port, .. } => Some(format!("{host}:{port}")),
        _ => None,
    });
    let places: BTreeSet<String> = places.collect();
    let mut story = vec![Line::at(0).text("workers tried to leave the lab")];
    story.extend(places.into_iter().map(|place| Line::at(1).text(place)));
    (story.len() > 1).then_some(story)
}
