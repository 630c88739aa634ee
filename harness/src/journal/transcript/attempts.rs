//! Which attempts there were, and which requests belong to which.

use std::collections::BTreeMap;

use crate::journal::{ApiRequest, Attempt, Event, Failure, Instance, Run, Seq, WorkflowId, WorkflowStatus};

/// One workflow as gate and driver saw it.
#[derive(Default)]
pub(super) struct Flow<'a> {
    /// Whether the harness started it.
    pub(super) started: bool,
    pub(super) status: Option<WorkflowStatus>,
    pub(super) activities: Vec<Activity<'a>>,
    /// Requests that name it, or can only be of it, and belong to no attempt for certain.
    pub(super) loose: Vec<Seq>,
}

/// One activity with its attempts in the order of their delivery.
pub(super) struct Activity<'a> {
    id: &'a str,
    pub(super) name: &'a str,
    pub(super) attempts: Vec<Try<'a>>,
}

/// One attempt.
pub(super) struct Try<'a> {
    pub(super) number: u32,
    pub(super) requests: Vec<Seq>,
    pub(super) report: Option<Report<'a>>,
}

/// What the worker said of an attempt.
pub(super) enum Report<'a> {
    Completed,
    Failed(&'a Failure),
    Cancelled,
}

/// Everything that happened in workflows, and the requests that belong to none.
#[derive(Default)]
pub(super) struct Flows<'a> {
    pub(super) by_id: BTreeMap<&'a WorkflowId, Flow<'a>>,
    pub(super) nobodys: Vec<Seq>,
    live: BTreeMap<&'a Instance, Vec<Live<'a>>>,
}

/// An attempt under way: the places of activity and attempt in their flow.
#[derive(Clone, Copy)]
struct Live<'a> {
    attempt: &'a Attempt,
    activity: usize,
    index: usize,
}

impl<'a> Flows<'a> {
    pub(super) fn of(run: &Run<'a>) -> Self {
        let mut flows = Self::default();
        for record in run.records() {
            match &record.event {
                Event::WorkflowStarted { workflow, .. } => flows.flow(workflow).started = true,
                Event::WorkflowClosed { workflow, status } => flows.flow(workflow).status = Some(*status),
                Event::ActivityStarted(attempt) => flows.deliver(attempt),
                Event::ActivityCompleted { attempt, .. } => flows.report(attempt, Report::Completed),
                Event::ActivityFailed { attempt, failure } => flows.report(attempt, Report::Failed(failure)),
                Event::ActivityCancelled(attempt) => flows.report(attempt, Report::Cancelled),
                Event::WorkerExited { instance, .. } => drop(flows.live.remove(instance)),
                Event::ApiRequest(request) => flows.attribute(record.seq, request),
                _ => {}
            }
        }
        for flow in flows.by_id.values_mut() {
            // Numbers are given by the workflow's code; other ids may be drawn, and are in the order of their coming.
            if flow.activities.iter().all(|activity| activity.id.parse::<u64>().is_ok()) {
                flow.activities.sort_by_key(|activity| activity.id.parse::<u64>().unwrap_or_default());
            }
        }
        flows
    }

    fn flow(&mut self, workflow: &'a WorkflowId) -> &mut Flow<'a> {
        self.by_id.entry(workflow).or_default()
    }

    fn deliver(&mut self, attempt: &'a Attempt) {
        let activities = &mut self.flow(&attempt.workflow).activities;
        let activity = activities.iter().position(|known| known.id == attempt.activity).unwrap_or_else(|| {
            activities.push(Activity { id: &attempt.activity, name: &attempt.activity_type, attempts: Vec::new() });
            activities.len() - 1
        });
        let attempts = &mut activities[activity].attempts;
        attempts.push(Try { number: attempt.attempt, requests: Vec::new(), report: None });
        let index = attempts.len() - 1;
        self.live.entry(&attempt.instance).or_default().push(Live { attempt, activity, index });
    }

    fn report(&mut self, attempt: &'a Attempt, report: Report<'a>) {
        let live = self.live.entry(&attempt.instance).or_default();
        let Some(place) = live.iter().position(|live| live.attempt == attempt) else { return };
        let Live { activity, index, .. } = live.remove(place);
        self.flow(&attempt.workflow).activities[activity].attempts[index].report = Some(report);
    }

    /// The only attempt under way on the instance; of several, the one of the workflow that the request names.
    fn attribute(&mut self, seq: Seq, request: &'a ApiRequest) {
        let live = self.live.get(&request.instance).map_or(&[][..], Vec::as_slice);
        let named = |live: &&Live<'a>| Some(&live.attempt.workflow) == request.workflow.as_ref();
        let candidates: Vec<Live<'a>> = match live {
            [only] => vec![*only],
            several => several.iter().filter(named).copied().collect(),
        };
        if let [only] = candidates[..] {
            self.flow(&only.attempt.workflow).activities[only.activity].attempts[only.index].requests.push(seq);
        } else if let Some(workflow) = &request.workflow {
            self.flow(workflow).loose.push(seq);
        } else {
            self.nobodys.push(seq);
        }
    }
}
