//! The workload of one lab: starts workflows, as many at once as the target allows, and waits for their ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::workload::{Client, Start, WorkloadError};
use crate::journal::{Event, Journal, Record, WorkflowId, WorkflowStatus};
use crate::scenario::{Ending, Placeholder, Resolved, Template};

/// Once the last worker is gone, what it did last may still be on its way.
pub(super) const AFTER_THE_LAST_WORKER: Duration = Duration::from_millis(500);
/// How long nothing may happen to faults, workers and clocks before open workflows are given up on.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same where workflows are to stay open.
const STAYS_OPEN: Duration = Duration::from_secs(3);

/// The workflows of one lab.
pub(super) struct Drive {
    client: Client,
    starts: Vec<Start>,
    concurrency: usize,
    patience: Duration,
}

impl Drive {
    pub(super) fn new(client: Client, resolved: &Resolved, name: &str, task_queue: String) -> Self {
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
            patience: match resolved.expect.ending {
                Ending::Running => STAYS_OPEN,
                Ending::Completed | Ending::Failed => PATIENCE,
            },
        }
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    /// Starts them and waits until all have closed, or until patience runs out.
    pub(super) async fn to_the_end(&self) -> Result<(), WorkloadError> {
        let journal = self.client.journal().clone();
        tokio::select! {
            done = self.all() => done,
            () = quiet_for(&journal, self.patience) => Ok(()),
        }
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

    /// Records that what is still open is.
    pub(super) async fn give_up_on_the_rest(&self) {
        for (workflow, status) in self.states() {
            if status.is_none() {
                let event = Event::WorkflowClosed { workflow, status: WorkflowStatus::Running };
                self.client.journal().record(event).settled().await;
            }
        }
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

/// Returns when for so long (twice at most) nothing was recorded that gives hope: a fault, a clock, a worker that is
/// ready.
async fn quiet_for(journal: &Journal, patience: Duration) {
    loop {
        let hopes = |record: &Record| {
            matches!(
                record.event,
                Event::FaultFired { .. }
                    | Event::FaultBit { .. }
                    | Event::FaultHealed { .. }
                    | Event::ClockMoved { .. }
                    | Event::WorkerReady { .. }
                    | Event::WorkflowStarted { .. }
                    | Event::WorkflowClosed { .. }
            )
        };
        let seen = || journal.records().iter().filter(|record| hopes(record)).count();
        let before = seen();
        tokio::time::sleep(patience).await;
        if seen() == before {
            return;
        }
    }
}
