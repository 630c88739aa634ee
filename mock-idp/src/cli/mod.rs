//! The command `mock-idp`: one file per subcommand. `tokenlapse idp` is [`serve`] under another name.

mod hint;
mod https;
mod listen;
mod schema;
mod serve;
mod stop;
mod validate;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use serve::{Serve, serve};

/// A strict OAuth 2.0 identity provider for tests, that misbehaves only on request.
#[derive(Parser)]
#[command(name = "mock-idp", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the identity provider, and its control on a port of its own
    Serve(Box<Serve>),
    /// Print the JSON Schema of configuration files
    Schema(schema::Arguments),
    /// Check configuration files, starting nothing
    Validate(validate::Arguments),
}

/// Runs the command with the arguments of this process.
///
/// Exit codes: 130 after Ctrl-C or SIGTERM; 2 for wrong usage, a bad configuration file or a `--ca-file` that cannot be
/// written; 3 if a port cannot be had;
/// 1 if standard output is gone; 0.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve(arguments) => serve("mock-idp serve", &arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
    }
}

/// Wrong usage, or a bad file.
const BAD_INPUT: u8 = 2;

/// A port cannot be had, or the machine gives no sockets or threads.
const NO_PORT: u8 = 3;

/// Why the command ends, and with which code.
struct Failure {
    why: String,
    code: u8,
}

impl Failure {
    fn new(why: impl Into<String>, code: u8) -> Self {
        Self { why: why.into(), code }
    }

    /// Says it on standard error.
    fn told(self, command: &str) -> ExitCode {
        say(&format!("{command}: {}", self.why.trim_end()));
        ExitCode::from(self.code)
    }
}

/// A line on standard error. Nothing is left to do if nobody hears it.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// All that is wrong with a file, with excerpts.
fn told(problems: Vec<crate::file::Diagnostic>) -> String {
    problems.iter().map(|problem| format!("\n{}", problem.excerpt())).collect()
}
