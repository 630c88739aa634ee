//! Whether the machine had time for what ran on it.

use std::fmt;

use crate::journal::{Event, Run};

/// How much of its time the lab has to have been kept waiting, in percent, before nobody else can be blamed for what
/// came late. A machine with time for the catalogue keeps it waiting for less than a quarter, and for less than a second;
/// one on which the workers of a scenario gave up, for three quarters of half a minute.
const TOO_MUCH_PERCENT: u64 = 50;
/// Less than this in all excuses nothing: whoever gives up has waited for seconds.
const WORTH_TELLING_MS: u64 = 1_000;

/// A machine that was too busy, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooBusy {
    late_ms: u64,
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
    let late_ms = within
        .iter()
        .filter_map(|record| match record.event {
            Event::LabLate { late_ms } => Some(late_ms),
            _ => None,
        })
        .fold(0, u64::saturating_add);
    let of_ms = within.last()?.at_us.saturating_sub(within.first()?.at_us) / 1000;
    let too_much = late_ms.saturating_mul(100) >= of_ms.saturating_mul(TOO_MUCH_PERCENT);
    (too_much && late_ms >= WORTH_TELLING_MS).then_some(TooBusy { late_ms, of_ms })
}

impl fmt::Display for TooBusy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (late, of) = (self.late_ms as f64 / 1000.0, self.of_ms as f64 / 1000.0);
        write!(f, "this machine was too busy: it kept the lab waiting for {late:.1} s of {of:.1} s")
    }
}
