//! `mock-idp validate`: checks configuration files, starting nothing.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use super::{BAD_INPUT, say, serve::read};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Configuration files
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Code 0 if all files are good, else 2.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let mut wrong = false;
    for file in &arguments.files {
        match read(file) {
            // Nothing is left to do if nobody hears it; the exit code says it too.
            Ok(_) => drop(writeln!(io::stdout(), "{}: good", file.display())),
            Err(failure) => {
                wrong = true;
                say(failure.why.trim_end());
            }
        }
    }
    if wrong { ExitCode::from(BAD_INPUT) } else { ExitCode::SUCCESS }
}
