//! What is the same for a dev server as a process and in a container: its arguments, how it is found ready.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::backend::StartError;
use super::frontend::{Frontend, answers_for};
use super::output::run_to_end;
use crate::lab::worker::Launcher;

/// A server that answers nothing within this time will not.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stock, a 401 with one retry takes 2 s, since timers work in steps of 1 s; then limits on queue readers show as
/// waits in steps of 100 ms. One partition per task queue halves the memory. Each scenario run has a task queue of its
/// own: time series of its own for each would be kept for ever (half a megabyte), and a queue itself for five minutes.
const TUNING: &[&str] = &[
    r#"history.timerProcessorMaxTimeShift="10ms""#,
    "history.transferProcessorMaxPollRPS=100000",
    "history.timerProcessorMaxPollRPS=100000",
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
    r#"matching.maxTaskQueueIdleTime="10s""#,
    "metrics.breakdownByTaskQueue=false",
    "metrics.breakdownByPartition=false",
    "metrics.breakdownByBuildID=false",
    "frontend.namespaceRPS=100000",
    "frontend.namespaceCount=100000",
    "frontend.rps=100000",
];

/// The arguments of the CLI that make it serve at `listen`, with its data in memory.
pub(super) fn arguments(listen: SocketAddr, mark: &str) -> Vec<String> {
    let (ip, port) = (listen.ip().to_string(), listen.port().to_string());
    let plain = ["server", "start-dev", "--headless", "--log-level", "error"];
    let chosen = ["--ip", &ip, "--port", &port, "--namespace", mark];
    let tuning = TUNING.iter().flat_map(|value| ["--dynamic-config-value", value]);
    plain.into_iter().chain(chosen).chain(tuning).map(str::to_owned).collect()
}

/// The name of a namespace that no other server has, by which a server is known again.
pub(super) fn mark() -> String {
    format!("tokenlapse-{:016x}", RandomState::new().hash_one("mark"))
}

/// Waits until the server is ready, or has ended, which `ending` says in words.
pub(super) async fn ready(
    address: SocketAddr,
    mark: &str,
    ending: impl Future<Output = String>,
) -> Result<Frontend, String> {
    tokio::select! {
        frontend = answers_for(address, mark) => Ok(frontend),
        how = ending => Err(format!("ended at once ({how})")),
        () = tokio::time::sleep(PATIENCE) => Err(format!("did not answer within {PATIENCE:?}")),
    }
}

/// `dev server 1.9.1 (server 1.32.0)`, where `kind` is `dev server`.
pub(super) async fn describe(kind: &str, cli: Option<String>, frontend: &Frontend) -> Result<String, StartError> {
    let version = frontend
        .server_version()
        .await
        .map_err(|status| StartError::Refused { what: "its version", message: status.message().to_owned() })?;
    Ok(match cli {
        Some(cli) => format!("{kind} {cli} (server {version})"),
        None => format!("{kind} (server {version})"),
    })
}

/// The version that the CLI says it has, if it says one.
pub(super) async fn cli_version(launcher: &Launcher, binary: &Path) -> Option<String> {
    let (_, said) = run_to_end(launcher, binary, ["--version".into()], [].into()).await.ok()?;
    said.iter().find_map(|line| version_in(line)).map(str::to_owned)
}

fn version_in(line: &str) -> Option<&str> {
    line.strip_prefix("temporal version ")?.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_clis_own() {
        assert_eq!(version_in("temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"), Some("1.9.1"));
        assert_eq!(version_in("error: no version"), None);
    }

    #[test]
    fn no_two_servers_have_the_same_mark() {
        assert_ne!(mark(), mark());
    }
}
