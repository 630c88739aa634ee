//! What tokens have in common, kept once.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::Grantee;
use super::swept::{Lasting, Swept, WITH_EACH};
use crate::holder::Holder;

/// To whom and for what a token was issued.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Terms {
    pub(super) client: String,
    pub(super) subject: String,
    pub(super) scopes: Vec<String>,
    pub(super) audience: String,
    pub(super) issuer: String,
    pub(super) origin: String,
    pub(super) holder: Held,
}

impl Terms {
    pub(super) fn of(to: &Grantee<'_>, issuer: String) -> Self {
        Self {
            client: to.client.clone(),
            subject: to.subject.clone(),
            scopes: to.scopes.clone(),
            audience: to.audience.clone(),
            issuer,
            origin: to.listener.origin.clone(),
            holder: Held::new(to.holder.clone()),
        }
    }

    /// Whether they are those of a token for any bearer that is made for `to`.
    pub(super) fn are_for(&self, to: &Grantee<'_>, issuer: &str) -> bool {
        to.holder.is_none()
            && self.holder.get().is_none()
            && self.client == to.client
            && self.subject == to.subject
            && self.scopes == to.scopes
            && self.audience == to.audience
            && self.issuer == issuer
            && self.origin == to.listener.origin
    }
}

/// A holder, with an order: that of what it says.
#[derive(Debug)]
pub(super) struct Held {
    holder: Option<Arc<Holder>>,
    said: Option<String>,
}

impl Held {
    pub(super) fn new(holder: Option<Arc<Holder>>) -> Self {
        let said = holder.as_ref().map(|it| json!([it.binding.claim(), it.actor, it.may_act]).to_string());
        Self { holder, said }
    }

    pub(super) fn get(&self) -> Option<&Holder> {
        self.holder.as_deref()
    }

    pub(super) fn shared(&self) -> Option<Arc<Holder>> {
        self.holder.clone()
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.said == other.said
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> Ordering {
        self.said.cmp(&other.said)
    }
}

/// The terms of all tokens that may be alive, by number. A JWT names its number: no state of its own is needed to
/// know what it stands for.
#[derive(Clone)]
pub(super) struct Book {
    by_number: Swept<u64, Entry>,
    numbers: BTreeMap<Arc<Terms>, u64>,
    last: u64,
    /// Those that were entered last: most often they are the next ones, too.
    latest: u64,
}

#[derive(Clone)]
struct Entry {
    terms: Arc<Terms>,
    until_ms: i64,
}

impl Lasting for Entry {
    fn until_ms(&self) -> i64 {
        self.until_ms
    }
}

impl Book {
    pub(super) fn new() -> Self {
        Self { by_number: Swept::new(), numbers: BTreeMap::new(), last: 0, latest: 0 }
    }

    /// The terms that were entered last, if they are the `same`. They are of use until `until_ms` at least.
    pub(super) fn again(&mut self, until_ms: i64, same: impl FnOnce(&Terms) -> bool) -> Option<(u64, Arc<Terms>)> {
        let entry = self.by_number.get_mut(&self.latest).filter(|entry| same(&entry.terms))?;
        entry.until_ms = entry.until_ms.max(until_ms);
        Some((self.latest, Arc::clone(&entry.terms)))
    }

    /// The number of these terms, which are of use until `until_ms` at least.
    pub(super) fn enter(&mut self, terms: Terms, until_ms: i64, gone_ms: i64) -> (u64, Arc<Terms>) {
        if let Some(number) = self.numbers.get(&terms)
            && let Some(entry) = self.by_number.get_mut(number)
        {
            entry.until_ms = entry.until_ms.max(until_ms);
            self.latest = *number;
            return (*number, Arc::clone(&entry.terms));
        }
        self.sweep(WITH_EACH, gone_ms);
        self.last += 1;
        self.latest = self.last;
        let terms = Arc::new(terms);
        self.by_number.put(self.last, Entry { terms: Arc::clone(&terms), until_ms });
        self.numbers.insert(Arc::clone(&terms), self.last);
        (self.last, terms)
    }

    pub(super) fn get(&self, number: u64) -> Option<&Arc<Terms>> {
        self.by_number.get(&number).map(|entry| &entry.terms)
    }

    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    /// Lets go of some terms that are over.
    pub(super) fn sweep(&mut self, at_most: usize, gone_ms: i64) {
        for (_, entry) in self.by_number.sweep(at_most, gone_ms) {
            self.numbers.remove(&entry.terms);
        }
    }
}
