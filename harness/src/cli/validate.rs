//! `tokenlapse validate`: checks target and scenario files, starting nothing.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::scenario::{Diagnostic, Document, validate};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Target or scenario files
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Code 0 if all files are good, else 2.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let mut wrong = false;
    for file in &arguments.files {
        let name = file.display().to_string();
        let line = match std::fs::read_to_string(file) {
            Ok(text) => match validate(&text, &name) {
                Ok(Document::Target(target)) => Ok(format!("{name}: target {} is good", target.target.value)),
                Ok(Document::Scenario(scenario)) => Ok(format!("{name}: scenario {} is good", scenario.scenario.value)),
                Err(problems) => Err(problems.iter().map(Diagnostic::excerpt).collect::<String>()),
            },
            Err(error) => Err(format!("{name}: cannot be read: {error}\n")),
        };
        // Nothing is left to do if nobody hears it; the exit code says it too.
        let _ = match line {
            Ok(line) => writeln!(io::stdout(), "{line}"),
            Err(text) => {
                wrong = true;
                write!(io::stderr(), "{text}")
            }
        };
    }
    if wrong { ExitCode::from(2) } else { ExitCode::SUCCESS }
}
