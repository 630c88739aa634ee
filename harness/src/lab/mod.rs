//! The lab: what one scenario run lives in.

pub mod egress;
pub mod worker;
