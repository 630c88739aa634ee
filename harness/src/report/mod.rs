//! Reports: projections of a run's summary, one file per form.

mod json;
mod text;

pub use json::{Json, schema};
pub use text::{Replay, Text};

use std::io::{self, Write};

use crate::run::Summary;

/// A form of report.
pub trait Report {
    /// Writes a finished run.
    ///
    /// # Errors
    ///
    /// If nobody takes what is written.
    fn write(&self, summary: &Summary, to: &mut dyn Write) -> io::Result<()>;
}
