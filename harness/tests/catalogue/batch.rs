//! Scenarios that run together: they share controls, and run several at a time.

use std::future::pending;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use libtest_mimic::Failed;
use tokenlapse::journal::{self, Record};
use tokenlapse::run::{Order, Progress, ScenarioReport, Verdict, run};
use tokenlapse::scenario::Scenario;
use tokio::sync::{OnceCell, mpsc, watch};

use crate::world::{Place, World};

/// One run of several scenarios. It begins when the first of its tests does.
pub(crate) struct Batch {
    name: &'static str,
    target: Option<Place>,
    change: Box<dyn Fn(&mut Order) + Send + Sync>,
    wanted: Mutex<Vec<Scenario>>,
    state: OnceCell<watch::Receiver<State>>,
}

/// How far it has come.
#[derive(Default)]
struct State {
    reports: Vec<ScenarioReport>,
    /// Why nothing will be added.
    over: Option<String>,
}

/// A scenario run that has ended.
pub(crate) struct Ended {
    pub(crate) report: ScenarioReport,
    pub(crate) records: Vec<Record>,
    journal: PathBuf,
}

impl Batch {
    pub(crate) fn new(name: &'static str) -> Self {
        let (wanted, state) = (Mutex::default(), OnceCell::new());
        Self { name, target: None, change: Box::new(|_| {}), wanted, state }
    }

    /// Against another target than the built-in one.
    pub(crate) fn against(self, target: Place) -> Self {
        Self { target: Some(target), ..self }
    }

    /// With an order that is not the usual one.
    pub(crate) fn with(self, change: impl Fn(&mut Order) + Send + Sync + 'static) -> Self {
        Self { change: Box::new(change), ..self }
    }

    /// Adds a scenario. Too late once it has begun.
    pub(crate) fn want(&self, scenario: Scenario) {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).push(scenario);
    }

    /// The run of a scenario.
    pub(crate) async fn run_of(&self, world: &World, id: &str) -> Result<Ended, Failed> {
        let mut state = self.state.get_or_try_init(|| self.begin(world)).await?.clone();
        let state = state
            .wait_for(|state| state.over.is_some() || state.of(id).is_some())
            .await
            .map_err(|_| "the run was given up")?;
        let report = state.of(id).cloned().ok_or_else(|| state.over.clone().unwrap_or_default())?;
        Ended::read(report, &world.out(self.name).join("latest"))
    }

    async fn begin(&self, world: &World) -> Result<watch::Receiver<State>, Failed> {
        let scenarios = self.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut order = world.order(self.name, self.target.as_ref(), scenarios).await?;
        (self.change)(&mut order);
        let (progress, mut news) = mpsc::unbounded_channel();
        let (state, seen) = watch::channel(State::default());
        tokio::spawn(async move {
            let running = tokio::spawn(run(order, progress, pending()));
            while let Some(news) = news.recv().await {
                if let Progress::Ended(report) = news {
                    state.send_modify(|state| state.reports.push(*report));
                }
            }
            let over = match running.await {
                Ok(Ok(_)) => "the run ended without it".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            state.send_modify(|state| state.over = Some(over));
        });
        Ok(seen)
    }
}

impl State {
    fn of(&self, id: &str) -> Option<&ScenarioReport> {
        self.reports.iter().find(|report| report.id == id)
    }
}

impl Ended {
    fn read(report: ScenarioReport, directory: &std::path::Path) -> Result<Self, Failed> {
        let Some(journal) = &report.journal else {
            return Err(format!("{}: {}", report.verdict.name(), report.reason).into());
        };
        let journal = directory.join(journal);
        let file = std::fs::File::open(&journal).map_err(|error| format!("{}: {error}", journal.display()))?;
        let records = journal::read(std::io::BufReader::new(file))?;
        Ok(Self { report, records, journal })
    }

    /// Fails unless it has this verdict.
    pub(crate) fn has(&self, verdict: Verdict) -> Result<(), Failed> {
        let ScenarioReport { verdict: is, reason, checks, faults, .. } = &self.report;
        if *is == verdict {
            return Ok(());
        }
        let failed = checks.iter().filter(|check| check.verdict == "fail");
        let details: String = failed.map(|check| format!("\n  {}: {}", check.id, check.detail)).collect();
        let journal = self.journal.display();
        let (is, wanted) = (is.name(), verdict.name());
        Err(format!("{is}, not {wanted}: {reason}{details}\n  faults: {faults:?}\n  journal: {journal}").into())
    }
}
