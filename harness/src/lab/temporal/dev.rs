//! The CLI's dev server as a child process, tuned so that its timers do not hide what is measured.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::time::{Instant, sleep};

use crate::journal::Journal;
use crate::lab::worker::{Launch, LaunchError, Launcher, Lines, Process};
use crate::lab::workload::Client;

/// A server that answers nothing within this time will not.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many of its last lines an error shows.
const LAST_LINES: usize = 20;

/// Stock, a 401 with one retry takes 2 s, since timers work in steps of 1 s; then limits on queue readers show as
/// waits in steps of 100 ms. One partition per task queue halves the memory.
const TUNING: &[&str] = &[
    r#"history.timerProcessorMaxTimeShift="10ms""#,
    "history.transferProcessorMaxPollRPS=100000",
    "history.timerProcessorMaxPollRPS=100000",
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
    "frontend.namespaceRPS=100000",
    "frontend.namespaceCount=100000",
    "frontend.rps=100000",
];

/// The server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// No free port.
    #[error("there is no free port for the Temporal server")]
    Port(#[source] std::io::Error),
    /// The process did not start.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// It started and did not become usable.
    #[error("the Temporal server {what}; it last said:\n{}", last.join("\n"))]
    Unusable {
        /// What it did instead.
        what: String,
        /// Its last lines.
        last: Vec<String>,
    },
}

/// A running dev server. Dropping it ends it.
pub struct DevServer {
    address: SocketAddr,
    process: Process,
}

impl DevServer {
    /// Starts `binary` on a free loopback port and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(launcher: &Launcher, binary: &Path, run: &str) -> Result<Self, StartError> {
        let address = free_port().map_err(StartError::Port)?;
        let mut args: Vec<String> =
            ["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "error", "--port"]
                .map(str::to_owned)
                .into();
        args.push(address.port().to_string());
        for value in TUNING {
            args.extend(["--dynamic-config-value".to_owned(), (*value).to_owned()]);
        }
        let home = std::env::temp_dir();
        let env = [("HOME", home.as_os_str()), ("USER", "tokenlapse".as_ref()), ("TOKENLAPSE_RUN", run.as_ref())];
        let launch = Launch {
            program: binary.into(),
            args: args.into_iter().map(Into::into).collect(),
            env: env.map(|(name, value)| (name.into(), value.into())).into(),
            cwd: home.clone(),
            allowed_ports: None,
        };
        let (process, output) = launcher.spawn(launch).await?;
        let last = Arc::new(Mutex::new(VecDeque::new()));
        tokio::spawn(keep(output.stdout, Arc::clone(&last)));
        tokio::spawn(keep(output.stderr, Arc::clone(&last)));

        let unusable = |what: String| {
            let last = last.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
            StartError::Unusable { what, last }
        };
        tokio::select! {
            ready = answers(address) => match ready {
                true => Ok(Self { address, process }),
                false => Err(unusable(format!("did not answer within {PATIENCE:?}"))),
            },
            exit = process.ending() => Err(unusable(format!("ended at once ({exit})"))),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it and waits until it is gone.
    pub async fn stop(self) {
        self.process.kill().await;
    }
}

/// The server cannot be told to take any port and say which, so one is taken and left to it.
fn free_port() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Nothing tells when the server is ready, so it is asked, at short intervals that grow a little.
async fn answers(address: SocketAddr) -> bool {
    let until = Instant::now() + PATIENCE;
    let server = address.to_string();
    let mut pause = Duration::from_millis(5);
    while Instant::now() < until {
        let asked = Client::connect(&server, "default", Journal::in_memory());
        if let Ok(Ok(mut client)) = tokio::time::timeout_at(until, asked).await
            && client.namespace_exists().await
        {
            return true;
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(40));
    }
    false
}

async fn keep(mut lines: Lines<impl AsyncRead + Unpin>, last: Arc<Mutex<VecDeque<String>>>) {
    while let Ok(Some(line)) = lines.next().await {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(line);
    }
}
