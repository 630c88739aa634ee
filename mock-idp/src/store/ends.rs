//! Which tokens died before their time: single ones by number, many at once by what they have in common and by the
//! number of the last one that had been issued by then. So a token that nothing is kept of can be dead.

use super::record::Record;
use super::swept::{Lasting, Swept};
use crate::token::{Death, TokenId, TokenKind};

/// What tokens that die together have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whom {
    Kind(TokenKind),
    Client(String),
    Subject(String),
    Consent { client: String, subject: String },
    Family(u64),
}

impl Whom {
    pub(super) fn includes(&self, record: &Record) -> bool {
        match self {
            Self::Kind(kind) => *kind == record.kind,
            Self::Client(client) => *client == record.terms.client,
            Self::Subject(subject) => *subject == record.terms.subject,
            Self::Consent { client, subject } => *client == record.terms.client && *subject == record.terms.subject,
            Self::Family(family) => *family == record.family,
        }
    }
}

/// Every death, in order.
#[derive(Clone)]
pub(super) struct Ends {
    single: Swept<TokenId, End>,
    many: Swept<Whom, Cuts>,
    /// Counts deaths: of several the first one counts.
    order: u64,
}

/// The death of one token.
#[derive(Clone)]
struct End {
    order: u64,
    death: Death,
    /// When it was rotated, in milliseconds since the Unix epoch; 0 if it was not.
    rotated_at_ms: i64,
    until_ms: i64,
}

/// The deaths of what is issued to somebody, oldest first.
#[derive(Clone)]
struct Cuts(Vec<Cut>);

/// All tokens up to a number.
#[derive(Clone)]
struct Cut {
    order: u64,
    through: TokenId,
    reason: String,
    until_ms: i64,
}

impl Lasting for End {
    fn until_ms(&self) -> i64 {
        self.until_ms
    }
}

impl Lasting for Cuts {
    fn until_ms(&self) -> i64 {
        self.0.iter().map(|cut| cut.until_ms).max().unwrap_or(i64::MIN)
    }
}

/// What became of a token.
#[derive(Default)]
pub(super) struct Fate {
    pub(super) death: Option<Death>,
    pub(super) rotated_at_ms: i64,
}

impl Ends {
    pub(super) fn new() -> Self {
        Self { single: Swept::new(), many: Swept::new(), order: 0 }
    }

    pub(super) fn fate(&self, record: &Record) -> Fate {
        let single = self.single.get(&record.id);
        let rotated_at_ms = single.map_or(0, |end| end.rotated_at_ms);
        let cut = self.cut_of(record);
        let death = match (single, cut) {
            // Of what was rotated and then revoked, the revocation counts.
            (Some(End { death: Death::Rotated(_), .. }), Some(cut)) => Some(Death::Revoked(cut.reason.clone())),
            (Some(end), Some(cut)) if cut.order < end.order => Some(Death::Revoked(cut.reason.clone())),
            (Some(end), _) => Some(end.death.clone()),
            (None, Some(cut)) => Some(Death::Revoked(cut.reason.clone())),
            (None, None) => None,
        };
        Fate { death, rotated_at_ms }
    }

    fn cut_of(&self, record: &Record) -> Option<&Cut> {
        if self.many.len() == 0 {
            return None;
        }
        let whoms = [
            Whom::Kind(record.kind),
            Whom::Client(record.terms.client.clone()),
            Whom::Subject(record.terms.subject.clone()),
            Whom::Consent { client: record.terms.client.clone(), subject: record.terms.subject.clone() },
            Whom::Family(record.family),
        ];
        let cuts = whoms.iter().filter_map(|whom| self.many.get(whom));
        // Later cuts reach further: the first one that reaches it is the oldest.
        let reaching = cuts.filter_map(|Cuts(cuts)| cuts.iter().find(|cut| cut.through >= record.id));
        reaching.min_by_key(|cut| cut.order)
    }

    /// A token dies, if it is not dead by other means than rotation. What is kept of that is of use until `until_ms`.
    pub(super) fn end(&mut self, id: TokenId, death: Death, now_ms: i64, until_ms: i64, gone_ms: i64) {
        let before = self.single.get(&id);
        if before.is_some_and(|end| !matches!(end.death, Death::Rotated(_))) {
            return;
        }
        let rotated_at_ms = match death {
            Death::Rotated(_) => now_ms,
            _ => before.map_or(0, |end| end.rotated_at_ms),
        };
        self.order += 1;
        self.single.insert(id, End { order: self.order, death, rotated_at_ms, until_ms }, gone_ms);
    }

    /// All tokens up to `through` die that `whom` includes.
    pub(super) fn cut(&mut self, whom: Whom, through: TokenId, reason: &str, until_ms: i64, gone_ms: i64) {
        self.order += 1;
        let cut = Cut { order: self.order, through, reason: reason.to_owned(), until_ms };
        match self.many.get_mut(&whom) {
            Some(Cuts(cuts)) => {
                cuts.retain(|cut| cut.until_ms > gone_ms);
                cuts.push(cut);
            }
            None => self.many.insert(whom, Cuts(vec![cut]), gone_ms),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.single.len().max(self.many.len())
    }

    /// Lets go of some deaths of what would be over anyway.
    pub(super) fn sweep(&mut self, at_most: usize, gone_ms: i64) {
        self.single.sweep(at_most, gone_ms);
        self.many.sweep(at_most, gone_ms);
    }
}
