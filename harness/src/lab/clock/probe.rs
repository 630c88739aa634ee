//! The probe: whether libfaketime, as this machine has it, moves a program's wall clock and harms nothing else.
//!
//! Releases before 0.9.11 (Debian 12 has 0.9.10) take the deadline of an absolute sleep on the monotonic clock for one
//! on the wall clock, although they are told to leave the monotonic clock alone. The kernel then refuses a time before
//! 1970 with `EINVAL`: `time.sleep` of Python 3.11 fails so. No setting avoids it, and the library does not tell its
//! release, so the executable runs itself once under the preload, moves the clock, and looks.

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::WorkerClock;

/// Name of the hidden subcommand.
const SUBCOMMAND: &str = "clock-probe";
/// How far it moves its clock.
const JUMP: Duration = Duration::from_secs(3600);
/// How far a clock may be off without being moved: a starved machine is not a broken one.
const TOLERANCE: Duration = Duration::from_secs(60);
/// How long it sleeps.
const NAP: Duration = Duration::from_millis(5);
/// A probe that takes longer sleeps until a time that does not come.
const PATIENCE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// Why the workers' clock cannot be moved on this machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unmovable {
    /// No library.
    #[error(
        "no libfaketime found; Debian and Ubuntu have it as `faketime`, and {} names the library elsewhere",
        super::VARIABLE
    )]
    NotFound,
    /// A library that breaks the programs that it is preloaded into.
    #[error("{} is of no use, {why}; libfaketime 0.9.11 or later works", library.display())]
    Unfit {
        /// The library.
        library: PathBuf,
        /// What went wrong under it.
        why: String,
    },
    /// The probe did not run.
    #[error("{} could not be tried", library.display())]
    Untried {
        /// The library.
        library: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl WorkerClock {
    /// The library of this machine, if a program runs well under it. `executable` has this crate's hidden subcommands,
    /// and `lookup` gives the caller's variables.
    ///
    /// Blocks for as long as a process takes to start, and no longer than ten seconds.
    ///
    /// # Errors
    ///
    /// [`Unmovable`].
    pub fn usable(executable: &Path, lookup: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf, Unmovable> {
        let library = Self::library(lookup).ok_or(Unmovable::NotFound)?;
        match trial(executable, &library) {
            Ok(None) => Ok(library),
            Ok(Some(why)) => Err(Unmovable::Unfit { library, why }),
            Err(source) => Err(Unmovable::Untried { library, source }),
        }
    }
}

/// What goes wrong in a program that runs under the library.
fn trial(executable: &Path, library: &Path) -> io::Result<Option<String>> {
    let folder = tempfile::tempdir()?;
    let clock = WorkerClock::create(library.to_path_buf(), folder.path())?;
    let mut probe = Command::new(executable)
        .args([SUBCOMMAND.as_ref(), library, folder.path()])
        .envs(clock.env())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut said = probe.stdout.take().expect("it is piped");
    // It says one thing, or it ends.
    let heard = poll(&mut [PollFd::from_borrowed_fd(said.as_fd(), PollFlags::IN)], Some(&PATIENCE));
    if !matches!(heard, Ok(1..)) {
        probe.kill()?;
        probe.wait()?;
        return Ok(Some("a program under it never wakes from a short sleep".to_owned()));
    }
    let mut why = String::new();
    said.read_to_string(&mut why)?;
    let status = probe.wait()?;
    Ok(match (status.success(), why.is_empty()) {
        (true, _) => None,
        (false, false) => Some(why),
        (false, true) => Some(format!("a program under it ended with {status}")),
    })
}

/// Runs the probe if the first argument of this process says so, else returns `None` at once.
pub fn take_over_if_asked() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    if args.next()? != SUBCOMMAND {
        return None;
    }
    let (Some(library), Some(folder)) = (args.next(), args.next()) else {
        // Nobody but its caller's terminal can be told.
        let _ = writeln!(io::stderr(), "tokenlapse {SUBCOMMAND}: it is started by the harness only");
        return Some(ExitCode::from(2));
    };
    // It goes with the thread that waits for it.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    Some(match look(library.into(), folder.as_ref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Whoever does not read it has given up already.
            let _ = io::stdout().write_all(why.as_bytes());
            ExitCode::FAILURE
        }
    })
}

/// Moves the clock that this process is under, and looks at what it does and does not do.
fn look(library: PathBuf, folder: &Path) -> Result<(), String> {
    let clock = WorkerClock::create(library, folder).map_err(|error| error.to_string())?;
    let (wall, monotonic) = (SystemTime::now(), Instant::now());
    let jump = i64::try_from(JUMP.as_millis()).expect("an hour");
    clock.shift(jump).map_err(|error| error.to_string())?;
    let moved = SystemTime::now().duration_since(wall).unwrap_or_default();
    if moved.abs_diff(JUMP) > TOLERANCE {
        return Err("a program's wall clock does not move under it".to_owned());
    }
    if monotonic.elapsed() > TOLERANCE {
        return Err("a program's monotonic clock moves, too, under it".to_owned());
    }
    naps()
}

/// Sleeps in all ways that the system has.
#[cfg(target_os = "linux")]
fn naps() -> Result<(), String> {
    // By the system's C library, which a preload gets between; rustix asks the kernel itself.
    use nix::time::{ClockId, ClockNanosleepFlags, clock_nanosleep};

    let failed =
        |kind: &'static str| move |error: nix::Error| format!("a program's {kind} sleep fails under it: {error}");
    let (began, monotonic) = (Instant::now(), ClockId::CLOCK_MONOTONIC);
    std::thread::sleep(NAP);
    clock_nanosleep(monotonic, ClockNanosleepFlags::empty(), &NAP.into()).map_err(failed("relative"))?;
    let until = Duration::from(monotonic.now().map_err(|error| error.to_string())?) + NAP;
    clock_nanosleep(monotonic, ClockNanosleepFlags::TIMER_ABSTIME, &until.into()).map_err(failed("absolute"))?;
    slept(began, 3)
}

/// Sleeps in the one way that there is.
#[cfg(not(target_os = "linux"))]
fn naps() -> Result<(), String> {
    let began = Instant::now();
    std::thread::sleep(NAP);
    slept(began, 1)
}

fn slept(began: Instant, naps: u32) -> Result<(), String> {
    match began.elapsed() < NAP * naps {
        true => Err("a program's sleep ends early under it".to_owned()),
        false => Ok(()),
    }
}
