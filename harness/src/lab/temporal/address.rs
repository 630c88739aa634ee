//! A server that runs already.

use super::backend::{Backend, Held, Running, StartError, Starting};
use super::frontend::Frontend;
use super::server;
use crate::lab::worker::Launcher;

/// A server that somebody else started and will end. It is not tuned: what its timers take is theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `HOST:PORT` of its frontend, without TLS.
    pub address: String,
    /// A namespace that it must have.
    pub namespace: String,
}

impl Backend for Address {
    fn start<'a>(&'a self, _launcher: &'a Launcher, _run: &'a str) -> Starting<'a> {
        Box::pin(async move {
            let unreachable = |source| StartError::Unreachable { address: self.address.clone(), source };
            let mut found = tokio::net::lookup_host(&self.address).await.map_err(|error| unreachable(error.into()))?;
            let address = found.next().ok_or_else(|| unreachable("its name has no address".into()))?;
            let frontend = Frontend::connect(address).await.map_err(unreachable)?;
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
