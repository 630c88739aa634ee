//! Whether the machine had time for what ran on it: for the lab, and for its Temporal server.

use std::collections::HashMap;
use std::fmt;

use crate::journal::{Event, Record, Run, is_poll};

/// How much of its time the lab has to have been kept waiting, in percent, before nobody else can be blamed for what
/// came late. A machine with time for the catalogue keeps it waiting for less than a quarter, and for less than a second;
/// one on which the workers of a scenario gave up, for three quarters of half a minute.
const TOO_MUCH_PERCENT: u64 = 50;
/// The same for calls to the Temporal server. Beside two builds, each scenario run whose workflows came too late had kept
/// them waiting for half of the time; a quiet machine keeps them waiting for none of it.
const TOO_MUCH_AT_TEMPORAL_PERCENT: u64 = 33;
/// Less than this in all excuses nothing: whoever gives up has waited for seconds.
const WORTH_TELLING_MS: u64 = 1_000;
/// So long a Temporal server that has time takes at most for a call that is no poll. It takes 2 to 20 ms.
const PROMPT_MS: u64 = 100;

/// How long a machine kept others waiting, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lateness {
    /// The lab, by the times that it was woken late.
    pub lab_ms: u64,
    /// Calls of workers to the Temporal server: the time in which at least one waited for longer than it should. Where a
    /// fault stops the server, that is the fault's doing and is not counted.
    pub temporal_ms: u64,
}

impl Lateness {
    /// What these records, which follow each other in one journal, tell of it.
    pub fn during(records: &[Record]) -> Self {
        let late = records.iter().map(|record| match record.event {
            Event::LabLate { late_ms } => late_ms,
            _ => 0,
        });
        Self { lab_ms: late.fold(0, u64::saturating_add), temporal_ms: waited_us(records) / 1000 }
    }

    /// Whether it was nothing that anybody could notice.
    pub fn is_none(&self) -> bool {
        self.lab_ms == 0 && self.temporal_ms == 0
    }
}

impl fmt::Display for Lateness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lab, temporal) = (seconds(self.lab_ms), seconds(self.temporal_ms));
        match (self.lab_ms, self.temporal_ms) {
            (_, 0) => write!(f, "kept the lab waiting for {lab}"),
            (0, _) => write!(f, "kept calls to Temporal waiting for {temporal}"),
            _ => write!(f, "kept the lab waiting for {lab} and calls to Temporal for {temporal}"),
        }
    }
}

/// The time in which at least one call to Temporal waited for longer than it should, in microseconds.
fn waited_us(records: &[Record]) -> u64 {
    let (mut open, mut waits) = (HashMap::new(), Vec::new());
    for record in records {
        match &record.event {
            Event::FaultFired { action, .. } if action.starts_with("temporal.") => return 0,
            Event::GateRpc { call, rpc, .. } if !is_poll(rpc) => drop(open.insert(*call, record.at_us)),
            Event::GateRpcDone { call, fault: None, .. } => {
                if let Some(began_us) = open.remove(call) {
                    waits.push((began_us + PROMPT_MS * 1000, record.at_us));
                }
            }
            _ => {}
        }
    }
    waits.retain(|(late_us, end_us)| late_us < end_us);
    waits.sort_unstable();
    let (mut waited_us, mut until_us) = (0, 0);
    for (late_us, end_us) in waits {
        waited_us += end_us.saturating_sub(until_us.max(late_us));
        until_us = until_us.max(end_us);
    }
    waited_us
}

/// A machine that was too busy, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooBusy {
    late: Lateness,
    of_ms: u64,
}

/// Whether the machine was too busy for anything to be said of who came late. Counted from the first fault on, to the
/// end of the workload. `None` if it had time enough.
pub fn too_busy(run: &Run<'_>) -> Option<TooBusy> {
    let records = run.records();
    let first = records.iter().position(|record| matches!(record.event, Event::FaultFired { .. }))?;
    let after = &records[first..];
    let end = after.iter().position(|record| matches!(record.event, Event::WorkloadFinished));
    let within = &after[..end.map_or(after.len(), |end| end + 1)];
    let of_ms = within.last()?.at_us.saturating_sub(within.first()?.at_us) / 1000;
    let too_much = |late_ms: u64, percent: u64| {
        late_ms.saturating_mul(100) >= of_ms.saturating_mul(percent) && late_ms >= WORTH_TELLING_MS
    };
    let late = Lateness::during(within);
    let late = Lateness {
        lab_ms: if too_much(late.lab_ms, TOO_MUCH_PERCENT) { late.lab_ms } else { 0 },
        temporal_ms: if too_much(late.temporal_ms, TOO_MUCH_AT_TEMPORAL_PERCENT) { late.temporal_ms } else { 0 },
    };
    (!late.is_none()).then_some(TooBusy { late, of_ms })
}

impl fmt::Display for TooBusy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this machine was too busy: it {} of {}", self.late, seconds(self.of_ms))
    }
}

fn seconds(ms: u64) -> String {
    format!("{:.1} s", ms as f64 / 1000.0)
}
