//! The Temporal CLI through the downloader of Temporal's own SDK, from temporal.download.
//!
//! The SDK downloads only what it starts at once, as a child that no minder watches. So it does both in a process
//! of its own under a minder: a hidden subcommand of this executable.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use temporalio_sdk_core::ephemeral_server::{EphemeralExe, EphemeralExeVersion, TemporalDevServerConfig};

use super::binary::VERSION;
use super::output::run_to_end;
use super::wheel::PATIENCE;
use crate::lab::worker::Launcher;

/// Name of the hidden subcommand.
pub(super) const SUBCOMMAND: &str = "download-temporal";

/// Has the binary downloaded into `aside`.
pub(super) async fn fetch(
    launcher: &Launcher,
    env: &BTreeMap<OsString, OsString>,
    aside: &Path,
) -> Result<PathBuf, String> {
    let args = [SUBCOMMAND.into(), aside.into()];
    let done = tokio::time::timeout(PATIENCE, run_to_end(launcher, &launcher.executable, args, env.clone())).await;
    let done = done.map_err(|_| format!("it did not end within {PATIENCE:?}"))?;
    let (exit, said) = done.map_err(|error| error.to_string())?;
    let binary = aside.join(format!("temporal-v{VERSION}"));
    match said.last() {
        _ if exit.code() == Some(0) && binary.is_file() => Ok(binary),
        Some(line) => Err(line.clone()),
        None => Err(format!("the downloader ended with {exit}")),
    }
}

/// What the hidden subcommand does: it downloads into the folder that is its argument.
pub(super) fn main(folder: Option<OsString>) -> ExitCode {
    let downloaded = || -> Result<(), Box<dyn std::error::Error>> {
        let folder = folder.and_then(|folder| folder.into_string().ok()).ok_or("needs a folder")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let version = EphemeralExeVersion::Fixed(format!("v{VERSION}"));
            let exe = EphemeralExe::CachedDownload { version, dest_dir: Some(folder), ttl: None };
            let config = TemporalDevServerConfig::builder().exe(exe).build();
            config.start_server_with_output(Stdio::null(), Stdio::null()).await?.shutdown().await?;
            Ok(())
        })
    };
    match downloaded() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Its launcher reads the last line.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}
