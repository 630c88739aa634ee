//! The command `mock-idp`: one file per subcommand.

mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
pub use serve::{Serve, serve};

/// A strict OAuth 2.0 identity provider for tests, that misbehaves only on request
#[derive(Parser)]
#[command(name = "mock-idp", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until interrupted
    Serve(Serve),
}

/// Runs the command with the arguments of the process.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve(arguments) => serve("mock-idp serve", &arguments),
    }
}
