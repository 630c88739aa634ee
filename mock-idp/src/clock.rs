//! The identity provider's own clock.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

/// Where a clock takes real time from. A test gives its own and need not wait.
#[derive(Clone)]
pub struct TimeSource(Arc<dyn Fn() -> i64 + Send + Sync>);

impl TimeSource {
    /// `now` gives milliseconds since the Unix epoch.
    pub fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }
}

impl Default for TimeSource {
    /// The machine's clock.
    fn default() -> Self {
        Self::new(|| {
            let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(real.as_millis()).unwrap_or(i64::MAX)
        })
    }
}

/// Real time plus an offset that is moved and that may grow by itself. Clones share it.
///
/// It never goes back by itself, even if the machine's clock is set back: only [`Clock::shift_ms`] moves it back.
#[derive(Clone, Default)]
pub struct Clock(Arc<Shared>);

#[derive(Default)]
struct Shared {
    source: TimeSource,
    state: Mutex<State>,
    /// Somebody has moved it, or has changed its drift.
    moved: Notify,
}

#[derive(Default)]
struct State {
    /// Thousandths of a millisecond that it was ahead at `since_ms`.
    ahead: i128,
    /// Real time at which the drift began.
    since_ms: i64,
    /// Milliseconds that it gains in a real second.
    drift: i64,
    /// The latest time that it has shown since it was last moved.
    shown_ms: Option<i64>,
}

/// How a clock differed from real time at a moment.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    ahead: i128,
    drift: i64,
}

impl State {
    fn ahead_at(&self, real_ms: i64) -> i128 {
        self.ahead + i128::from(real_ms.saturating_sub(self.since_ms)) * i128::from(self.drift)
    }

    fn offset_ms(&self, real_ms: i64) -> i64 {
        clamped(self.ahead_at(real_ms).div_euclid(1000))
    }
}

impl Clock {
    /// A clock that shows what `source` says until it is moved.
    pub fn new(source: TimeSource) -> Self {
        Self(Arc::new(Shared { source, ..Shared::default() }))
    }

    /// Milliseconds since the Unix epoch, by this clock.
    pub fn now_ms(&self) -> i64 {
        let mut state = self.state();
        // Read under the lock: a reading from before another's would look like a step back.
        let real_ms = self.real_ms();
        let now_ms = real_ms.saturating_add(state.offset_ms(real_ms));
        let now_ms = state.shown_ms.map_or(now_ms, |shown| shown.max(now_ms));
        state.shown_ms = Some(now_ms);
        now_ms
    }

    /// Seconds since the Unix epoch, as `iat` and `exp` have them.
    pub fn now_s(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }

    /// How far it is ahead of real time, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.state().offset_ms(self.real_ms())
    }

    /// Time passes.
    pub fn advance(&self, by: Duration) {
        self.shift_ms(i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
    }

    /// Moves it by so many milliseconds, backwards if negative. A drift goes on.
    pub fn shift_ms(&self, by: i64) {
        let mut state = self.state();
        state.ahead += i128::from(by) * 1000;
        if by < 0 {
            state.shown_ms = None;
        }
        self.0.moved.notify_waiters();
    }

    /// From now on it gains so many milliseconds in each real second; negative, it loses them. What it has gained
    /// so far stays; 0 ends a drift. It does not run backwards: at -1000 and below it stands still.
    pub fn drift(&self, ms_per_second: i64) {
        let mut state = self.state();
        let real_ms = self.real_ms();
        state.ahead = state.ahead_at(real_ms);
        state.since_ms = real_ms;
        state.drift = ms_per_second.max(-1000);
        self.0.moved.notify_waiters();
    }

    /// How far it is ahead and what it gains, to be set again.
    pub(crate) fn save(&self) -> Setting {
        let state = self.state();
        Setting { ahead: state.ahead_at(self.real_ms()), drift: state.drift }
    }

    /// It is as far ahead, and gains as much, as it did then.
    pub(crate) fn restore(&self, setting: &Setting) {
        let mut state = self.state();
        *state = State { ahead: setting.ahead, since_ms: self.real_ms(), drift: setting.drift, shown_ms: None };
    }

    /// Milliseconds that it gains in a real second.
    pub fn drift_ms_per_s(&self) -> i64 {
        self.state().drift
    }

    /// How much real time passes until it shows `at_ms`, if nobody moves it: zero if that is past, `None` if it
    /// stands still.
    pub fn until(&self, at_ms: i64) -> Option<Duration> {
        let left = at_ms.saturating_sub(self.now_ms());
        let rate = i128::from(self.state().drift) + 1000;
        if left <= 0 {
            return Some(Duration::ZERO);
        }
        if rate == 0 {
            return None;
        }
        // Rounded up: woken early, one would find nothing done.
        let real_ms = (i128::from(left) * 1000 + rate - 1) / rate;
        Some(Duration::from_millis(u64::try_from(real_ms).unwrap_or(u64::MAX)))
    }

    /// Waits until it shows `at_ms`, by real time or because somebody moves it.
    pub async fn reached(&self, at_ms: i64) {
        loop {
            // Made before the clock is read, so that no move is missed.
            let moved = self.0.moved.notified();
            match self.until(at_ms) {
                Some(Duration::ZERO) => return,
                Some(left) => tokio::select! {
                    () = moved => {}
                    () = tokio::time::sleep(left) => {}
                },
                None => moved.await,
            }
        }
    }

    fn real_ms(&self) -> i64 {
        (self.0.source.0)()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Clock").field("ahead", &state.ahead).field("drift", &state.drift).finish_non_exhaustive()
    }
}

