//! `tokenlapse schema`: JSON Schema of the files that users write, for their editors, and of what `run` reports.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::report;
use crate::scenario::{scenario_schema, target_schema};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Of what: `report` is what `run --format json` prints
    of: What,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    Target,
    Scenario,
    Report,
}

/// Writes the schema to standard output.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let schema = match arguments.of {
        What::Target => target_schema(),
        What::Scenario => scenario_schema(),
        What::Report => report::schema(),
    };
    match writeln!(io::stdout(), "{:#}", schema.to_value()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(1),
    }
}
