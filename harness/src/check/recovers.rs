//! Every workflow ends as the scenario expects, and soon enough after its faults are over.
//!
//! The bound: the last healing or, where nothing was healed, the last firing; then the longest wait that Temporal itself
//! prescribes (an attempt of which nothing more is heard ends by its timeout, a failed one is retried after its
//! interval); then slack for the work that is left, which grows with the time that the control needed for all of it:
//! how fast the machine is must not decide. Where the scenario says `within`, that many seconds, if it is less.
//! A workflow that starts later than that has as long from its start: what trouble left behind may still hold it up.
//! A workflow that is open when the last worker has ended needs no bound: nobody will end it.
//!
//! A workflow that completes where it had to end otherwise is held against the worker only if every fault bit: what did
//! not bite gave it no reason to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::history::{Histories, Plan};
use super::judgement::Tally;
use super::{Check, Context, Judgement, Opinion};
use crate::journal::{Activity, Event, Failure, Record, Run, Seq, WorkflowId, WorkflowStatus};

/// For the work that is left, on a machine that was not seen to be busy. `checks: { recovers: { slack: … } }` sets
/// another.
const SLACK_MS: u64 = 5_000;
/// On a busy machine so many times as long as the control took for all of the work is added.
const TIMES_THE_CONTROL: u64 = 4;

pub(super) struct Recovers;

impl Check for Recovers {
    fn id(&self) -> &'static str {
        "recovers"
    }

    fn doc(&self) -> &'static str {
        "every workflow ends as the scenario expects, within the bound that follows from healing, retry policy and timeouts"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-08"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["workflows that the harness started"]
    }

    fn hangs_on_time(&self) -> bool {
        true
    }

    fn judge(&self, run: &Run<'_>, context: &Context) -> Opinion {
        let expected = context.resolved.expect.ending.status();
        let story = Story::of(run, context);
        if story.workflows.is_empty() {
            return Opinion::not_applicable("no workflow was started");
        }
        let (mut tally, mut unfollowed, mut too_soon, mut spared) = (Tally::default(), 0, Vec::new(), Vec::new());
        let toothless = toothless(run, context);
        let mut latest: Option<(u64, String)> = None;
        for (workflow, told) in &story.workflows {
            let Some((closed, status)) = told.closed else {
                unfollowed += 1;
                continue;
            };
            let bound = story.bound(workflow, told, closed.at_us);
            let name = words(status);
            let ended = match status {
                WorkflowStatus::Running => format!("workflow {workflow} is still running"),
                _ => format!("workflow {workflow} ended as {name}"),
            };
            if status != expected && status == WorkflowStatus::Running && told.abandoned {
                tally.find(
                    format!("{ended}, and no worker is left"),
                    words(expected),
                    story.last_exit.into_iter().chain([closed.seq]).collect(),
                );
            } else if status != expected
                && status == WorkflowStatus::Running
                && bound.as_ref().is_some_and(|it| closed.at_us < it.end_us())
            {
                too_soon.push(closed.seq);
            } else if status == WorkflowStatus::Completed
                && !matches!(expected, WorkflowStatus::Completed | WorkflowStatus::Running)
                && toothless.is_some()
            {
                spared.push(closed.seq);
            } else if status != expected {
                let within = bound.as_ref().map_or_else(String::new, |bound| format!(" within {}", bound.sum()));
                let wanted = match expected {
                    // There is no time by which it has to happen.
                    WorkflowStatus::Running => "still running".to_owned(),
                    _ => format!("{}{within}", words(expected)),
                };
                tally.find(ended, wanted, vec![closed.seq]);
            } else if status != WorkflowStatus::Running
                && let Some(bound) = bound.as_ref().filter(|bound| closed.at_us > bound.end_us())
            {
                tally.find(
                    format!(
                        "workflow {workflow} ended as {name} only {} after {}",
                        seconds((closed.at_us - bound.since_us) / 1000),
                        bound.since
                    ),
                    format!("at most {}", bound.sum()),
                    bound.cause.into_iter().chain([closed.seq]).collect(),
                );
            }
            if let Some(bound) = bound {
                let took = seconds(closed.at_us.saturating_sub(bound.since_us) / 1000);
                let line = format!("bound after {}: {}; {workflow} took {took}", bound.since, bound.sum());
                if latest.as_ref().is_none_or(|(end_us, _)| *end_us < bound.end_us()) {
                    latest = Some((bound.end_us(), line));
                }
            }
        }
        let detail = latest.map_or_else(
            || "no fault fired before the workflows ended, so no bound applies".to_owned(),
            |(_, line)| line,
        );
        let otherwise: Opinion = if unfollowed > 0 {
            Opinion::inconclusive(format!(
                "{unfollowed} of {} workflows were not followed to their end",
                story.workflows.len()
            ))
        } else if let Some(fault) = toothless.filter(|_| !spared.is_empty()) {
            Opinion::inconclusive(format!("fault {fault} did not bite, so nothing had to end otherwise"))
                .resting_on(spared)
        } else if too_soon.is_empty() {
            Judgement::Pass.into()
        } else {
            Opinion::inconclusive("the harness stopped waiting before the bound was reached").resting_on(too_soon)
        };
        tally.opinion(otherwise).detail(detail)
    }
}

