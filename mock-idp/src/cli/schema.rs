//! `mock-idp schema`: JSON Schema of the files that users write, for their editors.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::settings::Settings;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Of what: `config` is what `serve --config` reads
    of: What,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    Config,
}

/// Writes the schema to standard output.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let schema = match arguments.of {
        What::Config => Settings::schema(),
    };
    match writeln!(io::stdout(), "{:#}", schema.to_value()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(1),
    }
}
