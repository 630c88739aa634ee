//! A barrier at the API.

use tokio::sync::watch;

use crate::journal::Effect;

/// Holds requests until so many have come. Dropped, it lets all go.
#[derive(Debug)]
pub(super) struct Barrier {
    until: u32,
    came: u32,
    /// Nothing is ever sent: its end is what opens the barrier.
    open: watch::Sender<()>,
}

impl Barrier {
    pub(super) fn new(until: u32) -> Self {
        Self { until, came: 0, open: watch::Sender::new(()) }
    }

    /// One more has come; it waits for the effect.
    pub(super) fn arrive(&mut self) -> Effect {
        self.came += 1;
        let mut open = self.open.subscribe();
        Box::pin(async move {
            // An error says that the barrier is gone.
            while open.changed().await.is_ok() {}
        })
    }

    pub(super) fn is_full(&self) -> bool {
        self.came >= self.until
    }

    /// Whether anybody waits for somebody else.
    pub(super) fn holds(&self) -> bool {
        self.until > 1
    }
}
