//! When the command is asked to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C or SIGTERM: the latter is how container engines ask, and the first process of a container has no default for
/// it. Asked for from when this is made.
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Listens from now on.
    ///
    /// # Errors
    ///
    /// If the machine gives no handlers.
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Done when the command is asked to end.
    pub(super) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