/// A fault of the scenario that never bit.
fn toothless<'a>(run: &Run<'_>, context: &'a Context) -> Option<&'a str> {
    let bit = |id: &str| {
        run.records().iter().any(|record| matches!(&record.event, Event::FaultBit { fault, .. } if fault == id))
    };
    context.resolved.faults.iter().map(|fault| fault.id.as_str()).find(|id| !bit(id))
}

/// Until when, counted from the opening of the journal, the workflow that may take longest must have ended as expected.
/// `None` while no fault has fired. Whoever runs a scenario waits so long
/// before it gives up; `run` may be unfinished, but should hold the histories as far as they go.
pub(super) fn deadline(run: &Run<'_>, context: &Context) -> Option<Duration> {
    let story = Story::of(run, context);
    let now_us = run.records().last()?.at_us;
    let open = story.workflows.iter().filter(|(_, told)| told.closed.is_none());
    let ends: Option<Vec<_>> =
        open.map(|(workflow, told)| Some(story.bound(workflow, told, now_us)?.end_us())).collect();
    ends?.into_iter().max().map(Duration::from_micros)
}

fn words(status: WorkflowStatus) -> &'static str {
    match status {
        WorkflowStatus::Completed => "completed",
        WorkflowStatus::Failed => "failed",
        WorkflowStatus::Cancelled => "cancelled",
        WorkflowStatus::Terminated => "terminated",
        WorkflowStatus::TimedOut => "timed out",
        WorkflowStatus::Running => "running",
    }
}

fn seconds(ms: u64) -> String {
    format!("{:.2} s", ms as f64 / 1000.0)
}

/// One attempt in time.
struct Span<'a> {
    number: u32,
    from_us: u64,
    until_us: Option<u64>,
    failure: Option<&'a Failure>,
}

#[derive(Default)]
struct Told<'a> {
    started_us: u64,
    closed: Option<(&'a Record, WorkflowStatus)>,
    /// Whether every worker had ended by then.
    abandoned: bool,
    activities: BTreeMap<&'a str, Vec<Span<'a>>>,
}

/// What the journal tells of each workflow, and when trouble ended.
struct Story<'a> {
    workflows: BTreeMap<&'a WorkflowId, Told<'a>>,
    /// Firings and healings, in order.
    troubles: Vec<(&'a Record, bool)>,
    worker_lost_us: Option<u64>,
    /// The end of the worker that ended last.
    last_exit: Option<Seq>,
    histories: Histories,
    slack_ms: u64,
    within_ms: Option<u64>,
}

