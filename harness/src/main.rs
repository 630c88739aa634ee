//! The command `tokenlapse`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: a minder or keeper has no use for arguments, logs or threads of the command.
    if let Some(code) = tokenlapse::take_over_if_asked() {
        return code;
    }
    #[cfg(feature = "builtin")]
    if std::env::args().nth(1).as_deref() == Some("builtin-worker") {
        return builtin_worker();
    }
    tokenlapse::cli::main()
}

/// Runs the reference worker: the target that needs no set-up.
#[cfg(feature = "builtin")]
fn builtin_worker() -> ExitCode {
    reference_worker::log_to_stderr();
    let run = || -> Result<(), Box<dyn std::error::Error>> {
        let env = reference_worker::Env::from_process()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(reference_worker::run(env))?)
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the worker ended");
            ExitCode::FAILURE
        }
    }
}
