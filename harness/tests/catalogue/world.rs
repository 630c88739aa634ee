//! What all tests stand on: threads, one Temporal server, and a place for journals.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use libtest_mimic::Failed;
use tempfile::TempDir;
use tokenlapse::journal::{Event, Journal};
use tokenlapse::lab::worker::Launcher;
use tokenlapse::lab::{Brief, Commands, Lab, Site, UnderTest};
use tokenlapse::run::{Choice, Ground, Order, new_run_id};
use tokenlapse::scenario::{Scenario, Target, builtin_target, builtin_target_text, resolve};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::batch::{Batch, Ended};

/// Two tokens, and two faults that draw how long they wait.
const DRAWS: &str = "
scenario: draws
family: seed
title: The seed decides how late it is
workload: { count: 1 }
faults:
  - id: refuse
    when: { event: api.response, where: { status: 200 }, nth: 1 }
    do: { api.refuse_token: { token: trigger } }
  - id: late
    when: { event: api.response, where: { status: 401 }, nth: 1 }
    do: { api.delay: { by: { between: [1ms, 200ms] } } }
  - id: slow
    when: { event: idp.request, where: { endpoint: token }, nth: 1, after: refuse }
    do: { idp.delay: { by: { between: [1ms, 200ms] } } }
";

/// A target and the folder of its file.
#[derive(Clone)]
pub(crate) struct Place {
    target: Target,
    folder: PathBuf,
}

pub(crate) struct World {
    runtime: Runtime,
    ground: OnceCell<Ground>,
    directory: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("catalogue-").tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        Self {
            runtime: Runtime::new().expect("threads"),
            ground: OnceCell::new(),
            directory: directory.expect("a folder"),
        }
    }

    /// A file like the built-in target's, somewhere else and under another name.
    pub(crate) fn target_elsewhere(&self) -> Place {
        let folder = self.directory.path().join("somebody's folder");
        std::fs::create_dir_all(&folder).expect("a folder");
        let text = builtin_target_text();
        assert_eq!(text.matches("target: builtin\n").count(), 1, "it has its name in one place");
        let file = folder.join("order-service.yaml");
        std::fs::write(&file, text.replace("target: builtin\n", "target: order-service\n")).expect("a file");
        let text = std::fs::read_to_string(&file).expect("a file");
        Place { target: Target::parse(&text, "order-service.yaml").expect("it is good"), folder }
    }

    /// The run of a scenario in a batch, once it has ended.
    pub(crate) fn wait_for(&self, batch: &Batch, id: &str) -> Result<Ended, Failed> {
        self.runtime.block_on(batch.run_of(self, id))
    }

    /// Where the journals of a batch lie.
    pub(crate) fn out(&self, batch: &str) -> PathBuf {
        self.directory.path().join(batch)
    }

    async fn ground(&self) -> Result<&Ground, Failed> {
        let prepare = async || {
            let executable = PathBuf::from(env!("CARGO_BIN_EXE_tokenlapse"));
            let launcher = Launcher { executable: executable.clone() };
            let directory = self.directory.path();
            let mut ground = Ground::prepare(launcher, &Choice::default(), &new_run_id(), directory).await?;
            // `{tokenlapse}` is the command, not this test.
            ground.site.executable = executable;
            Ok(ground)
        };
        self.ground.get_or_try_init(prepare).await
    }

    fn under_test(&self, ground: &Ground, place: &Place, run: &str) -> UnderTest {
        UnderTest::Processes(Arc::new(Commands {
            target: place.target.clone(),
            folder: place.folder.clone(),
            caller: std::env::vars_os().collect(),
            launcher: ground.launcher.clone(),
            scratch: ground.site.scratch.clone(),
            run: run.to_owned(),
        }))
    }

    fn builtin(&self) -> Place {
        Place { target: builtin_target().expect("its own tests see to it"), folder: self.directory.path().to_owned() }
    }

    /// An order for scenarios, each once, against the built-in target unless another one is given.
    pub(crate) async fn order(
        &self,
        name: &str,
        target: Option<&Place>,
        scenarios: Vec<Scenario>,
    ) -> Result<Order, Failed> {
        let ground = self.ground().await?;
        let run = new_run_id();
        let place = target.cloned().unwrap_or_else(|| self.builtin());
        Ok(Order {
            scenarios,
            under_test: self.under_test(ground, &place, &run),
            target: place.target,
            facts: ground.facts(),
            // Workflows are named by it, and all batches share the server.
            site: Site { run: run.clone(), ..ground.site.clone() },
            temporal: ground.temporal.clone(),
            temporal_ready: ground.ready,
            run,
            seed: rand::random(),
            inert: false,
            repeat: 1,
            // Labs wait more than they compute.
            jobs: std::thread::available_parallelism().map_or(4, |processors| 3 * processors.get()),
            defect: None,
            fail_fast: false,
            upstream: None,
            out: self.out(name),
        })
    }

    /// One seed gives the same token values and drawn delays each time, another one gives others.
    pub(crate) fn seeds(&self) -> Result<(), Failed> {
        let values = |seed| self.runtime.block_on(self.drawn_from(seed));
        let (first, again, other) = (values(7)?, values(7)?, values(8)?);
        if first.len() < 2 || first != again {
            return Err(format!("one seed gave {first:?}, then {again:?}").into());
        }
        if first.iter().any(|value| other.contains(value)) {
            return Err(format!("two seeds gave {first:?} and {other:?}").into());
        }
        Ok(())
    }

    /// `jti` of every token of a lab with this seed, in the order of their issue, and all that its faults draw.
    async fn drawn_from(&self, seed: u64) -> Result<Vec<String>, Failed> {
        let (ground, run, place) = (self.ground().await?, new_run_id(), self.builtin());
        let scenario = Scenario::parse(DRAWS, "draws.yaml").map_err(|problems| format!("{problems:?}"))?;
        let resolved = resolve(&place.target, &scenario, &ground.facts()).map_err(|unmet| format!("{unmet:?}"))?;
        let under_test = self.under_test(ground, &place, &run);
        let brief = Brief { seed, ..Brief::new(run, &resolved, &place.target, under_test) };
        let journal = Journal::in_memory();
        let mut lab = Lab::open(&ground.site, journal.clone(), brief).await?;
        lab.start_workers().await?;
        lab.work().await?;
        let tokens = lab.scene().idp().tokens();
        lab.close().await?;
        let drawn = journal.records().into_iter().filter_map(|record| match &record.event {
            Event::FaultFired { fault, drawn_ms, .. } if fault != "refuse" => Some(format!("{fault} {drawn_ms:?}")),
            _ => None,
        });
        let drawn: Vec<String> = drawn.collect();
        if drawn.len() != 2 {
            return Err(format!("two faults draw: {drawn:?}").into());
        }
        tokens.iter().map(|token| jti(token.value.expose())).chain(drawn.into_iter().map(Ok)).collect()
    }

    /// Ends the server. Journals are kept if something failed.
    pub(crate) fn end(self, failed: bool) {
        if let Some(ground) = self.ground.into_inner() {
            self.runtime.block_on(ground.clear());
        }
        // What was cut short must not keep this process.
        self.runtime.shutdown_background();
        if failed {
            let _ = self.directory.keep();
        }
    }
}

/// `jti` of a JWT (RFC 7519, section 4.1.7).
fn jti(jwt: &str) -> Result<String, Failed> {
    let payload = jwt.split('.').nth(1).ok_or("a token is no JWT")?;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload)?;
    let claims: serde_json::Value = serde_json::from_slice(&claims)?;
    Ok(claims["jti"].as_str().ok_or("a token has no jti")?.to_owned())
}