impl<'a> Story<'a> {
    fn of(run: &Run<'a>, context: &Context) -> Self {
        let slack = context.setting("recovers").and_then(|setting| setting.slack);
        let control_ms = context.control.as_ref().map_or(0, |control| control.took_ms);
        let busy_ms = control_ms.saturating_mul(TIMES_THE_CONTROL);
        let mut story = Self {
            workflows: BTreeMap::new(),
            troubles: Vec::new(),
            worker_lost_us: None,
            last_exit: None,
            histories: Histories::of(run),
            slack_ms: slack.map_or(SLACK_MS.saturating_add(busy_ms), |slack| slack.as_millis()),
            within_ms: context.resolved.expect.within.map(|within| within.as_millis()),
        };
        let mut at_work = BTreeSet::new();
        for record in run.records() {
            match &record.event {
                Event::WorkflowStarted { workflow, .. } => {
                    story.workflows.entry(workflow).or_default().started_us = record.at_us;
                }
                Event::WorkflowClosed { workflow, status } => {
                    if let Some(told) = story.workflows.get_mut(workflow).filter(|told| told.closed.is_none()) {
                        told.closed = Some((record, *status));
                        told.abandoned = at_work.is_empty() && story.last_exit.is_some();
                    }
                }
                Event::FaultFired { .. } => story.troubles.push((record, false)),
                Event::FaultHealed { .. } => story.troubles.push((record, true)),
                Event::WorkerStarted { instance, .. } => {
                    at_work.insert(instance);
                }
                Event::WorkerExited { instance, .. } => {
                    at_work.remove(instance);
                    story.last_exit = Some(record.seq);
                    story.worker_lost_us.get_or_insert(record.at_us);
                }
                Event::ActivityStarted(attempt) => {
                    if let Some(told) = story.workflows.get_mut(&attempt.workflow) {
                        let span =
                            Span { number: attempt.attempt, from_us: record.at_us, until_us: None, failure: None };
                        told.activities.entry(&attempt.activity).or_default().push(span);
                    }
                }
                Event::ActivityCompleted { attempt, .. } | Event::ActivityCancelled(attempt) => {
                    story.ended(&attempt.workflow, &attempt.activity, attempt.attempt, record.at_us, None);
                }
                Event::ActivityFailed { attempt, failure } => {
                    story.ended(&attempt.workflow, &attempt.activity, attempt.attempt, record.at_us, Some(failure));
                }
                _ => {}
            }
        }
        story
    }

    fn ended(&mut self, workflow: &WorkflowId, activity: &str, number: u32, at_us: u64, failure: Option<&'a Failure>) {
        let spans = self.workflows.get_mut(workflow).and_then(|told| told.activities.get_mut(activity));
        if let Some(span) = spans.and_then(|spans| spans.iter_mut().rev().find(|span| span.number == number)) {
            (span.until_us, span.failure) = (Some(at_us), failure);
        }
    }

    /// The bound of a workflow that ended at `end_us`. None if no fault had fired by then.
    fn bound(&self, workflow: &WorkflowId, told: &Told<'_>, end_us: u64) -> Option<Bound> {
        let before = self.troubles.partition_point(|(record, _)| record.at_us <= end_us);
        let troubles = &self.troubles[..before];
        let (last, healed) = troubles.iter().rev().find(|(_, healed)| *healed).or(troubles.last())?;
        // A fault that fired after the last healing is trouble anew.
        let (last, healed) = match troubles.last() {
            Some((newest, false)) if newest.at_us > last.at_us => (newest, &false),
            _ => (last, healed),
        };
        let later = told.started_us > last.at_us;
        let (since_us, since) = match (later, healed) {
            (false, true) => (last.at_us, "the last healing"),
            (false, false) => (last.at_us, "the last firing"),
            (true, true) => (told.started_us, "its start, which followed the last healing"),
            (true, false) => (told.started_us, "its start, which followed the last firing"),
        };
        let (mut wait_ms, mut why) = (0, "no wait was pending".to_owned());
        for (id, spans) in &told.activities {
            let Some((ms, reason)) = self.pending(workflow, id, spans, since_us) else { continue };
            if ms > wait_ms {
                (wait_ms, why) = (ms, reason);
            }
        }
        let lost = if self.worker_lost_us.is_some_and(|lost_us| lost_us <= end_us) {
            Some("a worker was lost")
        } else {
            self.histories.lost_a_task(workflow).then_some("a task was lost")
        };
        if let Some(lost) = lost.filter(|_| self.histories.workflow_task_ms > wait_ms) {
            wait_ms = self.histories.workflow_task_ms;
            why = format!("workflow task timeout, as {lost}");
        }
        Some(Bound {
            since,
            cause: Some(last.seq),
            since_us,
            wait_ms,
            why,
            slack_ms: self.slack_ms,
            within_ms: self.within_ms,
        })
    }

