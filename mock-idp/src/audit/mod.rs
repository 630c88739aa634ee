//! What has happened and why: an observer in front of all others that records requests, decisions and changes of state,
//! so many and no more, without a secret.

mod event;
mod kept;
mod log;
mod request;
mod shown;

#[cfg(feature = "admin")]
pub(crate) use event::token_name;
pub use event::{AuditEvent, AuditKind};
pub(crate) use log::Audit;
pub use log::{Counter, TooFew};
pub use request::{RequestFilter, RequestRecord, Stage};
