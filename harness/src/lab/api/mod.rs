//! The API front: what workers take for the protected API.
//!
//! It judges each token at the request's number in the journal, enforces scopes, applies HTTP faults, records effects,
//! and forwards to an upstream that sees only what shall be answered.

mod correlate;
mod front;
mod ledger;
mod route;

pub use correlate::Correlate;
pub use front::{ApiFront, Config, Judged, TokenJudge};
pub use route::{Route, RouteError};
