//! Finds stretches of known secrets in text, through up to three encodings.

use std::collections::HashMap;
use std::ops::Range;

use super::LEAK;
use super::decode::{Decoded, base64_runs, decodings};
use crate::journal::id::TokenName;

/// How many encodings may lie around a secret.
const NESTED: usize = 3;

/// The known secrets, by each window of [`LEAK`] characters.
#[derive(Default)]
pub(super) struct Index {
    secrets: Vec<(TokenName, Vec<u8>)>,
    windows: HashMap<[u8; LEAK], (usize, usize)>,
}

/// A stretch of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Where, in the outermost text.
    pub(super) range: Range<usize>,
    /// Number of the secret.
    pub(super) secret: usize,
    /// Encodings around it, outermost first.
    pub(super) encoding: Vec<&'static str>,
}

impl Index {
    pub(super) fn insert(&mut self, name: TokenName, random_part: &str) {
        let secret = self.secrets.len();
        for (at, window) in random_part.as_bytes().windows(LEAK).enumerate() {
            let window = window.try_into().expect("a window has the length that was asked for");
            self.windows.entry(window).or_insert((secret, at));
        }
        self.secrets.push((name, random_part.as_bytes().to_vec()));
    }

    pub(super) fn name(&self, secret: usize) -> &TokenName {
        &self.secrets[secret].0
    }

    /// Whether a closer look is worth while; allocates nothing.
    pub(super) fn suspicious(&self, text: &str) -> bool {
        !self.windows.is_empty()
            && text.len() >= LEAK
            && (text.bytes().any(|b| b == b'%' || b == b'\\')
                || base64_runs(text.as_bytes(), LEAK).next().is_some()
                || self.raw(text.as_bytes()).next().is_some())
    }

    /// Every stretch in `text`, in order and without overlap.
    pub(super) fn find(&self, text: &[u8]) -> Vec<Found> {
        let mut found = Vec::new();
        self.search(text, &mut Vec::new(), &mut found);
        found.sort_by_key(|f: &Found| (f.range.start, f.encoding.len()));
        let mut merged: Vec<Found> = Vec::new();
        for next in found {
            match merged.last_mut() {
                Some(last) if next.range.start < last.range.end => {
                    last.range.end = last.range.end.max(next.range.end);
                }
                _ => merged.push(next),
            }
        }
        merged
    }

    fn search(&self, text: &[u8], encoding: &mut Vec<&'static str>, found: &mut Vec<Found>) {
        found.extend(self.raw(text).map(|(range, secret)| Found { range, secret, encoding: encoding.clone() }));
        if encoding.len() == NESTED {
            return;
        }
        for Decoded { name, bytes, spans } in decodings(text) {
            encoding.push(name);
            let first = found.len();
            self.search(&bytes, encoding, found);
            for inner in &mut found[first..] {
                inner.range = spans[inner.range.start].0..spans[inner.range.end - 1].1;
            }
            encoding.pop();
        }
    }

    fn raw<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (Range<usize>, usize)> + 'a {
        let mut at = 0;
        std::iter::from_fn(move || {
            while let Some(window) = text.get(at..at + LEAK) {
                let Some(&(secret, from)) = self.windows.get(window) else {
                    at += 1;
                    continue;
                };
                let rest = text[at..].iter().zip(&self.secrets[secret].1[from..]);
                let length = rest.take_while(|(a, b)| a == b).count();
                let range = at..at + length;
                at = range.end;
                return Some((range, secret));
            }
            None
        })
    }
}
