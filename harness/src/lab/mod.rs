//! What one scenario run lives in: the servers, links and processes around the worker under test.

mod bearer;
mod canary;
mod crew;
mod drive;
mod env;
mod errands;
mod frontend;
mod in_process;
mod opened;
mod operate;
mod pulse;
mod retry_after;
pub mod unready;
mod upstream;

pub mod api;
pub mod clock;
mod controls;
pub mod egress;
pub mod gate;
pub mod idp;
mod limits;
pub mod link;
mod links;
pub mod payload;
pub mod scene;
mod server;
pub mod temporal;
pub mod tokens;
pub mod worker;
pub mod workload;

pub use controls::Order;
pub use crew::{Commands, CrewError, UnderTest};
pub use env::LabEnv;
pub use in_process::Function;
pub use opened::{Brief, Deadline, Lab, LabError, Site};
pub use unready::{NeverReady, NotStarted};
