//! The command `mock-idp`.

use std::process::ExitCode;

fn main() -> ExitCode {
    mock_idp::cli::main()
}
