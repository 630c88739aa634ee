//! The command `tokenlapse`.

use std::process::ExitCode;

use tokenlapse::lab::worker::minder;

fn main() -> ExitCode {
    // Before anything else: a minder has no use for arguments, logs or threads of the command.
    minder::take_over_if_asked().unwrap_or(ExitCode::SUCCESS)
}