fn clamped(ms: i128) -> i64 {
    i64::try_from(ms).unwrap_or(if ms < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use proptest::prelude::*;

    use super::*;

    fn clock() -> (Clock, Arc<AtomicI64>) {
        let real = Arc::new(AtomicI64::new(1_000_000));
        let source = Arc::clone(&real);
        (Clock::new(TimeSource::new(move || source.load(Ordering::Relaxed))), real)
    }

    #[test]
    fn a_drift_grows_and_what_it_gained_stays() {
        let (clock, real) = clock();
        clock.shift_ms(500);
        clock.drift(100);
        real.fetch_add(10_000, Ordering::Relaxed);
        assert_eq!((clock.offset_ms(), clock.now_ms()), (1_500, 1_011_500));
        clock.drift(0);
        real.fetch_add(10_000, Ordering::Relaxed);
        assert_eq!(clock.offset_ms(), 1_500);
        clock.drift(-500);
        real.fetch_add(1_000, Ordering::Relaxed);
        assert_eq!(clock.offset_ms(), 1_000);
    }

    #[test]
    fn it_stands_still_and_never_runs_backwards() {
        let (clock, real) = clock();
        clock.drift(-3_000);
        let before = clock.now_ms();
        real.fetch_add(5_000, Ordering::Relaxed);
        assert_eq!(clock.now_ms(), before);
        assert_eq!(clock.until(before + 1), None);
        assert_eq!(clock.until(before), Some(Duration::ZERO));
    }

    #[test]
    fn waiting_for_a_time_counts_the_drift() {
        let (clock, real) = clock();
        clock.drift(1_000);
        assert_eq!(clock.until(clock.now_ms() + 3_001), Some(Duration::from_millis(1_501)), "rounded up");
        let at = clock.now_ms() + 3_001;
        real.fetch_add(1_501, Ordering::Relaxed);
        assert!(clock.now_ms() >= at);
    }

    #[test]
    fn a_machine_clock_that_is_set_back_does_not_set_it_back() {
        let (clock, real) = clock();
        let before = clock.now_ms();
        real.fetch_sub(60_000, Ordering::Relaxed);
        assert_eq!(clock.now_ms(), before);
        clock.shift_ms(-10);
        assert!(clock.now_ms() < before, "but whoever moves it does");
    }

    proptest! {
        #[test]
        fn only_a_move_back_makes_it_go_back(
            steps in prop::collection::vec((0u8..3, -5_000i64..5_000), 1..40),
        ) {
            let (clock, real) = clock();
            let mut last = clock.now_ms();
            for (what, by) in steps {
                match what {
                    0 => { real.fetch_add(by, Ordering::Relaxed); }
                    1 => clock.drift(by),
                    _ => clock.shift_ms(by.abs()),
                }
                let now = clock.now_ms();
                prop_assert!(now >= last, "{last} → {now}");
                last = now;
            }
        }
    }
}
