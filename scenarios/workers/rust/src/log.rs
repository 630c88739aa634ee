//! Logs go to stderr, as `RUST_LOG` says.

use tracing_subscriber::EnvFilter;

/// Starts logging, unless somebody has done so. HTTP crates are left out by default: at `trace` they print headers.
pub fn to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error,reference_worker=info"));
    let started =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).try_init();
    // Who already logs keeps logging as it does.
    drop(started);
}
