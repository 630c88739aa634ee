//! The reference worker as a program; all its settings are environment variables.

use reference_worker::{Env, log_to_stderr, run};

fn main() -> anyhow::Result<()> {
    log_to_stderr();
    let env = Env::from_process()?;
    // One thread is enough for a worker that waits most of the time, and starts soonest.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(env))?;
    Ok(())
}
