//! The catalogue as tests of one's own crate, under `cargo test`.

mod conduct;
mod place;
mod trials;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::Arguments;
use mock_idp::Dialect;

use crate::cli::select::select;
use crate::cli::target::Chosen;
use crate::cli::told;
use crate::lab::worker::Launcher;
use crate::lab::{Function, LabEnv, UnderTest};
use crate::run::{Choice, Ground, Plan, facts_of_processes};
use crate::scenario::{Facts, Group, Scenario, Target, catalogue, suggest};
use conduct::Conduct;

/// How many scenarios run at once unless `--test-threads` or [`Suite::jobs`] says another number.
const JOBS: usize = 8;
/// Names the seed of a run that is to be repeated.
const SEED: &str = "TOKENLAPSE_SEED";

/// Scenarios as a test target of one's own crate: one test each, and one for each control.
///
/// In `Cargo.toml`:
///
/// ```toml
/// [[test]]
/// name = "oauth"
/// harness = false
/// ```
///
/// and in `tests/oauth.rs`, with a worker that the target file says how to start:
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     tokenlapse::Suite::of_target("tokenlapse.yaml").main()
/// }
/// ```
///
/// or with one that runs in this process:
///
/// ```no_run
/// # async fn my_worker(_address: Option<&str>, _stop: impl Future<Output = ()>) {}
/// fn main() -> std::process::ExitCode {
///     tokenlapse::Suite::of_function("tokenlapse.yaml", |env: tokenlapse::LabEnv| async move {
///         // `var` gives what the target file's `env:` would put in a process's environment.
///         my_worker(env.var("TEMPORAL_ADDRESS"), env.stopped()).await;
///     })
///     .main()
/// }
/// ```
///
/// | verdict | test |
/// |---|---|
/// | `pass`, `known` | ok |
/// | `fail`, `vacuous`, `invalid` | failed, with what was found, the journal and what repeats it |
/// | `not_applicable`, `skipped` | ignored, with the reason |
///
/// Arguments are those of every test executable: `cargo test --test oauth -- expiry`, `--list`, `--exact`, `--skip`.
/// `--test-threads` says how many scenarios run at once. What is filtered out does not run, but for the controls of what
/// is not. Scenarios that take long are ignored unless `--include-ignored` or `--ignored` is given. All of them share
/// one Temporal server.
#[must_use = "it runs when `main` is called"]
pub struct Suite {
    worker: Worker,
    words: Vec<String>,
    files: Vec<String>,
    temporal: Choice,
    idp: Dialect,
    upstream: Option<String>,
    defect: Option<String>,
    seed: Option<u64>,
    jobs: usize,
    out: Option<PathBuf>,
}

/// What is said of the system under test: a target file, or its content.
#[derive(Debug, Clone)]
pub enum TargetSource {
    /// A file; a relative path starts at the package's root, where `cargo test` runs.
    File(PathBuf),
    /// Read already.
    Read(Box<Target>),
}

impl From<&str> for TargetSource {
    fn from(path: &str) -> Self {
        Self::File(path.into())
    }
}

impl From<&Path> for TargetSource {
    fn from(path: &Path) -> Self {
        Self::File(path.into())
    }
}

impl From<PathBuf> for TargetSource {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<Target> for TargetSource {
    fn from(target: Target) -> Self {
        Self::Read(Box::new(target))
    }
}

/// Makes the system under test of a target.
type Employ = Box<dyn FnOnce(&Target) -> UnderTest + Send>;

enum Worker {
    Processes(TargetSource),
    Function(TargetSource, Employ),
}

impl Suite {
    /// Tests the worker processes that a target says how to start.
    pub fn of_target(target: impl Into<TargetSource>) -> Self {
        Self::of(Worker::Processes(target.into()))
    }

    /// Tests a worker in this process: each of the target's worker instances is a run of `worker` on a thread and a
    /// runtime of its own, so it need not be `Send`. It shall return when [`LabEnv::stopped`] is done.
    ///
    /// The target's `command:` is not used. Scenarios that kill or restart workers do not apply, those that move the
    /// worker's clock are skipped, and what the worker prints or calls outside the lab is not seen.
    pub fn of_function<W, F>(target: impl Into<TargetSource>, worker: W) -> Self
    where
        W: Fn(LabEnv) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + 'static,
    {
        let employ = |target: &Target| UnderTest::Function(Arc::new(Function::new(target.clone(), worker)));
        Self::of(Worker::Function(target.into(), Box::new(employ)))
    }

    fn of(worker: Worker) -> Self {
        Self {
            worker,
            words: Vec::new(),
            files: Vec::new(),
            temporal: Choice::default(),
            idp: Dialect::default(),
            upstream: None,
            defect: None,
            seed: None,
            jobs: JOBS,
            out: None,
        }
    }

    /// Takes only these of the catalogue: ids, families, groups, or globs over ids, as `tokenlapse run` does.
    pub fn scenarios<T: Into<String>>(mut self, words: impl IntoIterator<Item = T>) -> Self {
        self.words.extend(words.into_iter().map(Into::into));
        self
    }

