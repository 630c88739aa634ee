//! Work that faults ask for while an event is recorded, and that somebody else does, one piece after the other.

use tokio::sync::{mpsc, oneshot};

use crate::journal::Effect;

/// Told once a piece of work has come so far that whoever waits may go on. Dropped, it tells so, too.
pub(super) type Done = oneshot::Sender<()>;

/// Where work of this kind is asked for. Clones share who does it.
pub(super) struct Errands<T>(mpsc::UnboundedSender<(T, Done)>);

impl<T> Errands<T> {
    /// The asking side, and the side that does what is asked.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<(T, Done)>) {
        let (asked, asking) = mpsc::unbounded_channel();
        (Self(asked), asking)
    }

    /// Asks for a piece of work. It is done whether or not anybody awaits the effect, but not once nobody does such work
    /// any more.
    pub(super) fn ask(&self, work: T) -> Effect {
        let (done, told) = oneshot::channel();
        let _ = self.0.send((work, done));
        Box::pin(async move {
            let _ = told.await;
        })
    }
}

impl<T> Clone for Errands<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
