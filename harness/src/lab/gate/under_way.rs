//! How many calls of each worker instance are under way.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::journal::Instance;

#[derive(Default)]
pub(super) struct UnderWay {
    calls: Mutex<HashMap<Instance, usize>>,
    ended: Notify,
}

impl UnderWay {
    pub(super) fn begin(&self, instance: &Instance) {
        *self.calls.lock().entry(instance.clone()).or_default() += 1;
    }

    pub(super) fn end(&self, instance: &Instance) {
        if let Some(calls) = self.calls.lock().get_mut(instance) {
            *calls -= 1;
        }
        self.ended.notify_waiters();
    }

    /// Waits until `instance` has none.
    pub(super) async fn none_of(&self, instance: &Instance) {
        loop {
            let ended = self.ended.notified();
            if self.calls.lock().get(instance).is_none_or(|calls| *calls == 0) {
                return;
            }
            ended.await;
        }
    }
}
