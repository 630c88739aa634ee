//! **tokenlapse** tests what Temporal workers do when an OAuth token expires, a clock drifts, access is revoked or
//! the identity provider is down.
//!
//! Two ways into one engine: the command `tokenlapse`, and this library. [`Suite`] runs the catalogue as tests of one's
//! own crate; it is all that most users need. A [`Lab`] by hand is for a test that asks more:
//!
//! ```no_run
//! use tokenlapse::lab::worker::Launcher;
//! use tokenlapse::{Brief, Choice, Facts, Ground, Journal, Lab, LabEnv, Scenario, UnderTest, Target};
//! use tokenlapse::{control_of, facts_of_control, judge_journal, resolve};
//!
//! # async fn my_worker(_address: Option<&str>, _stop: impl Future<Output = ()>) {}
//! # async fn by_hand(target: Target, scenario: Scenario, my_server: wiremock::MockServer)
//! #     -> Result<(), Box<dyn std::error::Error>> {
//! // `main` has called `take_over_if_asked` before.
//! let files = std::env::temp_dir();
//! let ground = Ground::prepare(Launcher::this_executable()?, &Choice::default(), "my-run", &files).await?;
//! let worker = UnderTest::function(&target, |env: LabEnv| async move {
//!     my_worker(env.var("TEMPORAL_ADDRESS"), env.stopped()).await;
//! });
//! let resolved = resolve(&target, &scenario, &Facts::in_process()).expect("it applies to the target");
//!
//! // The same without faults: what the workload does when nothing goes wrong.
//! let (control, without_faults) = (Journal::in_memory(), control_of(&resolved));
//! Lab::live(&ground.site, &control, Brief::new("control", &without_faults, &target, worker.clone())).await?;
//!
//! let journal = Journal::in_memory();
//! let brief = Brief {
//!     upstream: Some(my_server.uri().parse()?),
//!     control: Some(facts_of_control(&control)),
//!     deadline: Some(tokenlapse::check::deadline),
//!     ..Brief::new("mine", &resolved, &target, worker)
//! };
//! let mut lab = Lab::open(&ground.site, journal.clone(), brief).await?;
//! lab.start_workers().await?;
//! lab.work().await?;
//! lab.close().await?;
//! ground.clear().await;
//!
//! println!("{:?} after {} events", judge_journal(&journal).verdict, journal.records().len());
//! # Ok(())
//! # }
//! ```

pub mod check;
pub mod cli;
pub mod fault;
pub mod journal;
pub mod lab;
pub mod report;
pub mod run;
pub mod scenario;
mod suite;

use std::process::ExitCode;

pub use journal::Journal;
pub use lab::{Brief, Lab, LabEnv, LabError, Site, UnderTest};
pub use mock_idp::Dialect;
pub use run::{Choice, Ground, GroundError, Judged, Verdict, control_of, facts_of_control, judge_journal};
pub use scenario::{Facts, Scenario, Target, resolve};
pub use suite::{Suite, TargetSource};

/// Lets this executable serve itself: processes that the harness starts are minded by the executable once more, which
/// ends them when the harness is gone, `kill -9` included. To be called first in the `main` of whoever opens a [`Lab`]
/// by hand; what it returns is to be returned at once. [`Suite::main`] does it itself.
pub fn take_over_if_asked() -> Option<ExitCode> {
    lab::worker::minder::take_over_if_asked()
        .or_else(lab::temporal::take_over_if_asked)
        .or_else(lab::clock::take_over_if_asked)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    /// What each room may know of the others. `run` and the rest join them.
    const KNOWS: [(&str, &[&str]); 5] = [
        ("journal", &[]),
        ("scenario", &["journal"]),
        ("fault", &["journal", "scenario"]),
        ("lab", &["journal", "scenario", "fault"]),
        ("check", &["journal", "scenario"]),
    ];
    const ROOMS: [&str; 9] = ["journal", "scenario", "fault", "lab", "check", "report", "run", "cli", "suite"];

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path());
        entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn each_room_knows_only_what_it_may() {
        for (room, known) in KNOWS {
            let files = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room));
            assert!(!files.is_empty(), "{room}");
            for file in files {
                let text = std::fs::read_to_string(&file).expect("text");
                // Tests may ask another room whether the two agree.
                let text = text.split("#[cfg(test)]").next().unwrap_or_default();
                let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                for line in lines {
                    for other in ROOMS.iter().filter(|other| **other != room && !known.contains(*other)) {
                        assert!(!line.contains(&format!("crate::{other}")), "{}: {line}", file.display());
                    }
                }
            }
        }
    }
}
