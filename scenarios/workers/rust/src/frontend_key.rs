//! The bearer for Temporal's frontend, from a file that somebody else renews: a sidecar, or a volume of Kubernetes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use temporalio_client::Connection;
use tokio::time::{MissedTickBehavior, interval};

use crate::secret::Secret;

/// How often the file is read. It is replaced by renaming, often behind a symbolic link that is renamed itself, so
/// watching it is more fragile than reading it; the frontend refuses for 60 s before the SDK gives up (FM-04).
const EVERY: Duration = Duration::from_secs(1);

/// Where the bearer lies.
#[derive(Clone, Debug)]
pub struct KeyFile(PathBuf);

impl KeyFile {
    /// The bearer in this file.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// What lies there, without the newline that files end in; `None` if it is nothing that a header can carry. The SDK
    /// would drop such a key without a word and send none at all (FM-51).
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn read(&self) -> std::io::Result<Option<Secret>> {
        let text = tokio::fs::read_to_string(&self.0).await?;
        let key = text.trim();
        let visible = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        Ok(visible.then(|| Secret::new(key.to_owned())))
    }

    /// Gives every new bearer to the connection, for ever. What cannot be read or used leaves the one of before.
    pub async fn follow(self, connection: Connection) {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut held = None;
        loop {
            tick.tick().await;
            match self.read().await {
                Ok(Some(key)) if held.as_ref() != Some(&key) => {
                    connection.set_api_key(Some(key.reveal().to_owned()));
                    held = Some(key);
                }
                Ok(Some(_)) => {}
                Ok(None) => tracing::warn!("the frontend's bearer cannot be used; the one of before stays"),
                Err(error) => tracing::warn!(%error, "the frontend's bearer cannot be read; the one of before stays"),
            }
        }
    }
}
