//! The integration tests but for those with a main of their own: each file or folder is about one thing.

mod api_front;
mod checks;
mod command;
mod fault;
mod journal;
#[cfg(target_os = "linux")]
mod kill;
mod lab;
mod minder;
#[cfg(target_os = "linux")]
#[path = "../support/observe.rs"]
mod observe;
mod own_server;
mod scenario_files;
mod standing_work;
mod temporal;
mod transcript;
