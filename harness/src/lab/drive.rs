//! The workload of one lab: starts workflows, as many at once as the target allows, and waits for their ends, or until
//! there is nothing to wait for any more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::opened::Deadline;
use super::workload::{Client, Start, WorkloadError};
use crate::journal::{Event, Record, Run, Seq, WorkflowId, WorkflowStatus};
use crate::scenario::{Ending, Placeholder, Resolved, ResolvedFault, Template};

/// Once the last worker is gone, what it did last may still be on its way.
pub(super) const AFTER_THE_LAST_WORKER: Duration = Duration::from_millis(500);
/// How long nothing may happen to faults, workers and clocks before open workflows are given up on for which no bound
/// is known: those that no fault has met.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same where workflows are to stay open.
const STAYS_OPEN: Duration = Duration::from_secs(3);
/// How long nothing must have happened before a bound is worked out. What goes well is over by then.
const CALM: Duration = Duration::from_secs(2);

/// The workflows of one lab.
pub(super) struct Drive {
    client: Client,
    starts: Vec<Start>,
    concurrency: usize,
    expected: Ending,
    faults: Vec<ResolvedFault>,
    /// How long after its trigger the scenario's own healing comes.
    heal_delay: Duration,
    deadline: Option<Deadline>,
}

impl Drive {
    pub(super) fn new(
        client: Client,
        resolved: &Resolved,
        name: &str,
        task_queue: String,
        deadline: Option<Deadline>,
    ) -> Self {
        let workload = &resolved.workload;
        let starts = (1..=workload.count.get()).map(|n| Start {
            workflow: WorkflowId::new(format!("{name}-{n}")),
            n,
            workflow_type: workload.workflow.clone(),
            task_queue: task_queue.clone(),
            input: workload.input.iter().map(|input| numbered(input, n)).collect(),
        });
        Self {
            client,
            starts: starts.collect(),
            concurrency: workload.concurrency.get() as usize,
            expected: resolved.expect.ending,
            faults: resolved.faults.clone(),
            heal_delay: resolved.heal.as_ref().map_or(Duration::ZERO, |heal| heal.delay.longest().to_std()),
            deadline,
        }
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    /// Starts them and waits until all have closed, or until nothing can be expected of the rest.
    pub(super) async fn to_the_end(&self) -> Result<(), WorkloadError> {
        tokio::select! {
            done = self.all() => done,
            hopeless = self.hopeless() => hopeless,
        }
    }

    /// Returns once the deadline of all that is open has passed, by which it will be judged. Where there is none:
    /// when for long nothing was recorded that gives hope.
    async fn hopeless(&self) -> Result<(), WorkloadError> {
        let journal = self.client.journal();
        let mut last = Seq(0);
        loop {
            let quiet_since = journal.elapsed();
            let (calm, patience) = match self.expected {
                Ending::Running => (STAYS_OPEN, STAYS_OPEN),
                Ending::Completed | Ending::Failed | Ending::Cancelled | Ending::Terminated => (CALM, PATIENCE),
            };
            let mut until = quiet_since + calm;
            // Worked out anew at each deadline: the histories tell more by then.
            loop {
                let left = until.saturating_sub(journal.elapsed());
                if let Ok(news) = journal.seen(left, |record| record.seq > last && gives_hope(record)).await {
                    last = news.seq;
                    break;
                }
                // What is to stay open has no end to wait for.
                let bound = if self.expected == Ending::Running { None } else { self.bound().await? };
                until = bound.unwrap_or(quiet_since + patience);
                if until <= journal.elapsed() {
                    return Ok(());
                }
            }
        }
    }

    /// Until when what is open must have ended, counted from the journal's opening; `None` where nothing says so.
    async fn bound(&self) -> Result<Option<Duration>, WorkloadError> {
        let Some(deadline) = self.deadline else { return Ok(None) };
        let open = self.states().into_iter().filter(|(_, status)| status.is_none());
        let mut records: Vec<Record> =
            self.client.journal().records().iter().map(|record| (**record).clone()).collect();
        let Some(newest) = records.last().cloned() else { return Ok(None) };
        for (workflow, _) in open {
            let history = self.client.clone().history(&workflow).await?;
            // A scratch view: numbers and times of histories say nothing.
            records.extend(history.into_iter().map(|event| Record { event, ..newest.clone() }));
        }
        Ok(deadline(&Run::new(&records)).map(|bound| bound + self.timers(&records)))
    }

    /// How much longer a timer of the scenario's own may take: what it brings begins a new bound.
    fn timers(&self, records: &[Record]) -> Duration {
        let mut fired: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
        for record in records {
            match &record.event {
                Event::FaultFired { fault, .. } => fired.entry(fault).or_default().0 += 1,
                Event::FaultHealed { fault } => fired.entry(fault).or_default().1 += 1,
                _ => {}
            }
        }
        let healed = fired.values().any(|(_, healed)| *healed > 0);
        let of_faults = self.faults.iter().map(|fault| {
            let (fired, healed) = fired.get(fault.id.as_str()).copied().unwrap_or_default();
            let delay = if fired < fault.count.get() { fault.delay.longest().to_std() } else { Duration::ZERO };
            let lasts = fault.lasts.as_ref().filter(|_| healed < fired);
            let lasts = lasts.map_or(Duration::ZERO, |lasts| lasts.longest().to_std());
            delay + lasts
        });
        of_faults.sum::<Duration>() + if healed { Duration::ZERO } else { self.heal_delay }
    }

    async fn all(&self) -> Result<(), WorkloadError> {
        let turns = Arc::new(Semaphore::new(self.concurrency));
        let mut running = JoinSet::new();
        for start in &self.starts {
            let turn = Arc::clone(&turns).acquire_owned().await.expect("it is never closed");
            let (mut client, start) = (self.client.clone(), start.clone());
            running.spawn(async move {
                client.start(&start).await?;
                client.closed(&start.workflow).await?;
                drop(turn);
                Ok(())
            });
        }
        while let Some(ended) = running.join_next().await {
            ended.expect("it neither panics nor is aborted")?;
        }
        Ok(())
    }

    /// Records how what was not seen to close stands.
    pub(super) async fn give_up_on_the_rest(&self) -> Result<(), WorkloadError> {
        for (workflow, status) in self.states() {
            if status.is_none() {
                self.client.clone().given_up(&workflow).await?;
            }
        }
        Ok(())
    }

    /// Appends all histories, in the order in which the workflows were started, and ends what is still open: nobody
    /// works on it.
    pub(super) async fn append_histories(&mut self) -> Result<(), WorkloadError> {
        let states = self.states();
        for (workflow, _) in &states {
            self.client.append_history(workflow).await?;
        }
        for (workflow, status) in &states {
            if matches!(status, None | Some(WorkflowStatus::Running)) {
                self.client.terminate(workflow).await?;
            }
        }
        Ok(())
    }

    /// The workflows that were started, with how they closed as far as that is recorded.
    fn states(&self) -> Vec<(WorkflowId, Option<WorkflowStatus>)> {
        let mut states: Vec<(WorkflowId, Option<WorkflowStatus>)> = Vec::new();
        for record in self.client.journal().records() {
            match &record.event {
                Event::WorkflowStarted { workflow, .. } => states.push((workflow.clone(), None)),
                Event::WorkflowClosed { workflow, status } => {
                    if let Some(state) = states.iter_mut().find(|(known, _)| known == workflow) {
                        state.1 = Some(*status);
                    }
                }
                _ => {}
            }
        }
        states
    }
}

/// `{n}` in a workflow's arguments is its number.
fn numbered(input: &crate::scenario::Value, n: u32) -> serde_json::Value {
    let number =
        |placeholder: &Placeholder| matches!(placeholder, Placeholder::N | Placeholder::NInt).then(|| n.to_string());
    let filled = input.to_json(&mut |text| text.parse::<Template>().ok()?.render_json(number).ok());
    filled.unwrap_or_default()
}

/// Whether something was done to the lab, or a worker or workflow got on.
fn gives_hope(record: &Record) -> bool {
    matches!(
        record.event,
        Event::FaultFired { .. }
            | Event::FaultBit { .. }
            | Event::FaultHealed { .. }
            | Event::ClockMoved { .. }
            | Event::WorkerReady { .. }
            | Event::WorkerResumed { .. }
            | Event::WorkflowStarted { .. }
            | Event::WorkflowClosed { .. }
    )
}
