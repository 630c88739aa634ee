//! Which attempts there were, and which requests belong to which.

use std::collections::BTreeMap;

use crate::journal::{ApiRequest, Attempt, Event, Failure, Live, Record, Run, Seq, WorkflowId, WorkflowStatus};

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
    live: Live,
    /// Where each attempt stands, by the number of its delivery.
    places: BTreeMap<Seq, Place<'a>>,
}

/// The places of an activity in its flow, and of an attempt in its activity.
#[derive(Clone, Copy)]
struct Place<'a> {
    workflow: &'a WorkflowId,
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
                Event::ActivityStarted(attempt) => flows.deliver(record, attempt),
                Event::ActivityCompleted { attempt, .. } => flows.report(attempt, Report::Completed),
                Event::ActivityFailed { attempt, failure } => flows.report(attempt, Report::Failed(failure)),
                Event::ActivityCancelled(attempt) => flows.report(attempt, Report::Cancelled),
                Event::ApiRequest(request) => flows.attribute(record.seq, request),
                _ => {}
            }
            flows.live.follow(record);
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

    fn attempt(&mut self, at: Seq) -> Option<&mut Try<'a>> {
        let Place { workflow, activity, index } = *self.places.get(&at)?;
        Some(&mut self.flow(workflow).activities[activity].attempts[index])
    }

    fn deliver(&mut self, record: &Record, attempt: &'a Attempt) {
        let activities = &mut self.flow(&attempt.workflow).activities;
        let activity = activities.iter().position(|known| known.id == attempt.activity).unwrap_or_else(|| {
            activities.push(Activity { id: &attempt.activity, name: &attempt.activity_type, attempts: Vec::new() });
            activities.len() - 1
        });
        let attempts = &mut activities[activity].attempts;
        attempts.push(Try { number: attempt.attempt, requests: Vec::new(), report: None });
        let place = Place { workflow: &attempt.workflow, activity, index: attempts.len() - 1 };
        self.places.insert(record.seq, place);
    }

    fn report(&mut self, attempt: &'a Attempt, report: Report<'a>) {
        let delivered = self.live.on(&attempt.instance).iter().find(|delivered| delivered.attempt == *attempt);
        if let Some(attempt) = delivered.map(|delivered| delivered.at).and_then(|at| self.attempt(at)) {
            attempt.report = Some(report);
        }
    }

    /// To the one attempt that it belongs to for certain; else it is loose in the workflow that it names.
    fn attribute(&mut self, seq: Seq, request: &'a ApiRequest) {
        let candidates = self.live.candidates(&request.instance, request.workflow.as_ref());
        if let Some(attempt) = candidates.certain().map(|delivered| delivered.at).and_then(|at| self.attempt(at)) {
            attempt.requests.push(seq);
        } else if let Some(workflow) = &request.workflow {
            self.flow(workflow).loose.push(seq);
        } else {
            self.nobodys.push(seq);
        }
    }
}
