//! The CLI's dev server as a child process, tuned so that its timers do not hide what is measured.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use super::backend::{Backend, Held, Running, StartError, Starting};
use super::binary::BinarySources;
use super::frontend::Frontend;
use super::output::LastLines;
use super::server;
use crate::lab::worker::{Launch, Launcher, Process};

/// The dev server as a child process: the default.
#[derive(Debug, Clone)]
pub struct Dev {
    /// Where its binary comes from.
    pub binary: BinarySources,
}

impl Backend for Dev {
    fn start<'a>(&'a self, launcher: &'a Launcher, run: &'a str) -> Starting<'a> {
        Box::pin(async move {
            let binary = self.binary.find(launcher).await?;
            let serving = Serving::anywhere(run)?;
            // Both at once: the version is one more process.
            let (server, version) =
                tokio::join!(start(launcher, &binary, &serving), server::cli_version(launcher, &binary));
            let (frontend, process) = server?;
            let description = server::describe("dev server", version, &frontend).await?;
            Ok(Running::new(serving.address, description, frontend, Held::Process(process)))
        })
    }
}

/// What a dev server is started with.
pub(super) struct Serving {
    /// Id of the run.
    run: String,
    /// Where its frontend listens.
    pub(super) address: SocketAddr,
    /// By which it is known.
    mark: String,
    /// Where it keeps what it knows; `None`: in memory.
    database: Option<PathBuf>,
}

impl Serving {
    /// At a port that is free, in memory.
    pub(super) fn anywhere(run: &str) -> Result<Self, StartError> {
        let address = free_port().map_err(StartError::Port)?;
        Ok(Self { run: run.to_owned(), address, mark: server::mark(), database: None })
    }

    /// The same with its data in a file.
    pub(super) fn keeping(self, database: PathBuf) -> Self {
        Self { database: Some(database), ..self }
    }

    fn arguments(&self) -> Vec<OsString> {
        let mut all: Vec<OsString> = server::arguments(self.address, &self.mark).into_iter().map(Into::into).collect();
        if let Some(database) = &self.database {
            all.extend(["--db-filename".into(), database.into()]);
        }
        all
    }
}

/// Starts a dev server, and waits until it is ready.
pub(super) async fn start(
    launcher: &Launcher,
    binary: &Path,
    serving: &Serving,
) -> Result<(Frontend, Process), StartError> {
    let home = std::env::temp_dir();
    let env = [("HOME", home.as_os_str()), ("USER", "tokenlapse".as_ref()), ("TOKENLAPSE_RUN", serving.run.as_ref())];
    let launch = Launch {
        program: binary.into(),
        args: serving.arguments(),
        env: env.map(|(name, value)| (name.into(), value.into())).into(),
        cwd: home.clone(),
        allowed_ports: None,
    };
    let (process, output) = launcher.spawn(launch).await?;
    let (last, mut reading) = LastLines::of(output);
    let ending = process.ending();
    let ready = server::ready(serving.address, &serving.mark, async {
        let exit = ending.await;
        while reading.join_next().await.is_some() {}
        exit.to_string()
    });
    match ready.await {
        Ok(frontend) => {
            // Read on as long as it lives: a full pipe would stop it.
            reading.detach_all();
            Ok((frontend, process))
        }
        Err(what) => Err(StartError::Unusable { what, last: last.get() }),
    }
}

/// A port that stays free until the server takes it. The server cannot take any port and say which, so one is chosen
/// for it. A connection that the listening side closes first leaves the port waiting for a minute, in which the
/// system gives it to nobody who asks for any port, while the server, which asks for this one, gets it.
fn free_port() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let client = TcpStream::connect(address)?;
    drop(listener.accept()?);
    drop(client);
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_port_can_be_taken_by_name() {
        let address = free_port().expect("a port");
        TcpListener::bind(address).expect("the port is still free for who names it");
    }
}
