//! One scenario run: a lab from its opening to a finished journal.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::verdict::{self, Judged, Verdict};
use crate::check;
use crate::journal::{ControlFacts, Journal, Record, Run};
use crate::lab::{Brief, CrewError, Lab, LabError, Site, UnderTest};
use crate::scenario::{Resolved, Target};

/// What all scenario runs of a run have in common.
pub(super) struct Common {
    pub(super) site: Site,
    pub(super) under_test: UnderTest,
    pub(super) target: Target,
    pub(super) seed: u64,
    pub(super) inert: bool,
    pub(super) defect: Option<String>,
    /// A server of one's own behind the API front.
    pub(super) upstream: Option<url::Url>,
    /// Where journals lie.
    pub(super) directory: PathBuf,
}

/// A finished scenario run.
pub(super) struct Finished {
    pub(super) judged: Judged,
    pub(super) duration: Duration,
    /// Relative to the run's directory.
    pub(super) journal: PathBuf,
    /// `None` if there was nowhere to write it.
    pub(super) recorded: Option<Journal>,
    /// Why a worker never became ready, if that was it.
    pub(super) never_ready: Option<String>,
}

impl Common {
    /// Runs a scenario once. `name` (its id, with `.k` from the second time on) names its journal.
    pub(super) async fn experiment(&self, resolved: &Resolved, name: &str, control: Option<ControlFacts>) -> Finished {
        let began = Instant::now();
        let file = PathBuf::from(format!("{name}.jsonl"));
        let journal = match Journal::create(&self.directory.join(&file)) {
            Ok(journal) => journal,
            Err(error) => return self.unwritten(file, began, &error),
        };
        let brief = Brief {
            resolved,
            target: &self.target,
            under_test: self.under_test.clone(),
            defect: self.defect.clone(),
            seed: self.seed,
            inert: self.inert,
            name: format!("{}-{name}", self.site.run),
            upstream: self.upstream.clone(),
            control,
            deadline: Some(check::deadline),
        };
        let ended = Lab::live(&self.site, &journal, brief).await;
        let mut never_ready = None;
        if let Err(error) = &ended {
            if matches!(error, LabError::Crew(CrewError::NeverReady(_) | CrewError::NotStarted(_))) {
                never_ready = Some(error.to_string());
            }
            journal.end(Some(with_causes(error))).await;
        }
        let judged = match journal.take_failure() {
            Some(error) => lost(&error),
            None => judge_journal(&journal),
        };
        Finished { judged, duration: began.elapsed(), journal: file, recorded: Some(journal), never_ready }
    }

    fn unwritten(&self, journal: PathBuf, began: Instant, error: &std::io::Error) -> Finished {
        Finished { judged: lost(error), duration: began.elapsed(), journal, recorded: None, never_ready: None }
    }
}

/// An error with what caused it, in one line each.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

fn lost(error: &std::io::Error) -> Judged {
    let reason = format!("its journal could not be written: {error}");
    Judged { verdict: Verdict::Invalid, reason, checks: Vec::new(), faults: Vec::new() }
}

/// Judges what a journal holds, once its lab is closed.
pub fn judge_journal(journal: &Journal) -> Judged {
    verdict::judge(&Run::new(&records_of(journal)))
}

/// What the workload does when nothing goes wrong, by the journal of a control whose lab is closed.
pub fn facts_of_control(journal: &Journal) -> ControlFacts {
    ControlFacts::of(&Run::new(&records_of(journal)))
}

pub(super) fn records_of(journal: &Journal) -> Vec<Record> {
    journal.records().iter().map(|record| (**record).clone()).collect()
}

/// The directory of a run below `out`, and `latest` pointing to it. If something of the user's has that name, it is
/// kept, and said.
///
/// # Errors
///
/// If it cannot be made.
pub(super) fn directory(out: &Path, run: &str) -> std::io::Result<PathBuf> {
    let directory = out.join(run);
    std::fs::create_dir_all(&directory)?;
    // Made aside and renamed, so that it always points to something.
    let aside = out.join(format!(".latest-{run}"));
    std::os::unix::fs::symlink(run, &aside)?;
    let latest = out.join("latest");
    if let Err(error) = std::fs::rename(&aside, &latest) {
        std::fs::remove_file(&aside)?;
        tracing::warn!(%error, "{} is not changed: it is no symbolic link", latest.display());
    }
    Ok(directory)
}
