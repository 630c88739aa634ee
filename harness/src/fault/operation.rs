//! What faults have Temporal's server do to work that is under way.

use super::bite::Known;
use crate::journal::{Activity, Attempt, Event, WorkflowId};
use crate::scenario::{Action, ActivityChoice, ResetPoint, Value};

/// Something that Temporal's server is asked to do to workflows, or to activities of theirs.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// The workflows, one after the other. None but those of the scenario run, and none that was seen closed.
    pub workflows: Vec<WorkflowId>,
    /// What.
    pub deed: Deed,
}

/// What an operator can have done to a workflow.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// Activities get no further attempt.
    PauseActivities(Activities),
    /// They do again.
    UnpauseActivities(Activities),
    /// Activities begin anew.
    ResetActivities(Activities),
    /// It is asked to cancel itself.
    Cancel,
    /// It is ended.
    Terminate,
    /// It goes back.
    Reset(ResetPoint),
    /// It is sent a signal.
    Signal {
        /// Its name.
        name: String,
        /// Its arguments.
        input: Vec<serde_json::Value>,
    },
}

/// Which of a workflow's activities that are scheduled and not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activities {
    /// The one with this id.
    Id(String),
    /// Those of this type.
    Type(String),
    /// All.
    All,
}

impl Deed {
    /// As the journal calls it: after the action, where one does it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::PauseActivities(_) => "activity.pause",
            Self::UnpauseActivities(_) => "activity.unpause",
            Self::ResetActivities(_) => "activity.reset",
            Self::Cancel => "workflow.cancel",
            Self::Terminate => "workflow.terminate",
            Self::Reset(_) => "workflow.reset",
            Self::Signal { .. } => "workflow.signal",
        }
    }
}

impl Operation {
    /// What an action asks for that `trigger` has triggered; `None` for actions on something else.
    pub(super) fn of(action: &Action, trigger: &Event, known: &Known) -> Option<Self> {
        let workflows = match (action.on_work()?, workflow_of(trigger)) {
            (Some(n), _) => known.open().filter(|(_, number)| *number == n.get()).map(|(id, _)| id.clone()).collect(),
            (None, Some(named)) if known.open().any(|(id, _)| id == named) => vec![named.clone()],
            // One that was seen closed, or is none of the scenario run's, is nobody's to touch.
            (None, Some(_)) => Vec::new(),
            (None, None) => known.open().map(|(id, _)| id.clone()).collect(),
        };
        let deed = match action {
            Action::ActivityPause(choice) => Deed::PauseActivities(activities(choice, trigger)),
            Action::ActivityReset(choice) => Deed::ResetActivities(activities(choice, trigger)),
            Action::WorkflowCancel(_) => Deed::Cancel,
            Action::WorkflowTerminate(_) => Deed::Terminate,
            Action::WorkflowReset(reset) => Deed::Reset(reset.to),
            Action::WorkflowSignal(signal) => Deed::Signal {
                name: signal.name.clone(),
                input: signal.input.iter().map(|input| as_json(&input.value)).collect(),
            },
            _ => return None,
        };
        Some(Self { workflows, deed })
    }

    /// What undoes it, if anything does.
    pub(super) fn undone(&self) -> Option<Self> {
        match &self.deed {
            Deed::PauseActivities(which) => {
                Some(Self { workflows: self.workflows.clone(), deed: Deed::UnpauseActivities(which.clone()) })
            }
            _ => None,
        }
    }
}

fn as_json(value: &Value) -> serde_json::Value {
    value.to_json(&mut |text| Some(text.into())).unwrap_or_default()
}

fn activities(choice: &ActivityChoice, trigger: &Event) -> Activities {
    match (&choice.activity_type, attempt_of(trigger)) {
        (Some(named), _) => Activities::Type(named.value.clone()),
        // Of another workflow than is meant, its id says nothing.
        (None, Some(attempt)) if choice.workflow.is_none() => Activities::Id(attempt.activity.clone()),
        (None, _) => Activities::All,
    }
}

/// The attempt that an event speaks of.
fn attempt_of(event: &Event) -> Option<&Attempt> {
    match event {
        Event::ActivityStarted(attempt) | Event::ActivityCancelled(attempt) => Some(attempt),
        Event::ActivityCompleted { attempt, .. }
        | Event::ActivityFailed { attempt, .. }
        | Event::ActivityHeartbeat { attempt, .. } => Some(attempt),
        _ => None,
    }
}

/// The activity whose attempt has failed, if that is what an event says.
pub(super) fn failing(event: &Event) -> Option<Activity> {
    match event {
        Event::ActivityFailed { attempt, failure } if !failure.non_retryable => Some(Activity::of(attempt)),
        _ => None,
    }
}

/// The workflow that an event names.
fn workflow_of(event: &Event) -> Option<&WorkflowId> {
    match event {
        Event::WorkflowStarted { workflow, .. }
        | Event::WorkflowClosed { workflow, .. }
        | Event::TemporalOperation { workflow, .. } => Some(workflow),
        Event::ApiRequest(request) => request.workflow.as_ref(),
        Event::ApiResponse(reply) => reply.request.workflow.as_ref(),
        event => attempt_of(event).map(|attempt| &attempt.workflow),
    }
}
