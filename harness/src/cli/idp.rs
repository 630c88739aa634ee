//! `tokenlapse idp`: serves the mock identity provider alone, as `mock-idp serve` does.

use std::process::ExitCode;

use mock_idp::cli::Serve;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    serve: Serve,
}

/// Serves until the process is interrupted (exit code 130); a port that cannot be had is exit code 3.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    mock_idp::cli::serve("tokenlapse idp", &arguments.serve)
}
