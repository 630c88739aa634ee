//! The CLI's dev server as a child process, tuned so that its timers do not hide what is measured.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;

use super::backend::{Backend, Held, Running, StartError, Starting};
use super::binary::BinarySources;
use super::output::LastLines;
use super::server;
use crate::lab::worker::{Launch, Launcher};

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
            // Both at once: the version is one more process.
            let (server, version) = tokio::join!(start(launcher, &binary, run), server::cli_version(launcher, &binary));
            let (address, frontend, held) = server?;
            let description = server::describe("dev server", version, &frontend).await?;
            Ok(Running::new(address, description, frontend, held))
        })
    }
}

async fn start(
    launcher: &Launcher,
    binary: &Path,
    run: &str,
) -> Result<(SocketAddr, super::frontend::Frontend, Held), StartError> {
    let address = free_port().map_err(StartError::Port)?;
    let mark = server::mark();
    let home = std::env::temp_dir();
    let env = [("HOME", home.as_os_str()), ("USER", "tokenlapse".as_ref()), ("TOKENLAPSE_RUN", run.as_ref())];
    let launch = Launch {
        program: binary.into(),
        args: server::arguments(address, &mark).into_iter().map(Into::into).collect(),
        env: env.map(|(name, value)| (name.into(), value.into())).into(),
        cwd: home.clone(),
        allowed_ports: None,
    };
    let (process, output) = launcher.spawn(launch).await?;
    let (last, mut reading) = LastLines::of(output);
    let ending = process.ending();
    let ready = server::ready(address, &mark, async {
        let exit = ending.await;
        while reading.join_next().await.is_some() {}
        exit.to_string()
    });
    match ready.await {
        Ok(frontend) => {
            // Read on as long as it lives: a full pipe would stop it.
            reading.detach_all();
            Ok((address, frontend, Held::Process(process)))
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
