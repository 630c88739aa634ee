//! To which attempt a request belongs. History does not say; the gate's events do, as far as that can be known.

use std::collections::BTreeMap;
use std::fmt;

use super::event::{Attempt, Event};
use super::id::{Instance, Seq, WorkflowId};
use super::record::Record;

/// How a request was found to belong to an attempt. Every worker instance has addresses of its own, so that the
/// instance is always known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Attribution {
    /// No attempt had to be known.
    #[default]
    Instance,
    /// The only attempt that was under way on the instance.
    Attempt,
    /// The workflow that the request names (`api.correlate`).
    Correlate,
    /// One of several attempts, it is not known which: a check fails only if it does so for each of them.
    Set,
}

impl Attribution {
    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Attempt => "attempt",
            Self::Correlate => "correlate",
            Self::Set => "set",
        }
    }
}

impl fmt::Display for Attribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An activity, whatever instance its attempts are on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Activity {
    pub(crate) workflow: WorkflowId,
    pub(crate) id: String,
}

impl Activity {
    pub(crate) fn of(attempt: &Attempt) -> Self {
        Self { workflow: attempt.workflow.clone(), id: attempt.activity.clone() }
    }
}

/// The attempts that are under way on each worker instance.
#[derive(Default)]
pub(crate) struct Live {
    attempts: BTreeMap<Instance, Vec<Delivered>>,
}

/// An attempt with the number of its delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) attempt: Attempt,
    pub(crate) at: Seq,
}

/// The attempts that a request can belong to.
pub(crate) struct Candidates {
    pub(crate) attempts: Vec<Delivered>,
    pub(crate) how: Attribution,
}

impl Candidates {
    /// Whether it is one attempt for certain.
    pub(crate) fn certain(&self) -> Option<&Delivered> {
        match self.attempts.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The workflow, if all that it can be belong to one.
    pub(crate) fn workflow(&self) -> Option<&WorkflowId> {
        let first = &self.attempts.first()?.attempt.workflow;
        self.attempts.iter().all(|delivered| delivered.attempt.workflow == *first).then_some(first)
    }
}

impl Live {
    /// Takes note of what `record` says of attempts. Call it after having looked at the record itself.
    pub(crate) fn follow(&mut self, record: &Record) {
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
    pub(crate) fn candidates(&self, instance: &Instance, workflow: Option<&WorkflowId>) -> Candidates {
        let live = self.on(instance);
        if live.len() > 1 {
            let named: Vec<_> =
                live.iter().filter(|delivered| Some(&delivered.attempt.workflow) == workflow).cloned().collect();
            let how = if named.len() == 1 { Attribution::Correlate } else { Attribution::Set };
            if !named.is_empty() {
                return Candidates { attempts: named, how };
            }
            return Candidates { attempts: live.to_vec(), how: Attribution::Set };
        }
        let how = if live.is_empty() { Attribution::Instance } else { Attribution::Attempt };
        Candidates { attempts: live.to_vec(), how }
    }

    /// What is under way on `instance`.
    pub(crate) fn on(&self, instance: &Instance) -> &[Delivered] {
        self.attempts.get(instance).map_or(&[], Vec::as_slice)
    }
}
