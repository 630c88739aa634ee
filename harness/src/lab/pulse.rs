//! Whether the machine has time for the lab. Where it has none, everything takes longer than it should, and a worker that
//! comes too late cannot be blamed.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::journal::{Event, Journal};

/// How long the lab sleeps between two pulses.
const BETWEEN: Duration = Duration::from_millis(50);
/// What is later than this is recorded. Timers and a busy moment of the lab's own stay below.
const WORTH_TELLING: Duration = Duration::from_millis(25);

/// Wakes up again and again while it lives, and records each time that it was late.
pub(super) struct Pulse(JoinHandle<()>);

impl Pulse {
    pub(super) fn start(journal: Journal) -> Self {
        Self(tokio::spawn(async move {
            loop {
                let due = Instant::now() + BETWEEN;
                tokio::time::sleep_until(due).await;
                let late = due.elapsed();
                if late >= WORTH_TELLING {
                    let late_ms = u64::try_from(late.as_millis()).unwrap_or(u64::MAX);
                    journal.record(Event::LabLate { late_ms }).settled().await;
                }
            }
        }))
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.0.abort();
    }
}
