//! A dev server of one scenario's own, which its faults may hurt.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::backend::StartError;
use super::binary::BinarySources;
use super::dev::{self, Serving};
use crate::lab::worker::{Launcher, Process};

/// A server that is asked to end and has not within this time is killed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts servers for scenarios that hurt theirs.
#[derive(Debug, Clone)]
pub struct Servers {
    /// Starts processes.
    pub launcher: Launcher,
    /// Where the server's binary comes from.
    pub binary: BinarySources,
    /// Id of the run, which all that is started carries.
    pub run: String,
}

/// A server that may be hurt. It keeps what it knows in a file and comes back with all of it, at the same address.
/// Clones are the same server; the last one ends it.
#[derive(Clone)]
pub struct OwnServer(Arc<Shared>);

struct Shared {
    launcher: Launcher,
    binary: PathBuf,
    serving: Serving,
    /// `None` while it is gone.
    process: Mutex<Option<Process>>,
}

impl Servers {
    /// Starts one that keeps its data in `directory`, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(&self, directory: &Path) -> Result<OwnServer, StartError> {
        let binary = self.binary.find(&self.launcher).await?;
        let serving = Serving::anywhere(&self.run)?.keeping(directory.join("temporal.db"));
        let (_, process) = dev::start(&self.launcher, &binary, &serving).await?;
        let process = Mutex::new(Some(process));
        Ok(OwnServer(Arc::new(Shared { launcher: self.launcher.clone(), binary, serving, process })))
    }
}

impl OwnServer {
    /// Where its frontend listens, whenever it does.
    pub fn address(&self) -> SocketAddr {
        self.0.serving.address
    }

    /// Stops it (SIGSTOP): it keeps its connections, and answers nobody. Says whether there was anything to stop.
    pub async fn pause(&self) -> bool {
        match &*self.0.process.lock().await {
            Some(process) => process.stop().await.is_ok(),
            None => false,
        }
    }

    /// Lets it go on (SIGCONT). Says whether there was anything that could.
    pub async fn resume(&self) -> bool {
        match &*self.0.process.lock().await {
            Some(process) => process.resume().await.is_ok(),
            None => false,
        }
    }

    /// Ends it in the middle of what it does (SIGKILL). Says whether there was anything to end.
    pub async fn kill(&self) -> bool {
        match self.0.process.lock().await.take() {
            Some(process) => {
                process.kill().await;
                true
            }
            None => false,
        }
    }

    /// Ends it in good order (SIGTERM). Says whether there was anything to end.
    pub async fn end(&self) -> bool {
        let Some(process) = self.0.process.lock().await.take() else { return false };
        // One that has ended already needs no telling.
        let _ = process.terminate().await;
        if tokio::time::timeout(PATIENCE, process.wait()).await.is_err() {
            process.kill().await;
        }
        true
    }

    /// Starts it again, with what it knew, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start_again(&self) -> Result<(), StartError> {
        let mut process = self.0.process.lock().await;
        if process.is_none() {
            let (_, started) = dev::start(&self.0.launcher, &self.0.binary, &self.0.serving).await?;
            *process = Some(started);
        }
        Ok(())
    }
}
