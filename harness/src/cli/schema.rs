//! `tokenlapse schema`: JSON Schema of the files that users write, for their editors, and of what `run` and
//! `check` report.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::report;
use crate::run::Summary;
use crate::scenario::{scenario_schema, target_schema};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Of what: `report` is what `run --format json` prints, `check` what `check --format json` does
    of: What,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    Target,
    Scenario,
    Report,
    Check,
}

/// Writes the schema to standard output.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let schema = match arguments.of {
        What::Target => target_schema(),
        What::Scenario => scenario_schema(),
        What::Report => report::schema::<Summary>(),
        What::Check => report::schema::<super::check::Checked<'_>>(),
    };
    match writeln!(io::stdout(), "{:#}", schema.to_value()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(1),
    }
}
