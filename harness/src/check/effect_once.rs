//! An effect happens as often as in the control, where nothing went wrong: never more often, and where a workflow
//! completed as the scenario expects, not less often either.

use std::collections::BTreeMap;

use super::control::{in_any_run, measure};
use super::judgement::Tally;
use super::{Check, Context, Judgement, Opinion};
use crate::journal::{Attribution, Event, Live, Run, Seq, WorkflowId, WorkflowStatus};
use crate::scenario::Outcome;

pub(super) struct EffectOnce;

/// Where an effect happened: the number of its workflow, and method with concrete path.
pub(super) type Place = (Option<u32>, String);

/// The effects of a run.
pub(super) struct Effects {
    pub(super) by_place: BTreeMap<Place, Vec<Seq>>,
    attribution: Attribution,
}

impl Effects {
    pub(super) fn of(run: &Run<'_>) -> Self {
        let mut live = Live::default();
        let mut effects = Self { by_place: BTreeMap::new(), attribution: Attribution::Instance };
        for record in run.records() {
            if let Event::ApiResponse(reply) = &record.event
                && reply.effect.is_some()
            {
                let request = &reply.request;
                let candidates = live.candidates(&request.instance, request.workflow.as_ref());
                let known = |workflow: &&WorkflowId| run.workflows().contains_key(*workflow);
                // What names a workflow of this run itself needs no attempt to be known by.
                let workflow = request.workflow.as_ref().filter(known).or_else(|| candidates.workflow().filter(known));
                let how = match (&request.workflow, workflow) {
                    (_, None) => Attribution::Set,
                    (Some(named), Some(workflow)) if named == workflow => Attribution::Correlate,
                    _ => candidates.how,
                };
                effects.attribution = effects.attribution.max(how);
                let target = in_any_run(&request.target, workflow);
                let n = workflow.and_then(|workflow| run.workflows().get(workflow)).copied();
                effects.by_place.entry((n, target)).or_default().push(record.seq);
            }
            live.follow(record);
        }
        effects
    }
}

impl Check for EffectOnce {
    fn id(&self) -> &'static str {
        "effect-once"
    }

    fn doc(&self) -> &'static str {
        "per workflow, method and path there are no more effects than in the control, and as many where it completed"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-46"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["a route with an effect", "a control that completed"]
    }

    fn judge(&self, run: &Run<'_>, context: &Context) -> Opinion {
        let control = match measure(context, "how many effects are right") {
            Ok(control) => control,
            Err(opinion) => return opinion,
        };
        let effects = Effects::of(run);
        if control.effects.is_empty() && effects.by_place.is_empty() {
            return Opinion::not_applicable("nothing has an effect");
        }
        let done: usize = effects.by_place.values().map(Vec::len).sum();
        let expected: BTreeMap<Place, usize> = control
            .effects
            .iter()
            .map(|effect| ((effect.n, effect.target.clone()), usize::try_from(effect.count).unwrap_or(usize::MAX)))
            .collect();
        let due: usize = expected.values().sum();
        let attribution = effects.attribution;
        let opinion = if effects.by_place.keys().chain(expected.keys()).any(|(n, _)| n.is_none()) {
            by_target(&effects, &expected)
        } else {
            by_workflow(run, context, &effects, &expected)
        };
        opinion.attributed(attribution).detail(format!("{done} effects, {due} in the control"))
    }
}

fn by_workflow(run: &Run<'_>, context: &Context, effects: &Effects, expected: &BTreeMap<Place, usize>) -> Opinion {
    let mut tally = Tally::default();
    for (place, events) in &effects.by_place {
        let most = expected.get(place).copied().unwrap_or(0);
        if events.len() > most {
            too_many(&mut tally, place, events, most);
        }
    }
    // Only who says that it is done must have done it.
    let mut completed: BTreeMap<u32, Seq> = BTreeMap::new();
    for record in run.records() {
        if let Event::WorkflowClosed { workflow, status: WorkflowStatus::Completed } = &record.event
            && let Some(n) = run.workflows().get(workflow)
        {
            completed.insert(*n, record.seq);
        }
    }
    for (place, least) in expected.iter().filter(|_| context.resolved.expect.outcome == Outcome::Completed) {
        let Some(closed) = place.0.and_then(|n| completed.get(&n)) else { continue };
        let events = effects.by_place.get(place).map_or(&[][..], Vec::as_slice);
        if events.len() < *least {
            tally.find(
                format!("{} happened {} times, though workflow {} completed", place.1, events.len(), name(place)),
                format!("{least}, as in the control"),
                events.iter().copied().chain([*closed]).collect(),
            );
        }
    }
    tally.opinion(Judgement::Pass)
}

/// Not every effect's workflow is known: only what all of them did together can be compared.
fn by_target(effects: &Effects, expected: &BTreeMap<Place, usize>) -> Opinion {
    let (mut tally, mut most, mut owners) = (Tally::default(), BTreeMap::new(), BTreeMap::new());
    for ((_, target), count) in expected {
        *most.entry(target).or_insert(0) += count;
        *owners.entry(target).or_insert(0) += 1;
    }
    let mut done: BTreeMap<&String, Vec<Seq>> = BTreeMap::new();
    for ((_, target), events) in &effects.by_place {
        done.entry(target).or_default().extend(events);
    }
    let mut shared = Vec::new();
    for (target, events) in done {
        let most = most.get(target).copied().unwrap_or(0);
        if events.len() > most {
            too_many(&mut tally, &(None, target.clone()), &events, most);
        } else if owners.get(target).copied().unwrap_or(0) > 1 {
            shared.extend(events);
        }
    }
    let otherwise: Opinion = match shared.is_empty() {
        true => Judgement::Pass.into(),
        false => Opinion::inconclusive("it cannot be told which workflow an effect belongs to; use `api.correlate`")
            .resting_on(shared),
    };
    tally.opinion(otherwise)
}

fn too_many(tally: &mut Tally, place: &Place, events: &[Seq], most: usize) {
    tally.find(
        format!("{} happened {} times for workflow {}", place.1, events.len(), name(place)),
        format!("at most {most}, as in the control"),
        events.to_vec(),
    );
}

fn name(place: &Place) -> String {
    place.0.map_or_else(|| "(not known which)".to_owned(), |n| n.to_string())
}
