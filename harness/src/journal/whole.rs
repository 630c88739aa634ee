//! Whether a finished journal is whole. Numbers without gaps do not show it: what was cut out can be numbered over.
//! Therefore its last record says what stands before it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::id::{Seq, WorkflowId};
use super::record::Record;
use super::run::RunEnd;

/// What a journal holds up to its end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Contents {
    /// How many records there are before `run.ended`.
    pub records: u64,
    /// How many events of its history were appended for each workflow that the harness started.
    pub histories: BTreeMap<WorkflowId, u64>,
}

impl Contents {
    /// Counts what there is.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut contents = Self::default();
        for record in records {
            contents.records += 1;
            match &record.event {
                Event::WorkflowStarted { workflow, .. } => {
                    contents.histories.entry(workflow.clone()).or_default();
                }
                Event::HistoryEvent { workflow, .. } => {
                    *contents.histories.entry(workflow.clone()).or_default() += 1;
                }
                _ => {}
            }
        }
        contents
    }
}

/// Why a journal that has an end is not whole. No verdict can rest on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Hole {
    /// A history is not as long as it was.
    #[error(
        "the history of workflow {workflow} has {found} of {stated} events in the journal: the file was changed; \
         take the original, or run the scenario again"
    )]
    History {
        /// Whose.
        workflow: WorkflowId,
        /// How many events were appended.
        stated: u64,
        /// How many are there.
        found: u64,
    },
    /// There are fewer or more records than were written.
    #[error(
        "the journal has {found} of {stated} records before `run.ended`: the file was changed; take the original, or \
         run the scenario again"
    )]
    Records {
        /// How many were written.
        stated: u64,
        /// How many are there.
        found: u64,
    },
    /// Something follows the end, after which nothing is recorded.
    #[error(
        "{first} stands after `run.ended`, which is a journal's last record: the file was changed; take the original, \
         or run the scenario again"
    )]
    AfterEnd {
        /// The first record that does.
        first: Seq,
    },
}

/// Whether what stands in the journal is what its end says. A journal without an end says nothing.
///
/// # Errors
///
/// What is missing, or too much.
pub(super) fn whole(records: &[Record]) -> Result<(), Hole> {
    let end = records.iter().enumerate().find_map(|(at, record)| match &record.event {
        Event::RunEnded(end) => Some((at, end)),
        _ => None,
    });
    let Some((at, end)) = end else { return Ok(()) };
    if let Some(extra) = records.get(at + 1) {
        return Err(Hole::AfterEnd { first: extra.seq });
    }
    let RunEnd::Complete(stated) = end else { return Ok(()) };
    let found = Contents::of(&records[..at]);
    let workflows = stated.histories.keys().chain(found.histories.keys());
    for workflow in workflows {
        let events = |contents: &Contents| contents.histories.get(workflow).copied().unwrap_or_default();
        if events(stated) != events(&found) {
            let workflow = workflow.clone();
            return Err(Hole::History { stated: events(stated), found: events(&found), workflow });
        }
    }
    if stated.records != found.records {
        return Err(Hole::Records { stated: stated.records, found: found.records });
    }
    Ok(())
}
