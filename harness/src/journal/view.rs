//! A finished journal, read-only, with the indexes that checks and transcripts share.

use std::collections::BTreeMap;

use super::event::{Event, IdpToken, TokenChange};
use super::id::{Call, Seq, TokenName, WorkflowId};
use super::record::Record;
use super::run::{RunEnd, RunHeader};
use super::whole::{self, Hole};

/// A finished scenario run.
pub struct Run<'a> {
    records: &'a [Record],
    tokens: BTreeMap<TokenName, TokenLife>,
    deliveries: BTreeMap<Call, Delivery>,
    workflows: BTreeMap<WorkflowId, u32>,
}

/// How the reply to an HTTP request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// When.
    pub at: Seq,
    /// Whether the whole reply was handed over.
    pub whole: bool,
}

/// A token from its issue to its death.
#[derive(Debug, Clone)]
pub struct TokenLife {
    /// Its first event, with what it allows and for whom.
    pub issued: IdpToken,
    /// When it was issued.
    pub born: Seq,
    /// When and how it died, if it did.
    pub died: Option<(Seq, TokenChange)>,
}

impl<'a> Run<'a> {
    /// Indexes a journal, as [`super::read`] gives it.
    pub fn new(records: &'a [Record]) -> Self {
        let mut tokens: BTreeMap<TokenName, TokenLife> = BTreeMap::new();
        let (mut deliveries, mut workflows) = (BTreeMap::new(), BTreeMap::new());
        for record in records {
            match &record.event {
                Event::HttpDone { call, delivered, .. } => {
                    deliveries.entry(*call).or_insert(Delivery { at: record.seq, whole: *delivered });
                }
                Event::WorkflowStarted { workflow, n } => {
                    workflows.insert(workflow.clone(), *n);
                }
                _ => {}
            }
            let Event::IdpToken(event) = &record.event else { continue };
            match event.change {
                TokenChange::Issued => {
                    let life = TokenLife { issued: event.clone(), born: record.seq, died: None };
                    tokens.entry(event.token.clone()).or_insert(life);
                }
                TokenChange::Expired | TokenChange::Revoked | TokenChange::Rotated => {
                    if let Some(life) = tokens.get_mut(&event.token) {
                        life.died.get_or_insert((record.seq, event.change));
                    }
                }
            }
        }
        Self { records, tokens, deliveries, workflows }
    }

    /// Every record, in order.
    pub fn records(&self) -> &'a [Record] {
        self.records
    }

    /// The record with this number.
    pub fn get(&self, seq: Seq) -> Option<&'a Record> {
        self.records.get(usize::try_from(seq.0).ok()?.checked_sub(1)?)
    }

    /// What was run.
    pub fn header(&self) -> Option<&'a RunHeader> {
        self.records.first().and_then(|record| match &record.event {
            Event::RunStarted(header) => Some(&**header),
            _ => None,
        })
    }

    /// Whether it was broken off: the run was interrupted or killed, or still goes on.
    pub fn is_unfinished(&self) -> bool {
        matches!(self.end(), None | Some(RunEnd::Interrupted))
    }

    /// How the lab ended; `None` if the journal was cut off before.
    pub fn end(&self) -> Option<&'a RunEnd> {
        self.records.iter().rev().find_map(|record| match &record.event {
            Event::RunEnded(end) => Some(end),
            _ => None,
        })
    }

    /// Whether the journal holds all that its end says. One that was cut off before its end says nothing of it.
    ///
    /// # Errors
    ///
    /// What is missing, or too much: no verdict can rest on it.
    pub fn whole(&self) -> Result<(), Hole> {
        whole::whole(self.records)
    }

    /// Every token that was issued, by name.
    pub fn tokens(&self) -> &BTreeMap<TokenName, TokenLife> {
        &self.tokens
    }

    /// How the reply to an HTTP request ended; `None` if the journal does not say.
    pub fn delivery(&self, call: Call) -> Option<Delivery> {
        self.deliveries.get(&call).copied()
    }

    /// The workflows that the harness started, with their numbers in the workload.
    pub fn workflows(&self) -> &BTreeMap<WorkflowId, u32> {
        &self.workflows
    }
}
