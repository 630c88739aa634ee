//! The tests of the worker's parts, all from outside.

mod api_answers;
#[cfg(feature = "defects")]
mod defect;
mod env;
mod failure;
mod frontend_key;
mod idp_answers;
mod retry_after;
mod secret;
mod token;
