//! HTTP faults: what can become of a reply, and a connection that can do it.
//!
//! Public, because whoever puts another server beside the identity provider wants the same faults there.

mod body;
mod change;
mod connection;
mod directive;
mod reply;
pub(crate) mod written;

pub use axum::body::Body;
pub use change::Change;
pub use connection::{Connection, DropReply, Probe, serve_connection};
pub use directive::{Act, Answer, Directive, Drip, FieldChange};
pub use reply::{Delivery, HttpReply, Sent};
