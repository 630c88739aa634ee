//! The lab: what one scenario run lives in.

pub mod api;
pub mod payload;
pub mod workload;
