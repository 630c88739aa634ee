//! The one run behind all tests of a suite.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use url::Url;

use crate::cli::{stopped, with_causes};
use crate::lab::UnderTest;
use crate::lab::worker::Launcher;
use crate::run::{Choice, Ground, Order, Plan, Progress, ScenarioReport, run_plan};
use crate::scenario::{Facts, Target};

/// Makes the system under test for a run that has its ground.
pub(super) type Employ = Box<dyn FnOnce(&Ground, &str) -> UnderTest + Send>;

/// What a run is made of.
pub(super) struct Conduct {
    pub(super) target: Target,
    pub(super) facts: Facts,
    pub(super) under_test: Employ,
    pub(super) choice: Choice,
    pub(super) upstream: Option<Url>,
    pub(super) defect: Option<String>,
    pub(super) seed: u64,
    pub(super) jobs: usize,
    pub(super) out: PathBuf,
}

/// Why tests have no result, once that is known. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Why(Arc<Mutex<Option<String>>>);

impl Why {
    pub(super) fn told(&self) -> String {
        self.0.lock().clone().unwrap_or_else(|| "the run ended before this had a result".to_owned())
    }
}

impl Conduct {
    /// Runs a plan to its end, on a runtime of its own, and hands each report on. `why` knows the reason before
    /// `report` is dropped.
    pub(super) fn run(self, run: String, plan: Plan, why: &Why, report: impl Fn(ScenarioReport) + Send + 'static) {
        let tell = |reason: String| *why.0.lock() = Some(reason);
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return tell(format!("there are no threads: {error}")),
        };
        runtime.block_on(async {
            let (progress, mut shown) = unbounded_channel();
            let handing_on = async move {
                while let Some(news) = shown.recv().await {
                    if let Progress::Ended(ended) = news {
                        report(*ended);
                    }
                }
                report
            };
            // The reports' end comes after the reason.
            let (ended, report) = tokio::join!(self.carry_out(run, plan, progress), handing_on);
            if let Err(reason) = ended {
                tell(reason);
            }
            drop(report);
        });
        // Whatever a scenario run left waiting is nobody's any more.
        runtime.shutdown_background();
    }

    async fn carry_out(self, run: String, plan: Plan, progress: UnboundedSender<Progress>) -> Result<(), String> {
        if plan.needs_no_lab() {
            for report in plan.into_unmet() {
                // Whoever shows it lives as long as this.
                let _ = progress.send(Progress::Ended(Box::new(report)));
            }
            return Ok(());
        }
        let launcher =
            Launcher::this_executable().map_err(|error| format!("this executable cannot be found: {error}"))?;
        let directory = self.out.join(&run);
        let ground = tokio::select! {
            ground = Ground::prepare(launcher, &self.choice, &run, &directory) => {
                ground.map_err(|error| with_causes(&error))?
            }
            () = stopped() => return Err("interrupted".to_owned()),
        };
        let order = Order {
            scenarios: Vec::new(),
            under_test: (self.under_test)(&ground, &run),
            target: self.target,
            facts: self.facts,
            site: ground.site.clone(),
            temporal: ground.temporal.clone(),
            temporal_ready: ground.ready,
            run,
            seed: self.seed,
            inert: false,
            repeat: 1,
            jobs: self.jobs,
            defect: self.defect,
            fail_fast: false,
            upstream: self.upstream,
            out: self.out,
        };
        let ended = run_plan(order, plan, progress, stopped()).await;
        ground.clear().await;
        match ended {
            Ok(summary) if summary.interrupted => Err("interrupted".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(with_causes(&error)),
        }
    }
}
