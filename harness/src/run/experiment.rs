//! One scenario run: a lab from its opening to a finished journal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::verdict::{self, Judged, Verdict};
use crate::journal::{ControlFacts, Event, Journal, Record, Run, RunEnd, RunHeader, SCHEMA_VERSION};
use crate::lab::{Brief, CrewError, Lab, LabError, Site, Subject};
use crate::scenario::{Resolved, Target};

/// What all scenario runs of a run have in common.
pub(super) struct Common {
    pub(super) site: Site,
    pub(super) subject: Subject,
    pub(super) target: Target,
    /// Id of the run.
    pub(super) run: String,
    /// The Temporal server, in words.
    pub(super) temporal: String,
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
    pub(super) records: Vec<Arc<Record>>,
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
        let header = RunHeader {
            schema: SCHEMA_VERSION,
            run: self.run.clone(),
            scenario: resolved.scenario.clone(),
            seed: self.seed.to_string(),
            temporal: self.temporal.clone(),
            // Both models are plain data with text as keys.
            resolved: serde_json::to_value(resolved).unwrap_or_default(),
            target: serde_json::to_value(&self.target).unwrap_or_default(),
            control,
        };
        journal.record(Event::RunStarted(Box::new(header))).settled().await;
        let brief = Brief {
            resolved,
            subject: self.subject.clone(),
            defect: self.defect.clone(),
            seed: self.seed,
            inert: self.inert,
            name: format!("{}-{name}", self.run),
            upstream: self.upstream.clone(),
        };
        let ended = live(&self.site, &journal, brief).await;
        let (end, never_ready) = match &ended {
            Ok(()) => (RunEnd::Complete, None),
            Err(error) => {
                let reason = error.to_string();
                let useless = matches!(error, LabError::Crew(CrewError::NeverReady(_) | CrewError::Start { .. }));
                (RunEnd::LabFailed { reason: with_causes(error) }, useless.then_some(reason))
            }
        };
        journal.record(Event::RunEnded(end)).settled().await;
        let records = journal.records();
        let judged = match journal.take_failure() {
            Some(error) => lost(&error),
            None => judge(&records),
        };
        Finished { judged, duration: began.elapsed(), journal: file, records, never_ready }
    }

    fn unwritten(&self, journal: PathBuf, began: Instant, error: &std::io::Error) -> Finished {
        Finished { judged: lost(error), duration: began.elapsed(), journal, records: Vec::new(), never_ready: None }
    }
}

async fn live(site: &Site, journal: &Journal, brief: Brief<'_>) -> Result<(), LabError> {
    let mut lab = Lab::open(site, journal.clone(), brief).await?;
    lab.start_workers().await?;
    lab.work().await?;
    lab.close().await
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

fn judge(records: &[Arc<Record>]) -> Judged {
    let records: Vec<Record> = records.iter().map(|record| (**record).clone()).collect();
    verdict::judge(&Run::new(&records))
}

/// The journal of a finished control says what the workload does when nothing goes wrong.
pub(super) fn control_facts(finished: &Finished) -> ControlFacts {
    let records: Vec<Record> = finished.records.iter().map(|record| (**record).clone()).collect();
    ControlFacts::of(&Run::new(&records))
}

/// The directory of a run below `out`, and `latest` pointing to it.
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
    std::fs::rename(&aside, out.join("latest"))?;
    Ok(directory)
}
