//! Saving the whole state, going back to it, and starting again.

use std::sync::PoisonError;

use super::Idp;
use crate::clock::{Clock, Setting};
use crate::misbehave::{Rules, Saved};
use crate::store::Store;

/// The state of an identity provider at a moment: clients, tokens, keys, clock and rules. Records and the audit log are
/// no part of it.
#[derive(Clone)]
pub struct Snapshot {
    store: Store,
    clock: Setting,
    rules: Saved,
}

impl Snapshot {
    pub(super) fn of(store: &Store, clock: &Clock, rules: &Rules) -> Self {
        Self { store: store.clone(), clock: clock.save(), rules: rules.save() }
    }
}

impl Idp {
    /// The state as it is now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.store(), &self.0.clock, &self.0.rules)
    }

    /// The state is as it was at the snapshot. Real time has passed: what has expired since is expired.
    pub fn restore(&self, snapshot: &Snapshot) {
        self.go_back(snapshot);
        self.0.audit.control(None, "the state is as it was at a snapshot");
        self.expire_due();
    }

    /// What [`Idp::reset`] goes back to is the state as it is now, not as it was made.
    pub fn mark_fresh(&self) {
        let now = self.snapshot();
        *self.0.fresh.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// As it was made, or as [`Idp::mark_fresh`] has it; recorded requests and counters are forgotten. For use between
    /// tests. Numbers of requests and audit events go on.
    pub fn reset(&self) {
        let fresh = self.0.fresh.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.go_back(&fresh);
        self.0.audit.forget_requests();
        self.0.audit.control(None, "the state is as it was at the start");
        self.expire_due();
    }

    fn go_back(&self, snapshot: &Snapshot) {
        let mut store = self.store();
        store.restore(&snapshot.store);
        self.0.clock.restore(&snapshot.clock);
        self.0.rules.restore(&snapshot.rules);
    }
}
