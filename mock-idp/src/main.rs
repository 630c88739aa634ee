//! The command `mock-idp`.

fn main() -> std::process::ExitCode {
    mock_idp::cli::main()
}
