//! One Temporal server, and the command run against it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use libtest_mimic::Failed;
use serde_json::Value;
use tempfile::TempDir;
use tokenlapse::lab::worker::Launcher;
use tokenlapse::run::{Choice, Ground, new_run_id};
use tokio::runtime::Runtime;

pub(crate) type Outcome = Result<(), Failed>;

pub(crate) struct World {
    runtime: Runtime,
    ground: Mutex<Option<Ground>>,
    directory: TempDir,
    runs: AtomicU32,
}

impl World {
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("defects-").tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        Self {
            runtime: Runtime::new().expect("threads"),
            ground: Mutex::new(None),
            directory: directory.expect("a folder"),
            runs: AtomicU32::new(0),
        }
    }

    /// The server's address. Whoever asks first starts it.
    fn temporal(&self) -> Result<String, Failed> {
        let mut ground = self.ground.lock().expect("no panic");
        if ground.is_none() {
            let launcher = Launcher { executable: PathBuf::from(env!("CARGO_BIN_EXE_tokenlapse")) };
            let (choice, run) = (Choice::default(), new_run_id());
            let prepared = Ground::prepare(launcher, &choice, &run, self.directory.path());
            *ground = Some(self.runtime.block_on(prepared)?);
        }
        Ok(ground.as_ref().expect("it is there now").site.temporal.to_string())
    }

    /// A folder that nobody else has.
    pub(crate) fn folder(&self) -> Result<PathBuf, Failed> {
        let folder = self.directory.path().join(self.runs.fetch_add(1, Ordering::Relaxed).to_string());
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// `tokenlapse run` with these arguments, in `folder`. Its exit code and its report.
    pub(crate) fn run(&self, folder: &Path, arguments: &[&str]) -> Result<(Option<i32>, Report), Failed> {
        let done = Command::new(env!("CARGO_BIN_EXE_tokenlapse"))
            .args(["run", "--format", "json", "--temporal", &self.temporal()?])
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()?;
        let report = serde_json::from_slice(&done.stdout)
            .map_err(|_| format!("{arguments:?} gave no report: {}", String::from_utf8_lossy(&done.stderr)))?;
        Ok((done.status.code(), Report { report, out: folder.join("tokenlapse-out") }))
    }

    /// Ends the server and waits for its end.
    pub(crate) fn end(&self) {
        if let Some(ground) = self.ground.lock().expect("no panic").take() {
            self.runtime.block_on(ground.clear());
        }
    }
}

/// What `--format json` printed.
pub(crate) struct Report {
    report: Value,
    out: PathBuf,
}

impl Report {
    /// The report of this scenario, which ran once.
    pub(crate) fn scenario(&self, id: &str) -> Result<&Value, Failed> {
        let all = self.scenarios();
        all.iter().find(|scenario| scenario["id"] == id).ok_or_else(|| format!("{id} did not run").into())
    }

    pub(crate) fn scenarios(&self) -> &[Value] {
        self.report["scenarios"].as_array().map_or(&[], Vec::as_slice)
    }

    /// Verdict and reason.
    pub(crate) fn verdict(&self, id: &str) -> Result<(&str, &str), Failed> {
        let scenario = self.scenario(id)?;
        let text = |key: &str| scenario[key].as_str().unwrap_or_default();
        Ok((text("verdict"), text("reason")))
    }

    /// The directory with its journals.
    pub(crate) fn journals(&self) -> PathBuf {
        self.out.join(self.report["run"].as_str().unwrap_or_default())
    }
}
