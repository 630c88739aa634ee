//! Workflows that completed have read all that those of the control did, as far as the API can tell: a worker that takes
//! a read that failed for one that found nothing says that all is well (FM-38).
//!
//! All workflows together are compared: one may read for all what the others find in a cache. A path is to be answered
//! once, as who waits for something asks more often or less; where a target says that a path is read page after page,
//! as often as in the control. How often something changed is for `effect-once`.

use std::collections::BTreeMap;

use super::control::{in_any_run, measure};
use super::judgement::Tally;
use super::{Check, Context, Judgement, Opinion};
use crate::journal::{AnswerCount, Event, Run, Seq, WorkflowStatus};
use crate::scenario::Outcome;

pub(super) struct NothingSkipped;

/// Where and when the API answered well what had no effect, by method and concrete path.
pub(super) fn answered(run: &Run<'_>) -> BTreeMap<String, Vec<Seq>> {
    let mut answered: BTreeMap<String, Vec<Seq>> = BTreeMap::new();
    let mut effects = Vec::new();
    for record in run.records() {
        let Event::ApiResponse(reply) = &record.event else { continue };
        let named = run.workflows().keys().find(|workflow| reply.request.target.contains(workflow.as_str()));
        let target = in_any_run(&reply.request.target, named);
        if reply.effect.is_some() {
            effects.push(target);
        } else if (200..300).contains(&reply.status) {
            answered.entry(target).or_default().push(record.seq);
        }
    }
    // Whoever asks for an effect once more is answered without one.
    for target in &effects {
        answered.remove(target);
    }
    answered
}

/// When the workflows closed, if all of them completed.
fn completed(run: &Run<'_>) -> Option<Vec<Seq>> {
    let mut closed = Vec::new();
    for record in run.records() {
        match record.event {
            Event::WorkflowClosed { status: WorkflowStatus::Completed, .. } => closed.push(record.seq),
            Event::WorkflowClosed { .. } => return None,
            _ => {}
        }
    }
    (!closed.is_empty() && closed.len() == run.workflows().len()).then_some(closed)
}

/// How often it has to be answered.
fn least(control: &AnswerCount, context: &Context) -> usize {
    let (method, path) = control.target.split_once(' ').unwrap_or_default();
    let paged = context.resolved.api.routes.iter().filter(|route| route.paging);
    match paged.into_iter().any(|route| route.route.matches(method, path).is_some()) {
        true => usize::try_from(control.count).unwrap_or(usize::MAX),
        false => 1,
    }
}

impl Check for NothingSkipped {
    fn id(&self) -> &'static str {
        "nothing-skipped"
    }

    fn doc(&self) -> &'static str {
        "where all workflows completed, what was read in the control was read, too"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-38"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["a request without effect", "a control that completed"]
    }

    fn judge(&self, run: &Run<'_>, context: &Context) -> Opinion {
        let control = match measure(context, "what is to be read") {
            Ok(control) => control,
            Err(opinion) => return opinion,
        };
        if control.answered.is_empty() {
            return Opinion::not_applicable("in the control nothing is read");
        }
        let closed = completed(run).filter(|_| context.resolved.expect.outcome == Outcome::Completed);
        let Some(closed) = closed else { return Opinion::not_applicable("not every workflow completed") };
        let answered = answered(run);
        let mut tally = Tally::default();
        for due in &control.answered {
            let events = answered.get(&due.target).map_or(&[][..], Vec::as_slice);
            let least = least(due, context);
            if events.len() < least {
                tally.find(
                    format!("{} was answered {} times, though all workflows completed", due.target, events.len()),
                    format!("at least {least}, as in the control"),
                    events.iter().chain(&closed).copied().collect(),
                );
            }
        }
        tally.opinion(Judgement::Pass).detail(format!("{} paths read, as in the control", control.answered.len()))
    }
}
