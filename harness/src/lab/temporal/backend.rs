//! What every kind of server offers.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;

use super::address::Address;
use super::binary::{BinaryError, BinarySources};
use super::dev::Dev;
use super::frontend::{Frontend, NamespaceError};
use crate::lab::worker::{LaunchError, Launcher, Process};

/// A server that is being started. Dropping it ends what was started.
pub type Starting<'a> = Pin<Box<dyn Future<Output = Result<Running, StartError>> + Send + 'a>>;

/// A way to a Temporal server.
pub trait Backend: Send + Sync {
    /// Starts a server, or finds the one that runs, and waits until it is ready. `run` is the id that everything
    /// which was started carries, by which leftovers are looked for.
    fn start<'a>(&'a self, launcher: &'a Launcher, run: &'a str) -> Starting<'a>;
}

/// A word that names no backend.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownBackend {
    /// It is none of the words.
    #[error("`{0}` is no Temporal server to use: `dev`, `docker`, or HOST:PORT of one that runs")]
    Unknown(String),
    /// This build has no containers.
    #[error("this build cannot start containers: it was built without the Cargo feature `docker`")]
    NoDocker,
}

/// The backend that `--temporal` names: `dev`, `docker` or `HOST:PORT`. `namespace` must exist at the last one.
///
/// # Errors
///
/// [`UnknownBackend`].
pub fn backend(word: &str, binary: BinarySources, namespace: &str) -> Result<Box<dyn Backend>, UnknownBackend> {
    match word {
        "dev" => Ok(Box::new(Dev { binary })),
        #[cfg(feature = "docker")]
        "docker" => Ok(Box::new(super::docker::Docker { binary })),
        #[cfg(not(feature = "docker"))]
        "docker" => Err(UnknownBackend::NoDocker),
        _ => match word.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                Ok(Box::new(Address { address: word.to_owned(), namespace: namespace.to_owned() }))
            }
            _ => Err(UnknownBackend::Unknown(word.to_owned())),
        },
    }
}

/// There is no server to use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no binary of it.
    #[error(transparent)]
    Binary(#[from] BinaryError),
    /// No free port.
    #[error("there is no free port for the Temporal server")]
    Port(#[source] std::io::Error),
    /// The process did not start.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// It started and did not become usable.
    #[error("the Temporal server {what}; {}", last_said(last))]
    Unusable {
        /// What it did instead.
        what: String,
        /// Its last lines.
        last: Vec<String>,
    },
    /// It answers, but refuses what the harness has to know.
    #[error("the Temporal server does not tell {what}: {message}")]
    Refused {
        /// What it was asked for.
        what: &'static str,
        /// What it said.
        message: String,
    },
    /// Nobody answers at the address that the user gave.
    #[error("no Temporal server answers at {address}: {reason}")]
    Unreachable {
        /// The address.
        address: String,
        /// Why, and what to look at.
        reason: String,
    },
    /// The server at the user's address lacks the namespace.
    #[error(
        "the Temporal server at {address} does not give the namespace `{namespace}` ({message}); \
         `temporal operator namespace create` makes it"
    )]
    Namespace {
        /// The server's address.
        address: String,
        /// The namespace.
        namespace: String,
        /// What the server said.
        message: String,
    },
    /// No container engine answers.
    #[error(
        "no container engine ({reason}); start Docker, or set DOCKER_HOST to the engine's socket, or use \
         `--temporal dev`, which needs none"
    )]
    NoEngine {
        /// Why.
        reason: String,
    },
    /// The engine did not do its part.
    #[error("the container engine failed to {what}: {reason}")]
    Engine {
        /// What it was to do.
        what: &'static str,
        /// What it said.
        reason: String,
    },
}

fn last_said(lines: &[String]) -> String {
    if lines.is_empty() {
        return "it said nothing: is its binary the Temporal CLI (`temporal --version`)?".to_owned();
    }
    format!("it last said:\n{}", lines.join("\n"))
}

/// What keeps a server running.
pub(super) enum Held {
    /// Somebody else does.
    Nothing,
    /// A child process.
    Process(Process),
    /// A container.
    #[cfg(feature = "docker")]
    Container(Box<super::docker::Container>),
}

/// A server that is ready. Dropping it ends it, unless it ran before.
pub struct Running {
    address: SocketAddr,
    description: String,
    frontend: Frontend,
    held: Held,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.description, self.address)
    }
}

impl Running {
    pub(super) fn new(address: SocketAddr, description: String, frontend: Frontend, held: Held) -> Self {
        Self { address, description, frontend, held }
    }

    /// Where its frontend listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it is, in words: `dev server 1.9.1 (server 1.32.0)`.
    pub fn describe(&self) -> &str {
        &self.description
    }

    /// Makes a namespace, which can be used at once.
    ///
    /// # Errors
    ///
    /// What the server said, also if the namespace exists.
    pub async fn create_namespace(&self, name: &str) -> Result<(), NamespaceError> {
        self.frontend.create_namespace(name).await
    }

    /// Ends it and waits until it is gone. A server that ran before goes on.
    pub async fn stop(self) {
        match self.held {
            Held::Nothing => {}
            Held::Process(process) => drop(process.kill().await),
            #[cfg(feature = "docker")]
            Held::Container(container) => container.remove().await,
        }
    }
}
