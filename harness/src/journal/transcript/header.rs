//! What was run, how it ended, and what its faults did.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::line::{Line, Page, times};
use super::races::{Races, action};
use super::workflows::ending;
use crate::journal::{Event, Run, RunEnd, WorkflowStatus};

/// Writes the first lines.
pub(super) fn header(page: &mut Page, run: &Run<'_>, races: &Races) {
    let resolved = run.header().map_or(&Value::Null, |header| &header.resolved);
    if let Some(header) = run.header() {
        let title = resolved["title"].as_str().map_or_else(String::new, |title| format!(": {title}"));
        page.line(&Line::at(0).text(format!("{}{title}", header.scenario)));
    }
    match run.end() {
        Some(RunEnd::Complete(_)) => {}
        Some(RunEnd::LabFailed { reason }) => page.line(&Line::at(0).text(format!("the lab failed: {reason}"))),
        Some(RunEnd::Interrupted) => page.line(&Line::at(0).text("interrupted")),
        None => page.line(&Line::at(0).text("the journal has no end")),
    }
    if let Err(hole) = run.whole() {
        page.line(&Line::at(0).text(hole.to_string()));
    }
    if let Some(expected) = resolved["expect"]["ending"].as_str() {
        page.line(&Line::at(0).text(format!("expected: {expected}")));
    }
    page.line(&Line::at(0).text(format!("outcome: {}", outcome(run))));
    for line in faults(run, resolved, races) {
        page.line(&line);
    }
}

/// `7 × completed, failed`.
fn outcome(run: &Run<'_>) -> String {
    let mut ends: BTreeMap<&str, Option<WorkflowStatus>> = BTreeMap::new();
    for record in run.records() {
        match &record.event {
            Event::WorkflowStarted { workflow, .. } => {
                ends.entry(workflow.as_str()).or_default();
            }
            Event::WorkflowClosed { workflow, status } => {
                ends.insert(workflow.as_str(), Some(*status));
            }
            _ => {}
        }
    }
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for status in ends.into_values() {
        *counted.entry(ending(status)).or_default() += 1;
    }
    if counted.is_empty() {
        return "no workflow was started".into();
    }
    let words = counted.into_iter().map(|(word, count)| format!("{}{word}", times(count)));
    words.collect::<Vec<_>>().join(", ")
}

#[derive(Default)]
struct Count<'a> {
    action: Option<&'a str>,
    fired: u64,
    bit: u64,
}

/// In the scenario's order, then what the journal alone knows of.
fn faults(run: &Run<'_>, resolved: &Value, races: &Races) -> Vec<Line> {
    let mut counts: BTreeMap<&str, Count<'_>> = BTreeMap::new();
    for record in run.records() {
        match &record.event {
            Event::FaultArmed { fault } => {
                counts.entry(fault).or_default();
            }
            Event::FaultFired { fault, action, .. } => {
                let count = counts.entry(fault).or_default();
                count.action = Some(action);
                count.fired += 1;
            }
            Event::FaultBit { fault, .. } => counts.entry(fault).or_default().bit += 1,
            _ => {}
        }
    }
    let stated: Vec<(&str, &Value)> = resolved["faults"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|fault| Some((fault["id"].as_str()?, fault)))
        .collect();
    let known: BTreeSet<&str> = stated.iter().map(|(id, _)| *id).collect();
    let others = counts.keys().filter(|id| !known.contains(*id)).map(|id| (*id, &Value::Null));
    let all: Vec<_> = stated.iter().copied().chain(others).collect();
    let line = |(id, fault): (&str, &Value)| {
        let nothing = Count::default();
        let count = counts.get(id).unwrap_or(&nothing);
        let name = action(fault).map(|(name, _)| name).or(count.action).unwrap_or("never fired");
        let number = |number: u64| {
            if races.faults() { Races::firing_range(fault, number) } else { number.to_string() }
        };
        Line::at(0).text(format!("fault {id}: {name}, fired {}, bit {}", number(count.fired), number(count.bit)))
    };
    all.into_iter().map(line).collect()
}
