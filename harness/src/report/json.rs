//! One JSON object, for programs.

use std::io::{self, Write};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

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

/// JSON Schema (2020-12) of an object that is printed.
pub fn schema<T: JsonSchema>() -> Schema {
    // What is written, not what could be read.
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}
