//! The command: one file per subcommand.

mod idp;
mod schema;
mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tests what Temporal workers do when an OAuth token expires, a clock drifts, access is revoked or the identity
/// provider is down.
#[derive(Parser)]
#[command(name = "tokenlapse", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the mock identity provider alone
    Idp(idp::Arguments),
    /// Print the JSON Schema of target or scenario files
    Schema(schema::Arguments),
    /// Check target and scenario files, starting nothing
    Validate(validate::Arguments),
}

/// Runs the command with the arguments of this process. Wrong usage ends it with code 2.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Idp(arguments) => idp::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
    }
}
