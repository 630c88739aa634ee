//! A worker that lives does its work: it polls. One that cannot says so by ending, and then somebody starts it again.
//!
//! A long poll lasts up to 70 s, so a poll that is open is a live poller. Silence: when the workload ends, the process
//! lives, and of a kind of poll that it used to make none is open and none was begun for a while. While an attempt is
//! under way a worker may have no room for another, and need not poll for activities.

use std::collections::{BTreeMap, BTreeSet};

use super::judgement::Tally;
use super::{Check, Context, Judgement, Opinion};
use crate::journal::{Call, Event, Instance, Live, Record, Run, Seq, is_poll};
use crate::scenario::Restart;

/// A worker that polls begins the next poll within milliseconds; after an error it may wait a little.
const SILENCE_US: u64 = 2_000_000;

const ACTIVITY_POLL: &str = "PollActivityTaskQueue";

pub(super) struct TruthfulHealth;

/// The polls of one kind of one instance.
struct Polls {
    open: BTreeSet<Call>,
    last: Seq,
    last_us: u64,
}

impl Check for TruthfulHealth {
    fn id(&self) -> &'static str {
        "truthful-health"
    }

    fn doc(&self) -> &'static str {
        "a worker that lives polls; with `restart: never` none exits that no fault killed"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-17"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["a worker that polls through the gate"]
    }

    fn judge(&self, run: &Run<'_>, context: &Context) -> Opinion {
        let mut polls: BTreeMap<(&Instance, &str), Polls> = BTreeMap::new();
        let (mut gone, mut frozen): (BTreeSet<&Instance>, BTreeSet<&Instance>) = (BTreeSet::new(), BTreeSet::new());
        let mut live = Live::default();
        let (mut tally, mut ended, mut disturbed_us) = (Tally::default(), false, 0);
        for record in run.records() {
            match &record.event {
                Event::GateRpc { call, instance, rpc, .. } if is_poll(rpc) => {
                    let polls = polls.entry((instance, rpc)).or_insert_with(|| Polls::at(record));
                    polls.open.insert(*call);
                    polls.heard(record);
                }
                Event::GateRpcDone { call, instance, rpc, .. } if is_poll(rpc) => {
                    if let Some(polls) = polls.get_mut(&(instance, rpc.as_str())) {
                        polls.open.remove(call);
                        polls.heard(record);
                    }
                }
                // Who cannot reach the server cannot poll.
                Event::FaultFired { action, .. } if is_of_the_way(action) => disturbed_us = record.at_us,
                Event::FaultHealed { .. } => disturbed_us = record.at_us,
                Event::WorkerFrozen { instance } => drop(frozen.insert(instance)),
                Event::WorkerResumed { instance } => {
                    frozen.remove(instance);
                    disturbed_us = record.at_us;
                }
                Event::WorkerExited { instance, expected, code, signal } => {
                    gone.insert(instance);
                    if !expected && restart_of(context, instance) == Restart::Never {
                        let how = match (code, signal) {
                            (Some(code), _) => format!("with code {code}"),
                            (None, Some(signal)) => format!("by signal {signal}"),
                            (None, None) => "in a way that is not known".to_owned(),
                        };
                        tally.find(
                            format!("worker {instance} ended {how}, though no fault killed it and nobody restarts it"),
                            "a worker that goes on",
                            vec![record.seq],
                        );
                    }
                }
                Event::WorkloadFinished if !ended => {
                    ended = true;
                    for ((instance, rpc), polls) in &polls {
                        let busy = *rpc == ACTIVITY_POLL && !live.on(instance).is_empty();
                        let quiet_us = record.at_us.saturating_sub(polls.last_us.max(disturbed_us));
                        let excused = busy || gone.contains(instance) || frozen.contains(instance);
                        if polls.open.is_empty() && !excused && quiet_us >= SILENCE_US {
                            tally.find(
                                format!(
                                    "worker {instance} lives, but has made no {rpc} for {:.1} s",
                                    quiet_us as f64 / 1e6
                                ),
                                "a worker that polls, or ends",
                                vec![polls.last, record.seq],
                            );
                        }
                    }
                }
                _ => {}
            }
            live.follow(record);
        }
        let otherwise: Opinion = if polls.is_empty() && gone.is_empty() {
            Opinion::not_applicable("no worker polled through the gate")
        } else if ended {
            Judgement::Pass.into()
        } else {
            Opinion::inconclusive("the journal ends before the workload did")
        };
        let workers: BTreeSet<_> = polls.keys().map(|(instance, _)| instance).collect();
        tally.opinion(otherwise).detail(format!("{} worker instances polled", workers.len()))
    }
}

impl Polls {
    fn at(record: &Record) -> Self {
        Self { open: BTreeSet::new(), last: record.seq, last_us: record.at_us }
    }

    fn heard(&mut self, record: &Record) {
        (self.last, self.last_us) = (record.seq, record.at_us);
    }
}

fn is_of_the_way(action: &str) -> bool {
    ["link.", "gate.", "temporal.", "worker."].iter().any(|family| action.starts_with(family))
}

/// Instances are named after their worker, with a number behind it.
fn restart_of(context: &Context, instance: &Instance) -> Restart {
    let workers = &context.resolved.workers;
    let name = instance.worker();
    let named = workers.iter().filter(|worker| name.starts_with(worker.name.as_str())).max_by_key(|it| it.name.len());
    let supervised = || workers.iter().all(|worker| worker.restart == Restart::OnExit);
    match named {
        Some(worker) => worker.restart,
        None if !workers.is_empty() && supervised() => Restart::OnExit,
        None => Restart::Never,
    }
}