    /// How long Temporal may wait for an activity that was in trouble at `since_us`.
    fn pending(&self, workflow: &WorkflowId, id: &str, spans: &[Span<'_>], since_us: u64) -> Option<(u64, String)> {
        let plan = self.histories.plan(&Activity { workflow: workflow.clone(), id: id.to_owned() });
        let backoff =
            |plan: &Plan, span: &Span<'_>| span.failure.map_or(0, |failure| plan.backoff_ms(span.number, failure));
        let mut ms = 0;
        let mut parts = Vec::new();
        for (index, span) in spans.iter().enumerate() {
            let wish = span.failure.and_then(|failure| failure.next_retry_delay_ms).unwrap_or(0);
            let retry_ms = plan.map_or(wish, |plan| backoff(plan, span));
            let next_us = spans.get(index + 1).map(|next| next.from_us);
            match span.until_us {
                // It had ended and its retry was due before.
                Some(until_us) if until_us < since_us && next_us.is_some_and(|next_us| next_us < since_us) => continue,
                Some(until_us) if until_us < since_us => {}
                Some(until_us) => {
                    let open_ms = until_us.saturating_sub(since_us.max(span.from_us)) / 1000;
                    if span.from_us <= since_us && open_ms > 0 {
                        ms += open_ms;
                        parts.push(format!("its attempt {} under way {}", span.number, seconds(open_ms)));
                    }
                }
                None if next_us.is_some_and(|next_us| next_us < since_us) => continue,
                None => {
                    let (timeout_ms, name) = plan.map_or((0, "no timeout"), Plan::timeout);
                    ms += timeout_ms;
                    parts.push(format!("{name} {}", seconds(timeout_ms)));
                }
            }
            if retry_ms > 0 {
                ms += retry_ms;
                parts.push(format!("retry interval {}", seconds(retry_ms)));
                // Later retries are the worker's own doing.
                break;
            }
        }
        (ms > 0).then(|| (ms, format!("activity {id}: {}", parts.join(" + "))))
    }
}

/// Until when a workflow must have ended, and why.
struct Bound {
    since: &'static str,
    cause: Option<Seq>,
    since_us: u64,
    wait_ms: u64,
    why: String,
    slack_ms: u64,
    within_ms: Option<u64>,
}

impl Bound {
    fn ms(&self) -> u64 {
        let derived = self.wait_ms.saturating_add(self.slack_ms);
        self.within_ms.map_or(derived, |within| within.min(derived))
    }

    fn end_us(&self) -> u64 {
        self.since_us.saturating_add(self.ms().saturating_mul(1000))
    }

    fn sum(&self) -> String {
        let derived = self.wait_ms.saturating_add(self.slack_ms);
        let sum = format!(
            "{} ({}) + {} slack = {}",
            seconds(self.wait_ms),
            self.why,
            seconds(self.slack_ms),
            seconds(derived)
        );
        match self.within_ms.filter(|within| *within < derived) {
            Some(within) => format!("{} (`within`, tighter than {sum})", seconds(within)),
            None => sum,
        }
    }
}
