//! A map that lets go of what is over, a little at a time.

use std::collections::BTreeMap;
use std::ops::Bound;

/// What is of use until a time.
pub(super) trait Lasting {
    /// From when on it is of no use, in milliseconds since the Unix epoch.
    fn until_ms(&self) -> i64;
}

/// So many others are looked at with each insertion: with two or more the outdated cannot pile up.
pub(super) const WITH_EACH: usize = 4;
/// They are looked at after so many insertions, all at once: to find the place where to go on costs as much as an
/// insertion.
const AT_ONCE: usize = 16;

/// A map without a moment at which all of it is searched.
#[derive(Clone)]
pub(super) struct Swept<K, V> {
    entries: BTreeMap<K, V>,
    /// Where the next sweep goes on; `None` is the beginning.
    next: Option<K>,
    /// Insertions since the last sweep.
    unswept: usize,
}

impl<K: Ord + Clone, V: Lasting> Swept<K, V> {
    pub(super) fn new() -> Self {
        Self { entries: BTreeMap::new(), next: None, unswept: 0 }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Puts an entry in, and lets go of others that are over at `gone_ms`.
    pub(super) fn insert(&mut self, key: K, value: V, gone_ms: i64) {
        self.unswept += 1;
        if self.unswept == AT_ONCE {
            self.unswept = 0;
            self.sweep(AT_ONCE * WITH_EACH, gone_ms);
        }
        self.put(key, value);
    }

    /// Puts an entry in, and looks at no others: whoever calls it sweeps.
    pub(super) fn put(&mut self, key: K, value: V) {
        self.entries.insert(key, value);
    }

    /// Looks at the next `at_most` entries, from the beginning again after the last one, and lets go of those that are
    /// over at `gone_ms`. Gives them.
    pub(super) fn sweep(&mut self, at_most: usize, gone_ms: i64) -> Vec<(K, V)> {
        let from = self.next.take().map_or(Bound::Unbounded, Bound::Included);
        let mut over = Vec::new();
        let mut range = self.entries.range((from, Bound::Unbounded));
        for (key, value) in range.by_ref().take(at_most) {
            if value.until_ms() <= gone_ms {
                over.push(key.clone());
            }
        }
        self.next = range.next().map(|(key, _)| key.clone());
        over.iter().filter_map(|key| self.entries.remove_entry(key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Lasting for i64 {
        fn until_ms(&self) -> i64 {
            *self
        }
    }

    #[test]
    fn a_sweep_goes_on_where_the_last_one_stopped_and_takes_only_what_is_over() {
        let mut map = Swept::new();
        for key in 0..10_i64 {
            map.put(key, if key % 2 == 0 { 5 } else { 50 });
        }
        let gone: Vec<_> = map.sweep(6, 5).into_iter().map(|(key, _)| key).collect();
        assert_eq!(gone, [0, 2, 4]);
        assert_eq!(map.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [1, 3, 5, 6, 7, 8, 9]);
        map.sweep(6, 5);
        assert_eq!(map.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [1, 3, 5, 7, 9]);
    }

    #[test]
    fn what_is_over_does_not_pile_up() {
        let mut map = Swept::new();
        for now_ms in 0..10_000_i64 {
            map.insert(now_ms, now_ms + 100, now_ms);
            assert!(map.len() < 200, "{} at {now_ms}", map.len());
        }
    }
}
