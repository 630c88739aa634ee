//! Which scenario runs when: controls first, long ones early, as many at once as asked for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::experiment::{Common, Finished, directory, facts_of_control, records_of};
use super::plan::{ControlOutcome, Job, Plan, numbered};
use super::refused::last_refusal;
use super::shown::lacking;
use super::summary::{Figures, ScenarioReport, Summary, Totals};
use super::verdict::Verdict;
use crate::journal::ControlFacts;
use crate::lab::{Site, UnderTest};
use crate::scenario::{Facts, Resolved, Scenario, Target};

/// What to run.
pub struct Order {
    /// The scenarios, each once per repetition.
    pub scenarios: Vec<Scenario>,
    /// The target.
    pub target: Target,
    /// What is under test.
    pub under_test: UnderTest,
    /// What the machine allows.
    pub facts: Facts,
    /// What all labs share.
    pub site: Site,
    /// The Temporal server, in words.
    pub temporal: String,
    /// How long it took to be ready.
    pub temporal_ready: Duration,
    /// Id of the run.
    pub run: String,
    /// Token values and drawn delays come from it.
    pub seed: u64,
    /// Whether faults fire and change nothing. That nothing passes then is how the proofs of their bites are proved.
    pub inert: bool,
    /// How often each scenario runs.
    pub repeat: u32,
    /// How many at once.
    pub jobs: usize,
    /// A known mistake that the worker shall make.
    pub defect: Option<String>,
    /// Whether to stop at the first bad verdict.
    pub fail_fast: bool,
    /// A server of one's own behind the API front.
    pub upstream: Option<url::Url>,
    /// Where the run's directory is made.
    pub out: PathBuf,
}

/// A run that gave no verdict at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Nowhere to write.
    #[error("{} cannot be written to", path.display())]
    Out {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A worker was of no use before any scenario had a verdict.
    #[error("{0}")]
    WorkerNeverReady(String),
}

/// Something that somebody who waits wants to see.
#[derive(Debug, Clone)]
pub enum Progress {
    /// How many scenario runs there are, controls not counted.
    Planned(usize),
    /// A scenario run began.
    Began(String),
    /// A scenario run ended, with its report.
    Ended(Box<ScenarioReport>),
}

/// A scenario run that ended.
struct End {
    report: ScenarioReport,
    /// Why a worker never became ready, if that was it.
    never_ready: Option<String>,
}

struct Shared {
    common: Common,
    turns: Semaphore,
    progress: mpsc::UnboundedSender<Progress>,
}

/// Runs it all. What `progress` sends is the only thing that can be seen meanwhile; once `stop` is done, what runs is
/// ended and the rest is left out.
///
/// # Errors
///
/// [`RunError`].
pub async fn run(
    order: Order,
    progress: mpsc::UnboundedSender<Progress>,
    stop: impl Future<Output = ()>,
) -> Result<Summary, RunError> {
    let plan = Plan::of(&order.target, &order.scenarios, &order.facts, order.repeat);
    run_plan(order, plan, progress, stop).await
}

