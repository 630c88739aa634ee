//! How files that people write are read: errors with line, column and the nearest right word, durations with their unit.
//!
//! The harness reads its target and scenario files with this, too. Models hold no untagged, internally tagged or
//! flattened enum, behind which serde forgets places.

mod at;
mod complaint;
mod diagnostic;
mod duration;
mod mistakes;

pub use at::{At, Position};
pub use complaint::{Complaint, all_nearest, nearest, suggest};
pub use diagnostic::{Diagnostic, Problems, Source, parse};
pub use duration::{Duration, Offset};
pub use mistakes::parse_all;

/// JSON Schema (2020-12) of a model, for editors; made from it, so that it cannot differ from what is read.
pub fn schema<T: schemars::JsonSchema>() -> schemars::Schema {
    schemars::generate::SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>()
}
