//! **tokenlapse** tests what Temporal workers do when an OAuth token expires, a clock drifts, access is revoked or
//! the identity provider is down.

pub mod check;
pub mod cli;
pub mod fault;
pub mod journal;
pub mod lab;
pub mod report;
pub mod run;
pub mod scenario;
