//! The command: one file per subcommand.

mod explain;
mod idp;
mod list;
mod new;
mod parameters;
mod schema;
pub mod select;
mod table;
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
    /// Show scenarios, checks, faults, events, failure modes or defects
    List(list::Arguments),
    /// Tell what a scenario, check, action, event, failure mode or defect is
    Explain(explain::Arguments),
    /// Write a commented file to start from
    New(new::Arguments),
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
        Command::List(arguments) => list::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Idp(arguments) => idp::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
    }
}
