//! The keeper: a process that removes a run's containers when the harness is gone, however it went.
//!
//! A container is no child of the harness but of its engine, so no minder can end it. The keeper is the executable
//! once more, in a session of its own, where no signal of a terminal reaches it. It hears the run's label on its
//! standard input, says `keeping` once the engine answers it, and at the end of input, which a `kill -9` of the
//! harness brings about too, removes every container that carries the label. A harness that knows that no container
//! is on its way any more says `done` before.

use std::collections::HashMap;
use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder};
use testcontainers::core::client::docker_client_instance;

/// Name of the hidden subcommand.
pub(super) const SUBCOMMAND: &str = "container-keeper";
/// What it says when it is ready.
pub(super) const KEEPING: &str = "keeping";
/// What it is told when no container is on its way any more.
pub(super) const DONE: &str = "done";

/// A container that the engine was asked for just before the harness died may still come.
const MAY_STILL_COME: Duration = Duration::from_secs(1);
/// How often the engine is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(50);
/// An engine that fails for so long is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the hidden subcommand does.
pub(super) fn main() -> ExitCode {
    // Refused to a process group's leader only, which its starter does not make of it.
    let _ = rustix::process::setsid();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map(|runtime| runtime.block_on(keep())) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => failed(&*error),
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    // Nobody but its starter's terminal can be told.
    let _ = writeln!(io::stderr(), "tokenlapse {SUBCOMMAND}: {error}");
    ExitCode::FAILURE
}

async fn keep() -> Result<(), Box<dyn std::error::Error>> {
    let mut heard = io::stdin().lock().lines();
    let label = heard.next().ok_or("it is started by the harness only, which says a label")??;
    let engine = docker_client_instance().await?;
    labelled(&engine, &label).await?;
    // A harness that is gone already does not hear it.
    let _ = writeln!(io::stdout(), "{KEEPING}");
    // Blocks: there is nothing else to do.
    let done = heard.map_while(Result::ok).last().is_some_and(|line| line == DONE);
    sweep(&engine, &label, done).await?;
    Ok(())
}

/// Removes what carries the label until nothing does, and, unless `done`, what still comes.
async fn sweep(engine: &Docker, label: &str, done: bool) -> Result<(), Error> {
    let started = Instant::now();
    let mut none_since = None;
    loop {
        match remove_all(engine, label).await {
            Ok(0) if done || none_since.get_or_insert_with(Instant::now).elapsed() > MAY_STILL_COME => return Ok(()),
            Ok(0) => {}
            Ok(_) => none_since = None,
            Err(error) if started.elapsed() > PATIENCE => return Err(error),
            Err(_) => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Removes what carries the label, and returns how many there were.
async fn remove_all(engine: &Docker, label: &str) -> Result<usize, Error> {
    let found = labelled(engine, label).await?;
    let forced = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    for id in &found {
        match engine.remove_container(id, Some(forced.clone())).await {
            // Gone meanwhile, or going.
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found.len())
}

/// Ids of the containers that carry the label, running or not.
async fn labelled(engine: &Docker, label: &str) -> Result<Vec<String>, Error> {
    let filters = HashMap::from([("label", vec![label])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let found = engine.list_containers(Some(options)).await?;
    Ok(found.into_iter().filter_map(|container| container.id).collect())
}
