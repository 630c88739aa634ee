//! A correct Temporal worker that gets its OAuth tokens at run time: the example to copy.
//!
//! The README beside this crate says what to copy, file by file. [`run`] is the whole worker; [`Parts`] says what it is
//! made of; [`token::TokenSource`] works without Temporal.

#[expect(missing_docs, reason = "the SDK's macros make undocumented constants")]
mod activities;
mod env;
mod failure;
mod frontend_key;
mod http;
mod log;
mod orders;
mod parts;
mod retry_after;
mod secret;
pub mod token;
mod worker;
#[expect(missing_docs, reason = "the SDK's macros make undocumented constants")]
mod workflow;

#[cfg(feature = "defects")]
pub mod defect;

pub use activities::{ItemsInput, OrderActivities, OrderInput, PageNumber, Progress};
pub use env::{ClientAuth, Env, EnvError, OAuth, TokenEndpoint};
pub use failure::{Cause, Failure, Kind, Party, Report, Typed};
pub use frontend_key::KeyFile;
pub use http::client as http_client;
pub use log::to_stderr as log_to_stderr;
pub use orders::{Call, HttpOrders, IdempotencyKeys, Orders, PerActivity};
pub use parts::{Parts, Standard};
pub use retry_after::{AllForms, LONGEST, RetryAfter};
pub use secret::Secret;
pub use worker::{Stop, WorkerError, run, run_until, run_with};
pub use workflow::{Retry, SyncInput, SyncOrders};
