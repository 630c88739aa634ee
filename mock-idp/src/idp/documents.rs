//! Old documents: what a rule serves instead of the JWKS or a discovery document of now.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Idp;
use crate::caching::Caching;
use crate::config::Listener;
use crate::endpoint::{Call, decide, documents};
use crate::fault::HttpReply;
use crate::misbehave::{OldDocuments, Snapshot};

/// Which addresses have documents, and how those were before the last rotation of keys.
#[derive(Default)]
pub(super) struct Documents {
    listeners: Mutex<BTreeMap<String, Arc<Listener>>>,
    before_rotation: Mutex<Arc<Snapshot>>,
}

impl Documents {
    /// An address is served.
    pub(super) fn serve(&self, listener: Arc<Listener>) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.insert(listener.origin.clone(), listener);
    }

    /// An old document, if there is one.
    pub(super) fn old(&self, which: OldDocuments, listener: &Listener, path: &str) -> Option<HttpReply> {
        let documents = match which {
            OldDocuments::Kept(documents) => documents,
            OldDocuments::BeforeRotation => {
                Arc::clone(&self.before_rotation.lock().unwrap_or_else(PoisonError::into_inner))
            }
        };
        documents.get(&(listener.origin.clone(), path.to_owned())).cloned()
    }
}

impl Idp {
    /// How long documents may be kept by whoever fetches them.
    pub fn caching(&self) -> Caching {
        self.store().caching.clone()
    }

    /// From now on documents say that they may be kept so long.
    pub fn set_caching(&self, caching: Caching) {
        let before = self.apply(|store, _| std::mem::replace(&mut store.caching, caching.clone()));
        if before != caching {
            self.0.audit.control(None, format!("documents may be kept so long from now on: {caching:?}"));
        }
    }

    /// All documents of all addresses, as they are now.
    pub(super) fn documents_now(&self) -> Snapshot {
        let listeners = self.0.documents.listeners.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.apply(|store, now_ms| {
            let mut snapshot = Snapshot::new();
            for (origin, listener) in &listeners {
                for route in documents(self.0.vendor) {
                    let mut reply = decide(&Call::document(self.0.vendor, route), listener, store, now_ms);
                    reply.finish();
                    snapshot.insert((origin.clone(), route.path.to_owned()), reply.http);
                }
            }
            snapshot
        })
    }

    /// Keeps them as those from before a rotation that is about to come.
    pub(super) fn keep_documents(&self) {
        let snapshot = Arc::new(self.documents_now());
        *self.0.documents.before_rotation.lock().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }
}
