//! The API front: what workers take for the protected API.
//!
//! It judges each token at the request's number in the journal, enforces scopes, applies HTTP faults, records effects,
//! and forwards to an upstream that sees only what shall be answered.

mod front;
mod ledger;
mod says;

pub use front::{ApiFront, Config, Judged, TokenJudge};
