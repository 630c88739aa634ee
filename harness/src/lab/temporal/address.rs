//! A server that runs already.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;

use super::backend::{Backend, Held, Running, StartError, Starting};
use super::frontend::Frontend;
use super::server;
use crate::lab::worker::Launcher;

/// Whoever takes no connection within this time will not.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that somebody else started and will end. It is not tuned: what its timers take is theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `HOST:PORT` of its frontend, without TLS.
    pub address: String,
    /// A namespace that it must have.
    pub namespace: String,
}

/// Whether anything listens there.
async fn knock(address: SocketAddr) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.kind().to_string()),
        Err(_) => Err(format!("no answer within {PATIENCE:?}")),
    }
}

impl Backend for Address {
    fn start<'a>(&'a self, _launcher: &'a Launcher, _run: &'a str) -> Starting<'a> {
        Box::pin(async move {
            let unreachable = |reason: String| StartError::Unreachable { address: self.address.clone(), reason };
            let unknown = || unreachable("its name is not known: is the host spelt right?".to_owned());
            let address = tokio::net::lookup_host(&self.address).await.ok().and_then(|mut found| found.next());
            let address = address.ok_or_else(unknown)?;
            // Of what gRPC says of a port that nobody listens on, no user can make anything.
            knock(address).await.map_err(|why| {
                unreachable(format!(
                    "{why}; does a server run there, are host and port right, and does a firewall let it through?"
                ))
            })?;
            let frontend = Frontend::connect(address).await.map_err(|error| {
                tracing::debug!(%error, "no gRPC at {address}");
                let hint = "is that the port of its frontend (7233 by default), and does it listen without TLS?";
                unreachable(format!(
                    "something takes connections there, but does not answer as its frontend does; {hint}"
                ))
            })?;
            frontend.describe_namespace(&self.namespace).await.map_err(|status| StartError::Namespace {
                address: self.address.clone(),
                namespace: self.namespace.clone(),
                message: status.message().to_owned(),
            })?;
            let description = server::describe(&self.address, None, &frontend).await?;
            Ok(Running::new(address, description, frontend, Held::Nothing))
        })
    }
}
