//! The last lines that a process said, for the error that tells of its end.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::AsyncRead;

use crate::lab::worker::{Exit, Launch, LaunchError, Launcher, Lines, Output};

/// How many lines an error shows.
pub(super) const LAST_LINES: usize = 20;

/// The last lines of both outputs of a process, as they come.
#[derive(Clone, Default)]
pub(super) struct LastLines(Arc<Mutex<VecDeque<String>>>);

impl LastLines {
    /// Reads both outputs to their end, in the background. The tasks end when both are read.
    pub(super) fn of(output: Output) -> (Self, tokio::task::JoinSet<()>) {
        let last = Self::default();
        let mut reading = tokio::task::JoinSet::new();
        reading.spawn(last.clone().keep(output.stdout));
        reading.spawn(last.clone().keep(output.stderr));
        (last, reading)
    }

    async fn keep(self, mut lines: Lines<impl AsyncRead + Unpin>) {
        while let Ok(Some(line)) = lines.next().await {
            let mut last = self.0.lock();
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(line);
        }
    }

    /// The lines so far.
    pub(super) fn get(&self) -> Vec<String> {
        self.0.lock().iter().cloned().collect()
    }
}

/// Runs a program to its end under a minder, so that it dies with this process and when the future is dropped.
/// Returns how it ended and its last lines.
pub(super) async fn run_to_end(
    launcher: &Launcher,
    program: impl Into<OsString>,
    args: impl IntoIterator<Item = OsString>,
    env: BTreeMap<OsString, OsString>,
) -> Result<(Exit, Vec<String>), LaunchError> {
    let cwd = std::env::temp_dir();
    let launch = Launch { program: program.into(), args: args.into_iter().collect(), env, cwd, allowed_ports: None };
    let (process, output) = launcher.spawn(launch).await?;
    let (last, mut reading) = LastLines::of(output);
    while reading.join_next().await.is_some() {}
    Ok((process.wait().await, last.get()))
}
