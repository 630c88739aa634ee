//! Worker processes: children of any language that leave nothing behind.
//!
//! The lab never starts a worker itself. It starts a [`minder`], its own executable once more as a tiny parent, which
//! starts the worker and ends all that descends from it as soon as the lab is gone, however it went: a `kill -9` of
//! the harness closes the socket that the two share. (`PR_SET_PDEATHSIG` would not do: it follows the *thread* that
//! spawned, and an async runtime's threads come and go.)
//!
//! [`Launcher`] and [`Process`] know nothing of workers, so that a Temporal server can be started the same way;
//! [`WorkerProcess`] adds the journal, [`Environment`] what a worker gets to see of its caller.

mod environment;
mod family;
pub mod guard;
mod instance;
mod lines;
pub mod minder;
mod process;
mod protocol;

pub use environment::{Environment, EnvironmentError, Reserved};
pub use instance::{StartError, WorkerProcess, WorkerStart};
pub use lines::{Lines, MAX_LINE};
pub use process::{Exit, Gone, Launch, LaunchError, Launcher, Output, Process};
