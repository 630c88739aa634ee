//! When a fault fires.

use std::collections::BTreeMap;
use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::seen::Seen;
use crate::scenario::{Delay, Per, ResolvedTrigger, Then};

/// Counts the events that a trigger waits for.
#[derive(Debug, Default)]
pub(super) struct Counter {
    seen: BTreeMap<String, u32>,
}

impl Counter {
    /// Whether the trigger is met by this event.
    ///
    /// Counted all together, it is met by the `nth` event and by each later one, so that `count: 3` is three in a row.
    /// Counted apart, it is met by the `nth` of each: the second request of every workflow, say, and not its third.
    pub(super) fn meets(&mut self, trigger: &ResolvedTrigger, seen: &Seen<'_>) -> bool {
        if !seen.is(&trigger.event, &trigger.filters) {
            return false;
        }
        let scope = match trigger.per.field() {
            None => String::new(),
            // What the event does not say cannot be counted apart.
            Some(field) => match seen.fields().get(field).and_then(Value::as_str) {
                Some(name) => name.to_owned(),
                None => return false,
            },
        };
        let acts_on = match trigger.then {
            Then::This => trigger.nth.get(),
            Then::Next => trigger.nth.get().saturating_add(1),
        };
        let count = self.seen.entry(scope).or_default();
        *count = count.saturating_add(1);
        match trigger.per {
            Per::Scenario => *count >= acts_on,
            Per::Workflow | Per::Instance | Per::Client | Per::Token => *count == acts_on,
        }
    }
}

/// What is left to chance for one fault. Its draws depend on the seed and the fault's id alone, so that another fault
/// in the file changes nothing.
#[derive(Debug)]
pub(super) struct Chance {
    random: ChaCha12Rng,
    probability: f64,
}

/// Random numbers that nothing but the seed and a name decide.
fn stream(seed: u64, name: &str) -> ChaCha12Rng {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    let digest = Sha256::digest(name.as_bytes());
    random.set_stream(digest.iter().take(8).fold(0, |stream: u64, byte| stream << 8 | u64::from(*byte)));
    random
}

impl Chance {
    pub(super) fn new(seed: u64, fault: &str, probability: f64) -> Self {
        Self { random: stream(seed, fault), probability }
    }

    /// Draws whether this time is one of those.
    pub(super) fn strikes(&mut self) -> bool {
        if self.probability >= 1.0 {
            return true;
        }
        // 53 bits are what a double holds: uniform in [0, 1).
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
        let drawn = (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < self.probability
    }
}

/// The delays of one firing. What is drawn depends on the seed, the fault, the number of the firing and the key that
/// leaves it open: the order in which events come changes nothing.
pub(super) struct Draws<'a> {
    seed: u64,
    fault: &'a str,
    firing: u32,
    /// What was drawn, in milliseconds, by key.
    pub(super) drawn_ms: BTreeMap<String, u64>,
}

impl<'a> Draws<'a> {
    pub(super) fn of(seed: u64, fault: &'a str, firing: u32) -> Self {
        Self { seed, fault, firing, drawn_ms: BTreeMap::new() }
    }

    /// How long it is this time.
    pub(super) fn take(&mut self, key: &str, delay: &Delay) -> Duration {
        let (shortest, longest) = (delay.shortest().as_millis(), delay.longest().as_millis());
        if matches!(delay, Delay::Fixed(_)) {
            return Duration::from_millis(shortest);
        }
        let drawn = stream(self.seed, &format!("{} {} {key}", self.fault, self.firing)).next_u64();
        // Both ends included; scaled and not divided, so that no length is likelier than another.
        let choices = u128::from(longest.saturating_sub(shortest)) + 1;
        let more = u64::try_from((u128::from(drawn) * choices) >> 64).unwrap_or_default();
        self.drawn_ms.insert(key.to_owned(), shortest + more);
        Duration::from_millis(shortest + more)
    }
}
