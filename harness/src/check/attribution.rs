//! To which attempt a request belongs. History does not say; the gate's events do, as far as that can be known.

use std::collections::BTreeMap;

use crate::journal::{Attempt, Event, Instance, Record, Seq, WorkflowId};

/// The attempts that are under way on each worker instance.
#[derive(Default)]
pub(super) struct Live {
    attempts: BTreeMap<Instance, Vec<Delivered>>,
}

/// An attempt with the number of its delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivered {
    pub(super) attempt: Attempt,
    pub(super) at: Seq,
}

impl Live {
    /// Takes note of what `record` says of attempts. Call it after having looked at the record itself.
    pub(super) fn follow(&mut self, record: &Record) {
        match &record.event {
            Event::ActivityStarted(attempt) => {
                let delivered = Delivered { attempt: attempt.clone(), at: record.seq };
                self.attempts.entry(attempt.instance.clone()).or_default().push(delivered);
            }
            Event::ActivityCompleted { attempt, .. }
            | Event::ActivityFailed { attempt, .. }
            | Event::ActivityCancelled(attempt) => {
                if let Some(live) = self.attempts.get_mut(&attempt.instance) {
                    live.retain(|delivered| delivered.attempt != *attempt);
                }
            }
            Event::WorkerExited { instance, .. } => {
                self.attempts.remove(instance);
            }
            _ => {}
        }
    }

    /// The attempts that a request of `instance` can belong to: the only one, else those of the workflow that it
    /// names, else all.
    pub(super) fn candidates(&self, instance: &Instance, workflow: Option<&WorkflowId>) -> Vec<Delivered> {
        let live = self.attempts.get(instance).map_or(&[][..], Vec::as_slice);
        if live.len() > 1 {
            let named: Vec<_> =
                live.iter().filter(|delivered| Some(&delivered.attempt.workflow) == workflow).cloned().collect();
            if !named.is_empty() {
                return named;
            }
        }
        live.to_vec()
    }
}
