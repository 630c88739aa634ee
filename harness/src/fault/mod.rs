//! Faults: a trigger and an action, evaluated while events are recorded.
//!
//! A fault is driven by what happens, never by a sleep: [`Engine`] sees each event under the journal's lock, counts
//! it for the triggers that wait for it, and carries actions out on the spot, so that a fault triggered by the second
//! token request changes the answer to that very request.
//!
//! What an action does to the lab goes through [`Controls`], which the lab implements; what it does to one reply is a
//! [`Directive`](crate::journal::Directive).

mod action;
mod bite;
mod controls;
mod engine;
mod trigger;

pub use action::{Action, Reply, ReplyFault};
pub use bite::Bite;
pub use controls::{Controls, LinkEnd, LinkFault, Revocation};
pub use engine::{Engine, Fault, Progress};
pub use trigger::{Filter, Scope, Trigger};
