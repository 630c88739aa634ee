//! Temporal servers.

mod binary;
mod dev;

pub use binary::{Binary, BinaryError, WHEEL};
pub use dev::{DevServer, StartError};
