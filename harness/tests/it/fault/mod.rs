//! Faults act at the event that triggers them, are proved to bite, and heal.

mod at_gate;
mod bites;
mod healing;
mod properties;
mod replies;
mod server;
mod support;
mod triggers;
mod work;
