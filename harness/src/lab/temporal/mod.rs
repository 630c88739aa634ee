//! Temporal servers: where one comes from ([`Backend`]) and one that runs ([`Running`]).
//!
//! | `--temporal` | backend | needs |
//! |---|---|---|
//! | `dev` | [`Dev`], the CLI's dev server as a child process | its binary, see [`BinarySources`] |
//! | `docker` | [`Docker`], the same in a container of its own | the binary, a container engine |
//! | `HOST:PORT` | [`Address`], a server that runs already | nothing |
//!
//! Nothing of a server outlives the harness: a child process dies with its minder, a container is removed by its
//! [keeper], a process that hears when the harness is gone.

mod address;
mod backend;
mod binary;
mod cache;
mod dev;
#[cfg(feature = "docker")]
mod docker;
#[cfg(feature = "download")]
mod download;
mod frontend;
mod hidden;
#[cfg(feature = "docker")]
pub mod keeper;
mod output;
mod own;
mod server;
mod wheel;

pub use address::Address;
pub use backend::{Backend, Running, StartError, Starting, UnknownBackend, backend};
pub use binary::{BinaryError, BinarySources};
pub use dev::Dev;
#[cfg(feature = "docker")]
pub use docker::{Docker, RUN_LABEL, engine};
pub use frontend::NamespaceError;
pub use hidden::take_over_if_asked;
pub use own::{OwnServer, Servers};
