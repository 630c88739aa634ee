//! Things that are kept for a time: a table whose size is bounded by time and by number.

use std::collections::{BTreeMap, BTreeSet};

/// Entries that are forgotten when their time is over. When it is full, the one that would go next goes at once.
#[derive(Clone)]
pub(crate) struct Expiring<K, V> {
    entries: BTreeMap<K, (i64, V)>,
    due: BTreeSet<(i64, K)>,
    limit: usize,
}

impl<K: Ord + Clone, V> Expiring<K, V> {
    /// A table of at most `limit` entries.
    pub(crate) fn new(limit: usize) -> Self {
        Self { entries: BTreeMap::new(), due: BTreeSet::new(), limit }
    }

    /// Keeps `value` until `until_ms`, and forgets what is over at `now_ms`.
    pub(crate) fn insert(&mut self, key: K, value: V, until_ms: i64, now_ms: i64) {
        self.remove(&key);
        while let Some((at_ms, oldest)) = self.due.first() {
            if *at_ms > now_ms && self.entries.len() < self.limit {
                break;
            }
            let oldest = oldest.clone();
            self.remove(&oldest);
        }
        self.due.insert((until_ms, key.clone()));
        self.entries.insert(key, (until_ms, value));
    }

    /// What is kept, if its time is not over.
    pub(crate) fn get<Q>(&self, key: &Q, now_ms: i64) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.entries.get(key).filter(|(until_ms, _)| now_ms < *until_ms).map(|(_, value)| value)
    }

    /// The same, to change it.
    pub(crate) fn get_mut<Q>(&mut self, key: &Q, now_ms: i64) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.entries.get_mut(key).filter(|(until_ms, _)| now_ms < *until_ms).map(|(_, value)| value)
    }

    /// Keeps an entry at least until `until_ms`.
    pub(crate) fn keep(&mut self, key: &K, until_ms: i64) {
        if let Some((until, _)) = self.entries.get_mut(key).filter(|(until, _)| *until < until_ms) {
            self.due.remove(&(*until, key.clone()));
            *until = until_ms;
            self.due.insert((until_ms, key.clone()));
        }
    }

    /// Forgets one.
    pub(crate) fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let (key, (until_ms, value)) = self.entries.remove_entry(key)?;
        self.due.remove(&(until_ms, key));
        Some(value)
    }

    /// Everything whose time is not over.
    pub(crate) fn iter(&self, now_ms: i64) -> impl Iterator<Item = (&K, &V)> {
        let live = move |(_, (until_ms, _)): &(&K, &(i64, V))| now_ms < *until_ms;
        self.entries.iter().filter(live).map(|(key, (_, value))| (key, value))
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        assert_eq!(self.entries.len(), self.due.len());
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_gone_and_what_is_kept_on_stays() {
        let mut table = Expiring::new(10);
        table.insert("a".to_owned(), 1, 100, 0);
        table.insert("b".to_owned(), 2, 100, 0);
        assert_eq!((table.get("a", 99), table.get("a", 100)), (Some(&1), None));
        table.keep(&"b".to_owned(), 300);
        table.keep(&"b".to_owned(), 200);
        table.insert("c".to_owned(), 3, 400, 150);
        assert_eq!((table.len(), table.get("b", 299)), (2, Some(&2)));
        assert_eq!(table.iter(299).map(|(_, value)| *value).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(table.iter(300).map(|(_, value)| *value).collect::<Vec<_>>(), [3]);
        assert_eq!((table.remove("b"), table.remove("b"), table.len()), (Some(2), None, 1));
    }

    #[test]
    fn a_full_table_forgets_the_one_that_would_go_next() {
        let mut table = Expiring::new(2);
        for (key, until_ms) in [("late", 300), ("early", 100), ("middle", 200)] {
            table.insert(key, (), until_ms, 0);
        }
        assert!(table.len() == 2 && table.get("early", 0).is_none());
        table.insert("late", (), 400, 0);
        assert_eq!(table.len(), 2, "another value of one key takes no more room");
    }
}
