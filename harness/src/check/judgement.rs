//! What a check is told and what it says.

use crate::journal::Seq;

/// What checks need to know of target and scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How each workflow is to end.
    pub outcome: Outcome,
}

/// How a workflow is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With a result.
    Completed,
    /// With a failure.
    Failed,
    /// Not at all: it waits for somebody.
    Running,
}

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

/// A check with what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Id of the check.
    pub check: &'static str,
    /// What it says.
    pub judgement: Judgement,
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
