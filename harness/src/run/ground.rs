//! What a run stands on: a Temporal server that all its labs share, and a place for temporary files.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::scratch::{self, Scratch};
use crate::journal::Journal;
use crate::lab::Site;
use crate::lab::clock::WorkerClock;
use crate::lab::temporal::{BinarySources, Running, Servers, StartError, UnknownBackend, backend};
use crate::lab::worker::Launcher;
use crate::lab::workload::{Client, WorkloadError};
use crate::scenario::{Facts, Target};

/// The namespace that every server of ours has from its start.
const NAMESPACE: &str = "default";

/// There is no Temporal server to run anything on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GroundError {
    /// The word names no server.
    #[error(transparent)]
    Unknown(#[from] UnknownBackend),
    /// It does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It does not answer.
    #[error(transparent)]
    Connect(#[from] WorkloadError),
    /// No place for temporary files, or this executable cannot be found.
    #[error("nothing can be written to {}; `--out DIR` names another place", path.display())]
    Scratch {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Which Temporal server a run stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// `dev`, `docker`, or `HOST:PORT` of a server that runs.
    pub backend: String,
    /// The CLI's binary, before all other ways to one.
    pub binary: Option<PathBuf>,
    /// The namespace to use on a server of the user's own.
    pub namespace: Option<String>,
}

impl Default for Choice {
    fn default() -> Self {
        Self { backend: "dev".to_owned(), binary: None, namespace: None }
    }
}

impl Choice {
    /// Whether a scenario that hurts the server can have one of its own.
    pub(crate) fn can_be_started_again(&self) -> bool {
        self.backend == "dev"
    }

    /// The same for a target, which may name the namespace to use on a server of its own.
    pub(crate) fn for_target(mut self, target: &Target) -> Self {
        if self.namespace.is_none() && self.backend.contains(':') {
            self.namespace = target.temporal.namespaces.first().map(|name| name.value.clone());
        }
        self
    }
}

/// The ground of one run. Dropped, it ends the server and removes the temporary files.
pub struct Ground {
    /// What labs need of it.
    pub site: Site,
    /// Starts processes.
    pub launcher: Launcher,
    /// The server in words.
    pub temporal: String,
    /// How long it took to be ready.
    pub ready: Duration,
    server: Running,
    _scratch: Scratch,
}

impl Ground {
    /// Starts a server for the run `run`, whose files lie below `directory`. If it does not come to a run, `directory`
    /// is removed again. Temporary files that killed runs left beside it are removed, too.
    ///
    /// # Errors
    ///
    /// [`GroundError`].
    pub async fn prepare(
        launcher: Launcher,
        choice: &Choice,
        run: &str,
        directory: &Path,
    ) -> Result<Self, GroundError> {
        let prepared = Self::prepare_in(launcher, choice, run, directory).await;
        if prepared.is_err() {
            // Only if nothing is in it.
            let _ = std::fs::remove_dir(directory);
        }
        prepared
    }

    async fn prepare_in(launcher: Launcher, choice: &Choice, run: &str, directory: &Path) -> Result<Self, GroundError> {
        let began = Instant::now();
        let namespace = choice.namespace.as_deref().unwrap_or(NAMESPACE);
        let backend = backend(&choice.backend, BinarySources::of_caller(choice.binary.clone()), namespace)?;
        let scratch_error = |source| GroundError::Scratch { path: directory.to_path_buf(), source };
        std::fs::create_dir_all(directory).map_err(scratch_error)?;
        let directory = directory.canonicalize().map_err(scratch_error)?;
        if let Some(out) = directory.parent() {
            scratch::sweep(out);
        }
        let scratch = Scratch::create(&directory).map_err(scratch_error)?;
        let server = backend.start(&launcher, run).await?;
        let client = Client::connect(&server.address().to_string(), namespace, Journal::in_memory()).await?;
        let temporal = server.describe().to_owned();
        let site = Site {
            run: run.to_owned(),
            server: temporal.clone(),
            temporal: server.address(),
            namespace: namespace.to_owned(),
            client,
            servers: choice.can_be_started_again().then(|| Servers {
                launcher: launcher.clone(),
                binary: BinarySources::of_caller(choice.binary.clone()),
                run: run.to_owned(),
            }),
            scratch: scratch.path().to_path_buf(),
            faketime: worker_clock(&launcher),
            executable: std::env::current_exe().map_err(scratch_error)?,
        };
        Ok(Self { site, launcher, temporal, ready: began.elapsed(), server, _scratch: scratch })
    }

    /// What this machine allows, where workers are processes.
    pub fn facts(&self) -> Facts {
        Facts {
            movable_worker_clock: self.site.faketime.is_some(),
            own_server: self.site.servers.is_some(),
            ..Facts::default()
        }
    }

    /// Ends the server and waits until it is gone.
    pub async fn clear(self) {
        self.server.stop().await;
    }
}

/// What this machine allows, where workers are processes.
pub(crate) fn facts_of_processes(launcher: &Launcher) -> Facts {
    Facts { movable_worker_clock: worker_clock(launcher).is_some(), ..Facts::default() }
}

/// `None` where the workers' clock cannot be moved; `doctor` says why.
fn worker_clock(launcher: &Launcher) -> Option<PathBuf> {
    WorkerClock::usable(&launcher.executable, &|name| std::env::var(name).ok()).ok()
}
