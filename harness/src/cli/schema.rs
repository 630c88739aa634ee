//! `tokenlapse schema`: JSON Schema of the files that users write, for their editors.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::scenario::{scenario_schema, target_schema};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Of which file
    file: File,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum File {
    Target,
    Scenario,
}

/// Writes the schema to standard output.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let schema = match arguments.file {
        File::Target => target_schema(),
        File::Scenario => scenario_schema(),
    };
    match writeln!(io::stdout(), "{:#}", schema.to_value()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(1),
    }
}