/// Runs what is left in a plan that was made of the order's scenarios.
///
/// # Errors
///
/// [`RunError`].
pub(crate) async fn run_plan(
    order: Order,
    plan: Plan,
    progress: mpsc::UnboundedSender<Progress>,
    stop: impl Future<Output = ()>,
) -> Result<Summary, RunError> {
    let Order { target, site, run, seed, defect, .. } = &order;
    let directory = directory(&order.out, run).map_err(|source| RunError::Out { path: order.out.clone(), source })?;
    let name = &target.target.value;
    let mut summary = Summary::blank(run, name, &order.temporal, order.facts.dialect, *seed, defect.as_deref());
    let Plan { jobs, unmet: mut reports } = plan;
    // Nobody need listen.
    let _ = progress.send(Progress::Planned(jobs.len() + reports.len()));
    for report in &reports {
        let _ = progress.send(Progress::Ended(Box::new(report.clone())));
    }
    let shared = Arc::new(Shared {
        common: Common {
            site: site.clone(),
            under_test: order.under_test.clone(),
            target: target.clone(),
            seed: *seed,
            inert: order.inert,
            defect: defect.clone(),
            upstream: order.upstream.clone(),
            directory,
        },
        turns: Semaphore::new(order.jobs.max(1)),
        progress,
    });

    let began = Instant::now();
    // By a channel and not with the tasks' ends, so that what has ended is known whatever ends the rest.
    let (ends, mut ended) = mpsc::unbounded_channel();
    let mut running = JoinSet::new();
    for job in jobs {
        running.spawn(Arc::clone(&shared).carry_out(job, ends.clone()));
    }
    drop(ends);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => {
                summary.interrupted = true;
                break;
            }
            news = ended.recv() => match news {
                None => {
                    while let Some(done) = running.join_next().await {
                        done.expect("a scenario run neither panics nor is aborted before the end");
                    }
                    break;
                }
                Some(End { report, never_ready }) => {
                    let bad = report.verdict.is_bad();
                    reports.push(report);
                    let judged = |report: &ScenarioReport| report.verdict != Verdict::Invalid && report.journal.is_some();
                    if let Some(why) = never_ready {
                        if !reports.iter().any(judged) {
                            running.shutdown().await;
                            return Err(RunError::WorkerNeverReady(why));
                        }
                        shared.turns.add_permits(1);
                    }
                    if bad && order.fail_fast {
                        break;
                    }
                }
            },
        }
    }
    // Dropping a scenario run ends its workers.
    running.shutdown().await;
    while let Ok(End { report, .. }) = ended.try_recv() {
        reports.push(report);
    }
    summary.figures = Figures::of(&reports, began.elapsed(), order.temporal_ready);
    reports.sort_by(|a, b| {
        let place = |report: &ScenarioReport| {
            let place = order.scenarios.iter().position(|scenario| scenario.scenario.value == report.id);
            place.map_or(0, |place| place + 1)
        };
        (place(a), a.repeat).cmp(&(place(b), b.repeat))
    });
    summary.totals = Totals::of(reports.iter().map(|report| report.verdict));
    summary.scenarios = reports;
    Ok(summary)
}

impl Shared {
    /// Runs a scenario, after its control if nobody has run that yet. Tells `ends` of what was run.
    async fn carry_out(self: Arc<Self>, job: Job, ends: mpsc::UnboundedSender<End>) {
        let tell = |report: ScenarioReport, never_ready| {
            // Nobody need listen any more.
            let _ = self.progress.send(Progress::Ended(Box::new(report.clone())));
            let _ = ends.send(End { report, never_ready });
        };
        let Job { experiment, control } = job;
        let ControlOutcome { facts, recorded } = control
            .outcome
            .get_or_init(|| async {
                let (report, name) = (control.blank(), control.name());
                let (mut report, finished) = self.once(&control.resolved, report, &name, None).await;
                let facts = finished.recorded.as_ref().map(facts_of_control).unwrap_or_default();
                if !facts.completed && report.verdict != Verdict::Invalid {
                    report.verdict = Verdict::Invalid;
                    let shown = finished.recorded.as_ref().map(records_of).unwrap_or_default();
                    let refusal = last_refusal(&shown).map_or(String::new(), |refusal| format!("; {refusal}"));
                    report.reason = format!("the workload does not complete, though nothing goes wrong{refusal}");
                }
                tell(report, finished.never_ready);
                ControlOutcome { facts, recorded: finished.recorded }
            })
            .await;
        let Some((resolved, mut report)) = experiment else { return };
        if !facts.completed {
            report.reason = "its control did not complete: without any fault the workload fails, too".to_owned();
            return tell(report, None);
        }
        let shown = recorded.as_ref().map(records_of).unwrap_or_default();
        if let Some(reason) = lacking(&resolved, &shown) {
            (report.verdict, report.reason) = (Verdict::NotApplicable, reason);
            return tell(report, None);
        }
        let name = numbered(&resolved.scenario, report.repeat);
        let (report, finished) = self.once(&resolved, report, &name, Some(facts.clone())).await;
        tell(report, finished.never_ready);
    }

    async fn once(
        &self,
        resolved: &Resolved,
        report: ScenarioReport,
        name: &str,
        control: Option<ControlFacts>,
    ) -> (ScenarioReport, Finished) {
        let turn = self.turns.acquire().await.expect("it is never closed");
        let _ = self.progress.send(Progress::Began(name.to_owned()));
        // On the heap from now on: a run of thousands holds as many tasks that wait for their turn, and this future is
        // large.
        let finished = Box::pin(self.common.experiment(resolved, name, control)).await;
        if finished.never_ready.is_some() {
            // Kept until it is decided whether anything else shall run into the same wall.
            turn.forget();
        }
        let report = report.judged(finished.judged.clone(), finished.duration, finished.journal.clone());
        (report, finished)
    }
}
