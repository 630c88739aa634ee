//! The workers' clock: libfaketime, preloaded, with an offset that moves while they run.
//!
//! libfaketime reads the offset from a file at each look at the clock, so a move takes effect within a fraction of a
//! second in every process that was started with [`WorkerClock::env`]. Only wall clocks are moved: monotonic ones,
//! which timers and Temporal's polls go by, run on. Programs in Go ask the kernel directly and are not affected. Older
//! releases break programs in other ways: they are [tried](WorkerClock::usable) before they are used.

mod probe;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mock_idp::Clock;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

pub use probe::{Unmovable, take_over_if_asked};

/// Names the library where it is in no usual place.
const VARIABLE: &str = "TOKENLAPSE_FAKETIME";

/// Where distributions put the variant of the library that is safe with threads.
const PLACES: [&str; 6] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
    "/opt/homebrew/lib/faketime/libfaketimeMT.so.1",
];

/// How often a drifting clock's offset is written down.
const TICK: Duration = Duration::from_millis(50);

/// The clock of one scenario run's workers. Clones move the same one.
#[derive(Clone)]
pub struct WorkerClock(Arc<Shared>);

struct Shared {
    library: PathBuf,
    file: PathBuf,
    clock: Clock,
    ticking: Mutex<Option<JoinHandle<()>>>,
}

impl WorkerClock {
    /// Where libfaketime is on this machine: where the variable `TOKENLAPSE_FAKETIME` says, else in the usual places.
    /// Whether it is [usable](Self::usable) is another question.
    pub fn library(lookup: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
        let named = lookup(VARIABLE).map(PathBuf::from);
        named.into_iter().chain(PLACES.map(PathBuf::from)).find(|path| path.is_file())
    }

    /// A clock that shows real time until it is moved. Its file lies in `folder`, which has to outlive the workers.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn create(library: PathBuf, folder: &Path) -> io::Result<Self> {
        let file = folder.join("worker-clock");
        let clock = Self(Arc::new(Shared { library, file, clock: Clock::default(), ticking: Mutex::default() }));
        clock.0.write()?;
        Ok(clock)
    }

    /// The variables with which a worker's clock is this one.
    pub fn env(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("LD_PRELOAD", self.0.library.clone()),
            ("FAKETIME_TIMESTAMP_FILE", self.0.file.clone()),
            // A cached offset is seconds old.
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            // Without this a Java program takes many seconds to start.
            ("FAKETIME_FORCE_MONOTONIC_FIX", "0".into()),
            ("NO_FAKE_STAT", "1".into()),
        ]
    }

    /// How far it is ahead of real time, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.0.clock.offset_ms()
    }

    /// Moves it by so many milliseconds, backwards if negative.
    ///
    /// # Errors
    ///
    /// If its file cannot be written.
    pub fn shift(&self, by_ms: i64) -> io::Result<()> {
        self.0.clock.shift_ms(by_ms);
        self.0.write()
    }

    /// From now on it gains so many milliseconds in each real second, in steps too short to be noticed; 0 ends that.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn drift(&self, ms_per_second: i64) {
        self.0.clock.drift(ms_per_second);
        let mut ticking = self.0.ticking.lock();
        if let Some(before) = ticking.take() {
            before.abort();
        }
        if ms_per_second != 0 {
            // The task must not keep the clock alive that ends it.
            let clock = Arc::downgrade(&self.0);
            *ticking = Some(tokio::spawn(async move {
                let mut ticks = tokio::time::interval(TICK);
                loop {
                    ticks.tick().await;
                    let Some(clock) = clock.upgrade() else { return };
                    if let Err(error) = clock.write() {
                        tracing::error!(%error, "the workers' clock could not be moved");
                    }
                }
            }));
        }
    }
}

impl Shared {
    /// Written aside and renamed: a worker that looks meanwhile sees the old offset or the new one.
    fn write(&self) -> io::Result<()> {
        let offset = self.clock.offset_ms();
        let sign = if offset < 0 { '-' } else { '+' };
        let (seconds, millis) = (offset.unsigned_abs() / 1000, offset.unsigned_abs() % 1000);
        let aside = self.file.with_extension("new");
        std::fs::write(&aside, format!("{sign}{seconds}.{millis:03}\n"))?;
        std::fs::rename(&aside, &self.file)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(ticking) = self.ticking.get_mut().take() {
            ticking.abort();
        }
    }
}
