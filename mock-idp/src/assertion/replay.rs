//! What was used once must not be used again.

use std::collections::{BTreeMap, BTreeSet};

/// So many uses are remembered. What is over is forgotten first; if that is not enough, what is over soonest.
const LIMIT: usize = 1 << 18;

/// Identifiers that were used, until their time is over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replays {
    until_ms: BTreeMap<Mark, i64>,
    due: BTreeSet<(i64, Mark)>,
}

/// A digest: identifiers are the caller's and as long as it likes.
type Mark = [u8; 16];

impl Replays {
    /// Notes a use of what these parts name, to be remembered until then. Gives `false` if it was used before.
    pub(crate) fn first_use(&mut self, parts: &[&str], until_ms: i64, now_ms: i64) -> bool {
        self.sweep(now_ms);
        let mark = mark(parts);
        if self.until_ms.contains_key(&mark) {
            return false;
        }
        if self.until_ms.len() >= LIMIT
            && let Some((_, soonest)) = self.due.pop_first()
        {
            self.until_ms.remove(&soonest);
        }
        self.until_ms.insert(mark, until_ms);
        self.due.insert((until_ms, mark));
        true
    }

    fn sweep(&mut self, now_ms: i64) {
        while let Some((_, mark)) = self.due.first().copied().filter(|(until_ms, _)| *until_ms < now_ms) {
            self.due.pop_first();
            self.until_ms.remove(&mark);
        }
    }
}

fn mark(parts: &[&str]) -> Mark {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in parts {
        // With its length: two parts must not look like two others.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut mark = Mark::default();
    mark.copy_from_slice(&context.finish().as_ref()[..16]);
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_remembered_until_its_time_is_over() {
        let mut replays = Replays::default();
        assert!(replays.first_use(&["a", "b"], 100, 0));
        assert!(!replays.first_use(&["a", "b"], 100, 100));
        assert!(replays.first_use(&["ab", ""], 100, 0), "parts are kept apart");
        assert!(replays.first_use(&["a", "b"], 300, 101), "what could not be presented any more is forgotten");
        assert_eq!(replays.due.len(), 1);
    }

    #[test]
    fn memory_is_bounded() {
        let mut replays = Replays::default();
        for number in 0..LIMIT + 10 {
            assert!(replays.first_use(&[&number.to_string()], i64::MAX - 1, 0));
        }
        assert_eq!((replays.until_ms.len(), replays.due.len()), (LIMIT, LIMIT));
    }
}
