//! The lab: what one scenario run lives in.

pub mod payload;
pub mod workload;
