//! One JSON object, for programs.

use std::io::{self, Write};

use super::Report;
use crate::run::Summary;

/// The object of the command's contract, on lines of its own.
pub struct Json;

impl Report for Json {
    fn write(&self, summary: &Summary, to: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *to, summary)?;
        writeln!(to)
    }
}
