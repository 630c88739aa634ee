//! What checks know of scenario and target: what the journal's first record holds.

use crate::journal::{ControlFacts, Hole, Run, RunEnd};
use crate::scenario::{Resolved, ResolvedCheck};

/// What was run, and what its control did.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// The scenario against its target, with all defaults filled in.
    pub resolved: Resolved,
    /// What the control did; `None` for the control itself, and where it was not run.
    pub control: Option<ControlFacts>,
}

/// A journal that no verdict can rest on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unjudged {
    /// It does not begin with `run.started`.
    #[error("the journal does not say what was run: it has no `run.started`")]
    NoHeader,
    /// What was run is said in words that this version does not know.
    #[error("the journal's first record cannot be read ({0}); re-check it with the version that wrote it")]
    Header(String),
    /// It is not whole.
    #[error(transparent)]
    Hole(#[from] Hole),
    /// The lab failed.
    #[error("the lab failed: {0}")]
    LabFailed(String),
    /// The user broke it off.
    #[error("the run was interrupted")]
    Interrupted,
}

impl Context {
    /// Reads the first record.
    ///
    /// # Errors
    ///
    /// [`Unjudged`]: every check is inconclusive then.
    pub fn of(run: &Run<'_>) -> Result<Self, Unjudged> {
        run.whole()?;
        match run.end() {
            Some(RunEnd::LabFailed { reason }) => return Err(Unjudged::LabFailed(reason.clone())),
            Some(RunEnd::Interrupted) => return Err(Unjudged::Interrupted),
            Some(RunEnd::Complete(_)) | None => {}
        }
        let header = run.header().ok_or(Unjudged::NoHeader)?;
        let resolved = Resolved::read(&header.resolved).map_err(Unjudged::Header)?;
        Ok(Self { resolved, control: header.control.clone() })
    }

    /// How the check `id` is tuned, if it is.
    pub fn setting(&self, id: &str) -> Option<&ResolvedCheck> {
        self.resolved.checks.iter().find(|check| check.id == id)
    }
}
