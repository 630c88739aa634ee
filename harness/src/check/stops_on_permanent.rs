//! Access that is gone for good is not asked for again and again, and the workflows end as the target promises.
//!
//! A worker instance is told when the token endpoint answers that only a person can help (`invalid_grant`,
//! `invalid_client`, `unauthorized_client`, `access_denied`). From then on each activity has at most `policy.attempts`
//! further attempts on that instance, and as many grants, until a grant succeeds again.

use std::collections::{BTreeMap, BTreeSet};

use super::grants::{Grant, grants, is_permanent};
use super::judgement::Tally;
use super::{Check, Context, Judgement, Opinion};
use crate::journal::{Activity, Call, Event, Instance, Live, Run, Seq};
use crate::scenario::Outcome;

pub(super) struct StopsOnPermanent;

/// What an instance did since it was told.
#[derive(Default)]
struct Told {
    at: Option<Seq>,
    attempts: BTreeMap<Activity, Vec<Seq>>,
    /// Grants that certainly were this activity's.
    grants: BTreeMap<Activity, Vec<Seq>>,
    /// Grants of one of several activities.
    shared: Vec<Seq>,
    sharers: BTreeSet<Activity>,
}

impl Told {
    fn judge(&self, instance: &Instance, most: usize, tally: &mut Tally) {
        let Some(told) = self.at else { return };
        for (what, by) in [("attempts", &self.attempts), ("token requests", &self.grants)] {
            for (activity, events) in by.iter().filter(|(_, events)| events.len() > most) {
                tally.find(
                    format!(
                        "activity {} of {} made {} {what} on {instance} after it was told that access is gone",
                        activity.id,
                        activity.workflow,
                        events.len()
                    ),
                    format!("at most {most} (`policy.attempts`)"),
                    [told].into_iter().chain(events.iter().copied()).collect(),
                );
            }
        }
        let own = |activity: &Activity| self.grants.get(activity).map_or(0, Vec::len);
        // However the shared ones are dealt out, this many have room.
        let room: usize = self.sharers.iter().map(|activity| most.saturating_sub(own(activity))).sum();
        let sharers = self.sharers.len().max(1);
        if self.shared.len() > room.max(if self.sharers.is_empty() { most } else { 0 }) {
            tally.find(
                format!("{instance} made {} token requests after it was told that access is gone", self.shared.len()),
                format!("at most {most} (`policy.attempts`) for each of {sharers} activities"),
                [told].into_iter().chain(self.shared.iter().copied()).collect(),
            );
        } else if let Some(first) = self.shared.first()
            && self.sharers.iter().any(|activity| own(activity) + self.shared.len() > most)
        {
            tally.doubt(*first);
        }
    }
}

impl Check for StopsOnPermanent {
    fn id(&self) -> &'static str {
        "stops-on-permanent"
    }

    fn doc(&self) -> &'static str {
        "once told that access is gone for good, each activity stops after policy.attempts more attempts and grants"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-02"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["a refusal of the token endpoint that is permanent"]
    }

    fn judge(&self, run: &Run<'_>, context: &Context) -> Opinion {
        let most = usize::try_from(context.resolved.policy.attempts).unwrap_or(usize::MAX);
        let all = grants(run);
        let by_call: BTreeMap<Call, &Grant<'_>> = all.iter().map(|grant| (grant.request.call, grant)).collect();
        let mut live = Live::default();
        let mut told: BTreeMap<&Instance, Told> = BTreeMap::new();
        let (mut tally, mut tellings, mut unfollowed) = (Tally::default(), Vec::new(), Vec::new());
        let mut still_told = false;
        for record in run.records() {
            match &record.event {
                Event::IdpResponse(reply) if is_permanent(reply) => {
                    let delivery = run.delivery(reply.request.call);
                    if delivery.is_none_or(|delivery| delivery.whole) {
                        told.entry(&reply.request.instance).or_default().at.get_or_insert(record.seq);
                        tellings.push(record.seq);
                        still_told = true;
                    }
                }
                // Access was granted again: what came before is judged, and counting begins anew.
                Event::IdpResponse(reply)
                    if by_call.get(&reply.request.call).is_some_and(|it| it.succeeded().is_some()) =>
                {
                    if let Some(before) = told.remove(&reply.request.instance) {
                        before.judge(&reply.request.instance, most, &mut tally);
                    }
                    still_told = told.values().any(|told| told.at.is_some());
                }
                Event::ActivityStarted(attempt) => {
                    if let Some(told) = told.get_mut(&attempt.instance) {
                        told.attempts.entry(Activity::of(attempt)).or_default().push(record.seq);
                    }
                }
                Event::IdpRequest(request) if by_call.get(&request.call).is_some_and(|it| it.at() == record.seq) => {
                    if let Some(told) = told.get_mut(&request.instance) {
                        let candidates = live.candidates(&request.instance, None);
                        tally.used(candidates.how);
                        match candidates.certain() {
                            Some(only) => {
                                told.grants.entry(Activity::of(&only.attempt)).or_default().push(record.seq);
                            }
                            None => {
                                told.shared.push(record.seq);
                                told.sharers.extend(candidates.attempts.iter().map(|it| Activity::of(&it.attempt)));
                            }
                        }
                    }
                }
                Event::WorkflowClosed { workflow, status }
                    if still_told && context.resolved.expect.outcome == Outcome::Permanent =>
                {
                    let expected = context.resolved.expect.ending.status();
                    if *status != expected {
                        let what = format!("workflow {workflow} ended as {status:?}, though access is gone for good");
                        let wanted = format!("{expected:?}, by `policy.on_permanent`").to_lowercase();
                        unfollowed.push((what.to_lowercase(), wanted, record.seq));
                    }
                }
                _ => {}
            }
            live.follow(record);
        }
        let Some(first) = tellings.first().copied() else {
            return Opinion::not_applicable("nobody was told that access is gone for good");
        };
        for (instance, told) in &told {
            told.judge(instance, most, &mut tally);
        }
        for (what, wanted, closed) in unfollowed {
            tally.find(what, wanted, vec![first, closed]);
        }
        tally.opinion(Judgement::Pass).detail(format!("told {} times, {most} further attempts allowed", tellings.len()))
    }
}
