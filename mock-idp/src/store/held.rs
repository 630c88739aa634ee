//! What is kept of tokens, and how they are found.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Store;
use super::ends::Fate;
use super::record::Record;
use super::swept::Lasting as _;
use crate::secret::{Digest, Secret};
use crate::token::{TokenFacts, TokenId};

/// A token whose value is still to be made.
#[derive(Clone)]
pub(crate) struct Unsigned {
    pub(super) record: Record,
    pub(crate) value: Secret,
}

/// What only whoever looks at all tokens needs.
#[derive(Clone, Default)]
pub(super) struct Ledger {
    pub(super) values: BTreeMap<TokenId, (Digest, Secret)>,
    /// When which token's time is over: those that are alive, or whose end was not reported yet.
    pub(super) due: BTreeSet<(i64, TokenId)>,
}

/// The newest JWTs of which nothing else is kept, so many and no more: for whoever lists tokens, or names one by its
/// number. They are judged without it.
#[derive(Clone)]
pub(super) struct Recent {
    keep: usize,
    tokens: VecDeque<(Record, Secret)>,
}

impl Recent {
    pub(super) fn new(keep: usize) -> Self {
        Self { keep, tokens: VecDeque::new() }
    }

    pub(super) fn push(&mut self, record: Record, value: Secret) {
        if self.keep > 0 {
            if self.tokens.len() == self.keep {
                self.tokens.pop_front();
            }
            self.tokens.push_back((record, value));
        }
    }

    fn get(&self, id: TokenId) -> Option<&(Record, Secret)> {
        // They are in the order of their numbers.
        let index = self.tokens.binary_search_by_key(&id, |(record, _)| record.id).ok()?;
        self.tokens.get(index)
    }
}

impl Store {
    /// The tokens since the last call whose values are still to be made, which is slow: outside of the lock. Then they
    /// belong into [`Store::enter_values`]. Nobody can present them before.
    pub(crate) fn take_unsigned(&mut self) -> Vec<Unsigned> {
        std::mem::take(&mut self.unsigned)
    }

    /// From now on these tokens are found by their values, unless the state was restored meanwhile: then they are
    /// unknown, and another may have the number.
    pub(crate) fn enter_values(&mut self, tokens: Vec<(Unsigned, Digest)>, restored: u64) {
        if restored != self.restored {
            return;
        }
        for (Unsigned { record, value }, digest) in tokens {
            let facts = self.facts(&record, value);
            self.keep(digest, record, &facts.value);
            // It can have died while it was signed.
            if let Some(death) = facts.death.clone() {
                self.tell_end(&facts, death);
            }
        }
    }

    /// How many tokens were issued.
    pub(crate) fn issued(&self) -> u64 {
        self.issued
    }

    /// What is known of a token, by its value.
    pub(crate) fn find(&self, value: &str) -> Option<TokenFacts> {
        let record = match self.records.get(&Digest::of(value)) {
            Some(record) => record.clone(),
            None => self.recognise(&self.verifier()?.claims(value)?)?,
        };
        // Whatever is over may be forgotten already: it is not to be seen whether it is.
        (!self.is_gone(&record)).then(|| self.facts(&record, Secret::new(value)))
    }

    pub(super) fn is_gone(&self, record: &Record) -> bool {
        let until_ms = record.until_ms();
        let before = |(at_ms, through): &(i64, TokenId)| until_ms <= *at_ms && record.id <= *through;
        until_ms <= self.gone_ms || self.set_back.iter().any(before)
    }

    /// What is known of a token, by its number: for controls, since without a ledger all are looked through.
    pub(crate) fn get(&self, id: TokenId) -> Option<TokenFacts> {
        if let Some((record, value)) = self.recent.get(id).filter(|(record, _)| !self.is_gone(record)) {
            return Some(self.facts(record, value.clone()));
        }
        let (_, record, value) = self.held(id)?;
        Some(self.facts(record, value))
    }

    /// All tokens of which something is kept, in order of issue.
    pub(crate) fn tokens(&self) -> Vec<TokenFacts> {
        if let Some(ledger) = &self.ledger {
            let kept = ledger.values.values();
            let kept = kept.filter_map(|(digest, value)| Some((self.records.get(digest)?, value.clone())));
            return kept.map(|(record, value)| self.facts(record, value)).collect();
        }
        let recent = self.recent.tokens.iter().filter(|(record, _)| !self.is_gone(record));
        let recent = recent.map(|(record, value)| self.facts(record, value.clone()));
        let mut tokens: Vec<_> = recent.collect();
        tokens.extend(self.records.iter().map(|(_, record)| self.facts(record, Secret::new(""))));
        // One that was presented may be among both: the first one, which has its value, stays.
        tokens.sort_by_key(|token| token.id);
        tokens.dedup_by_key(|token| token.id);
        tokens
    }

    pub(super) fn held(&self, id: TokenId) -> Option<(Digest, &Record, Secret)> {
        if let Some(ledger) = &self.ledger {
            let (digest, value) = ledger.values.get(&id)?;
            return Some((*digest, self.records.get(digest)?, value.clone()));
        }
        let (digest, record) = self.records.iter().find(|(_, record)| record.id == id)?;
        Some((*digest, record, Secret::new("")))
    }

    pub(super) fn facts(&self, record: &Record, value: Secret) -> TokenFacts {
        let Fate { death, rotated_at_ms } = self.ends.fate(record);
        let terms = &record.terms;
        TokenFacts {
            id: record.id,
            kind: record.kind,
            client: terms.client.clone(),
            subject: terms.subject.clone(),
            scopes: terms.scopes.clone(),
            audience: terms.audience.clone(),
            issuer: terms.issuer.clone(),
            origin: terms.origin.clone(),
            issued_at_ms: record.issued_at_ms,
            expires_at_ms: record.expires_at_ms,
            death,
            value,
            family: record.family,
            holder: terms.holder.shared(),
            rotated_at_ms,
        }
    }

    pub(super) fn keep(&mut self, digest: Digest, record: Record, value: &Secret) {
        if let Some(ledger) = &mut self.ledger {
            ledger.values.insert(record.id, (digest, value.clone()));
            ledger.due.insert((record.expires_at_ms, record.id));
        }
        self.records.insert(digest, record, self.gone_ms);
    }

    /// Looks at some of what is kept, and lets go of what is over.
    pub(crate) fn sweep(&mut self, at_most: usize) {
        self.records.sweep(at_most, self.gone_ms);
        self.ends.sweep(at_most, self.gone_ms);
        self.terms.sweep(at_most, self.gone_ms);
    }

    /// So many entries are to be looked at to see all that can be let go.
    pub(crate) fn to_sweep(&self) -> usize {
        if self.ledger.is_some() { 0 } else { self.records.len().max(self.ends.len()).max(self.terms.len()) }
    }
}