    /// Adds a scenario of one's own; a relative path starts at the package's root.
    pub fn scenario_file(mut self, path: impl AsRef<Path>) -> Self {
        self.files.push(path.as_ref().display().to_string());
        self
    }

    /// Chooses the Temporal server. Default: the CLI's dev server as a child process.
    pub fn temporal(mut self, choice: Choice) -> Self {
        self.temporal = choice;
        self
    }

    /// Says whose ways the identity provider has. Default: [`Dialect::Generic`], which keeps to the RFCs.
    pub fn idp(mut self, dialect: Dialect) -> Self {
        self.idp = dialect;
        self
    }

    /// Puts a server of one's own behind the API front, such as a wiremock `MockServer` by its `uri()`. It sees only
    /// what the front lets through. Default: one that answers the target's routes.
    pub fn upstream(mut self, url: impl Into<String>) -> Self {
        self.upstream = Some(url.into());
        self
    }

    /// Tells the worker to make a known mistake: one of the target's `defects:`.
    pub fn defect(mut self, name: impl Into<String>) -> Self {
        self.defect = Some(name.into());
        self
    }

    /// Token values and drawn delays come from it. Default: the variable `TOKENLAPSE_SEED`, else another one each time.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How many scenarios run at once. Default: 8. `--test-threads` outranks it.
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs;
        self
    }

    /// Where journals go, in a directory per run. Default: `tokenlapse-out` beside the folder that the test executable
    /// lies in, so `target/debug/tokenlapse-out`.
    pub fn out(mut self, directory: impl Into<PathBuf>) -> Self {
        self.out = Some(directory.into());
        self
    }

    /// Runs it with the arguments of this process: the whole `main` of a test target with `harness = false`. Exit code 0
    /// if nothing failed, 101 if something did, 2 if target, scenarios or settings are wrong.
    pub fn main(self) -> ExitCode {
        if let Some(code) = crate::take_over_if_asked() {
            return code;
        }
        let arguments = Arguments::from_args();
        match self.prepare(&arguments) {
            Ok((conduct, plan, scenarios)) => trials::run(arguments, conduct, plan, &scenarios),
            Err(why) => {
                // Nothing is left to do if nobody hears it.
                let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{}\n", why.trim_end()));
                ExitCode::from(2)
            }
        }
    }

    /// All that can be known before anything is started.
    fn prepare(self, arguments: &Arguments) -> Result<(Conduct, Plan, Vec<Scenario>), String> {
        let (source, employ) = match self.worker {
            Worker::Processes(source) => (source, None),
            Worker::Function(source, employ) => (source, Some(employ)),
        };
        let chosen = match source {
            TargetSource::File(file) => Chosen::load(Some(&file))?,
            TargetSource::Read(target) => Chosen::here(*target)?,
        };
        let target = chosen.target.clone();
        if let Some(defect) = &self.defect {
            let known: Vec<&str> = target.defects.iter().map(|defect| defect.value.as_str()).collect();
            if !known.contains(&defect.as_str()) {
                let hint = suggest(defect, known);
                return Err(format!("the target {} knows no defect `{defect}`; {hint}", target.target.value));
            }
        }
        let upstream = self
            .upstream
            .map(|text| url::Url::parse(&text).map_err(|error| format!("the upstream `{text}` is no URL: {error}")));
        let seed = match (self.seed, std::env::var(SEED)) {
            (Some(seed), _) => seed,
            (None, Ok(text)) => text.parse().map_err(|_| format!("{SEED} is no number: `{text}`"))?,
            (None, Err(_)) => rand::random(),
        };
        let words = if self.words.is_empty() { Group::NAMES.map(str::to_owned).to_vec() } else { self.words };
        let words: Vec<String> = words.into_iter().chain(self.files).collect();
        let scenarios = select(&words, true, catalogue().map_err(told)?).map_err(|error| error.to_string())?;
        let facts = if employ.is_some() {
            Facts::in_process()
        } else {
            let launcher = Launcher::this_executable();
            let launcher = launcher.map_err(|error| format!("this executable cannot be found: {error}"))?;
            facts_of_processes(&launcher)
        };
        let facts = Facts { dialect: self.idp, own_server: self.temporal.can_be_started_again(), ..facts };
        let plan = Plan::of(&target, &scenarios, &facts, 1);
        let under_test: conduct::Employ = match employ {
            Some(employ) => Box::new(move |_: &Ground, _: &str| employ(&chosen.target)),
            None => Box::new(move |ground: &Ground, run: &str| chosen.under_test(ground, run)),
        };
        let conduct = Conduct {
            choice: self.temporal.for_target(&target),
            target,
            facts,
            under_test,
            upstream: upstream.transpose()?,
            defect: self.defect,
            seed,
            jobs: arguments.test_threads.unwrap_or(self.jobs),
            out: self.out.unwrap_or_else(place::out),
        };
        Ok((conduct, plan, scenarios))
    }
}
