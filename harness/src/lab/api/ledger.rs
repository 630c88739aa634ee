//! What the API has done: effects, once per idempotency key.

use std::collections::BTreeMap;

use mock_idp::fault::HttpReply;

/// Effects by method, path and idempotency key.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    done: BTreeMap<(String, String), HttpReply>,
    unkeyed: u64,
}

impl Ledger {
    /// The reply to an earlier request with this key, which must not have its effect again.
    pub(super) fn earlier(&self, target: &str, key: &str) -> Option<HttpReply> {
        self.done.get(&(target.to_owned(), key.to_owned())).cloned()
    }

    /// Enters an effect, and gives its key. Without an idempotency key each effect has a key of its own.
    pub(super) fn enter(&mut self, target: &str, key: Option<&str>, reply: &HttpReply) -> Option<String> {
        let Some(key) = key else {
            self.unkeyed += 1;
            return Some(format!("without-key-{}", self.unkeyed));
        };
        // Two requests with one key at the same time: the first to be done is the effect.
        match self.done.entry((target.to_owned(), key.to_owned())) {
            std::collections::btree_map::Entry::Occupied(_) => None,
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(reply.clone());
                Some(key.to_owned())
            }
        }
    }
}
