//! `tokenlapse idp`: serves the mock identity provider alone.

use std::process::ExitCode;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    serve: mock_idp::cli::Serve,
}

/// Serves until the process is interrupted (exit code 130); a port that cannot be had is exit code 3.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    mock_idp::cli::serve("tokenlapse idp", &arguments.serve)
}
