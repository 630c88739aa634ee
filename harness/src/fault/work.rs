//! What becomes of work on which a fault has had something done, as far as that proves its bite.

use std::collections::BTreeSet;

use super::bite::Bite;
use crate::journal::{Activity, Event, Instance, WorkflowId, WorkflowStatus};

/// By which a worker says that it has done a workflow task.
const REPORT: &str = "RespondWorkflowTaskCompleted";

/// What one firing aimed at, and what Temporal's server has done of it.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// The workflows that it aimed at.
    workflows: Vec<WorkflowId>,
    /// The activity whose failed attempt triggered it: its retry is the first thing that a pause withholds.
    failing: Option<Activity>,
    /// Workflows, and activities of theirs, on which it was not.
    refused: BTreeSet<(WorkflowId, Option<String>)>,
    /// Workflows on which it was carried out.
    done: BTreeSet<WorkflowId>,
    /// Activities on which it was carried out, and is not undone.
    standing: BTreeSet<Activity>,
    /// Workers that were given a workflow task since it was carried out.
    given: BTreeSet<Instance>,
}

impl Work {
    pub(super) fn new(workflows: Vec<WorkflowId>, failing: Option<Activity>) -> Self {
        Self { workflows, failing, ..Self::default() }
    }

    /// Whether this event, which came after the firing, proves the bite. `began_before` says of an activity whether an
    /// attempt of it had started when the fault fired.
    pub(super) fn proves(&self, bite: Bite, event: &Event, began_before: impl Fn(&Activity) -> bool) -> bool {
        match (bite, event) {
            (Bite::AttemptWithheld, Event::TemporalOperation { operation, refused: None, .. }) => {
                operation == "activity.pause" && activity_of(event).is_some_and(|it| self.failing.as_ref() == Some(&it))
            }
            (Bite::AttemptWithheld, Event::ActivityFailed { attempt, failure }) => {
                !failure.non_retryable && self.standing.contains(&Activity::of(attempt))
            }
            (Bite::AttemptWithheld, Event::ActivityCancelled(attempt)) => {
                self.standing.contains(&Activity::of(attempt))
            }
            (Bite::ActivityBegunAnew, Event::ActivityStarted(attempt)) => {
                let activity = Activity::of(attempt);
                attempt.attempt == 1 && self.hits(&activity.workflow, Some(&activity.id)) && began_before(&activity)
            }
            (Bite::WorkflowCancelled, Event::WorkflowClosed { workflow, status }) => {
                *status == WorkflowStatus::Cancelled && self.hits(workflow, None)
            }
            (Bite::WorkflowTerminated, Event::WorkflowClosed { workflow, status }) => {
                *status == WorkflowStatus::Terminated && self.hits(workflow, None)
            }
            (Bite::WorkflowBegunAnew, Event::ActivityStarted(attempt)) => {
                attempt.attempt == 1 && self.done.contains(&attempt.workflow)
            }
            (Bite::SignalGiven, Event::GateRpcDone { instance, rpc, code: Some(0), .. }) => {
                rpc == REPORT && self.given.contains(instance)
            }
            _ => false,
        }
    }

    /// Whether it aimed at this workflow, and the server has not refused. What comes of it may be seen before the server's
    /// answer is.
    fn hits(&self, workflow: &WorkflowId, activity: Option<&String>) -> bool {
        let refused = |activity| self.refused.contains(&(workflow.clone(), activity));
        self.workflows.contains(workflow) && !refused(None) && !(activity.is_some() && refused(activity.cloned()))
    }

    pub(super) fn follow(&mut self, event: &Event) {
        match event {
            Event::TemporalOperation { operation, workflow, refused: None, .. }
                if self.workflows.contains(workflow) =>
            {
                match (activity_of(event), operation.as_str()) {
                    (Some(activity), "activity.unpause") => drop(self.standing.remove(&activity)),
                    (Some(activity), _) => drop(self.standing.insert(activity)),
                    (None, _) => drop(self.done.insert(workflow.clone())),
                }
            }
            Event::TemporalOperation { workflow, activity, refused: Some(_), .. } => {
                self.refused.insert((workflow.clone(), activity.clone()));
            }
            // The next task may come with the answer to the report of the last.
            Event::GateRpcDone { instance, rpc, code: Some(0), .. }
                if !self.done.is_empty() && matches!(rpc.as_str(), "PollWorkflowTaskQueue" | REPORT) =>
            {
                self.given.insert(instance.clone());
            }
            _ => {}
        }
    }
}

/// The activity on which an operation was carried out.
fn activity_of(event: &Event) -> Option<Activity> {
    match event {
        Event::TemporalOperation { workflow, activity: Some(id), .. } => {
            Some(Activity { workflow: workflow.clone(), id: id.clone() })
        }
        _ => None,
    }
}
