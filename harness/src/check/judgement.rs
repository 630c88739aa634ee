//! What a check says.

use std::fmt;

use crate::journal::{Attribution, Seq};

/// What a check says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It holds.
    Pass,
    /// It does not.
    Fail(Vec<Finding>),
    /// There is nothing that it could hold for.
    NotApplicable(String),
    /// The journal does not decide it.
    Inconclusive(String),
}

impl Judgement {
    /// As reports write it: `pass`, `fail`, `not_applicable`, `inconclusive`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::NotApplicable(_) => "not_applicable",
            Self::Inconclusive(_) => "inconclusive",
        }
    }
}

/// A check with what it says of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Id of the check.
    pub check: &'static str,
    /// What it says.
    pub judgement: Judgement,
    /// The same in one line, with the numbers that it rests on.
    pub detail: String,
    /// How requests were found to belong to attempts, the weakest way that was needed.
    pub attribution: Attribution,
    /// The events that it rests on, in order, each once.
    pub events: Vec<Seq>,
}

/// Something that must not be, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What happened.
    pub what: String,
    /// What was expected instead.
    pub expected: String,
    /// The events that prove it.
    pub events: Vec<Seq>,
}

/// What one check says, before it is known which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    pub(super) judgement: Judgement,
    pub(super) detail: String,
    pub(super) attribution: Attribution,
    pub(super) events: Vec<Seq>,
}

impl From<Judgement> for Opinion {
    fn from(judgement: Judgement) -> Self {
        Self { judgement, detail: String::new(), attribution: Attribution::Instance, events: Vec::new() }
    }
}

impl Opinion {
    pub(super) fn not_applicable(reason: impl Into<String>) -> Self {
        Judgement::NotApplicable(reason.into()).into()
    }

    pub(super) fn inconclusive(reason: impl Into<String>) -> Self {
        Judgement::Inconclusive(reason.into()).into()
    }

    /// A line of its own, where numbers say more than the judgement.
    pub(super) fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = detail.to_string();
        self
    }

    pub(super) fn attributed(mut self, attribution: Attribution) -> Self {
        self.attribution = attribution;
        self
    }

    /// Events that it rests on beside those of its findings.
    pub(super) fn resting_on(mut self, events: Vec<Seq>) -> Self {
        self.events = events;
        self
    }

    /// A failure decides nothing where something else explains it. What was found is still told.
    pub(super) fn excused(mut self, cause: impl fmt::Display) -> Self {
        if let Judgement::Fail(findings) = &self.judgement {
            let found = findings.iter().map(|finding| finding.what.as_str()).collect::<Vec<_>>().join("; ");
            self.events.extend(findings.iter().flat_map(|finding| &finding.events));
            self.judgement = Judgement::Inconclusive(format!("{cause}; it saw: {found}"));
        }
        self
    }

    pub(super) fn of_check(self, check: &'static str) -> Verdict {
        let said = match &self.judgement {
            Judgement::Pass => "it holds".to_owned(),
            Judgement::Fail(findings) => match findings.as_slice() {
                [] => "it does not hold".to_owned(),
                [only] => only.what.clone(),
                [first, rest @ ..] => format!("{}; and {} more", first.what, rest.len()),
            },
            Judgement::NotApplicable(reason) | Judgement::Inconclusive(reason) => reason.clone(),
        };
        // A failure says first what failed, whatever numbers follow.
        let detail = match (&self.judgement, self.detail.is_empty()) {
            (_, true) => said,
            (Judgement::Pass, false) => self.detail,
            (_, false) => format!("{said} ({})", self.detail),
        };
        let mut events = self.events;
        if let Judgement::Fail(findings) = &self.judgement {
            events.extend(findings.iter().flat_map(|finding| &finding.events));
        }
        events.sort_unstable();
        events.dedup();
        Verdict { check, judgement: self.judgement, detail, attribution: self.attribution, events }
    }
}

/// Collects what a check finds, and what it cannot decide because it is not known who sent a request.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) findings: Vec<Finding>,
    doubtful: Vec<Seq>,
    attribution: Attribution,
}

impl Tally {
    pub(super) fn find(&mut self, what: impl Into<String>, expected: impl Into<String>, events: Vec<Seq>) {
        self.findings.push(Finding { what: what.into(), expected: expected.into(), events });
    }

    /// Some assignments of this event to attempts fail, others do not.
    pub(super) fn doubt(&mut self, event: Seq) {
        self.doubtful.push(event);
    }

    pub(super) fn used(&mut self, attribution: Attribution) {
        self.attribution = self.attribution.max(attribution);
    }

    /// Fails, is undecided, or says what holds `otherwise`.
    pub(super) fn opinion(self, otherwise: impl Into<Opinion>) -> Opinion {
        let opinion = if !self.findings.is_empty() {
            Judgement::Fail(self.findings).into()
        } else if let Some(first) = self.doubtful.first() {
            let reason = match self.doubtful.len() {
                1 => format!("it cannot be told which attempt sent {first}; use `api.correlate`"),
                many => {
                    format!("it cannot be told which attempts sent {many} requests, {first} first; use `api.correlate`")
                }
            };
            Opinion::inconclusive(reason).resting_on(self.doubtful)
        } else {
            otherwise.into()
        };
        opinion.attributed(self.attribution)
    }
}
