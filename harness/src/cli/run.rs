//! `tokenlapse run`: scenarios against a target.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use mock_idp::Dialect;
use tokio::sync::mpsc;

use super::select;
use super::target::Chosen;
use crate::lab::worker::Launcher;
use crate::report::{Json, Replay, Report, Text};
use crate::run::{Ground, GroundError, Order, Progress, RunError, Summary, new_run_id, run as run_order};
use crate::scenario::{Facts, Scenario, catalogue, suggest};

/// The code after Ctrl-C or SIGTERM.
const INTERRUPTED: u8 = 130;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Ids, families, groups (`quick`, `slow`), globs over ids, or scenario files (`*.yaml`); all fast ones by default
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// The system under test; by default ./tokenlapse.yaml, else the built-in worker
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    #[command(flatten)]
    temporal: super::TemporalArguments,
    /// Whose ways the identity provider has: `generic` keeps to the RFCs; `tokenlapse list dialects` shows all
    #[arg(long, value_name = "DIALECT", default_value_t, value_parser = super::dialect)]
    idp: Dialect,
    /// How many scenarios run at once
    #[arg(short = 'j', long, value_name = "N", default_value_t = 8, value_parser = at_once)]
    jobs: usize,
    /// Token values and drawn delays come from it; by default another one each time
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How often each scenario runs
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = often)]
    repeat: u32,
    /// Where journals go, in a directory per run; `latest` points to the newest
    #[arg(long, value_name = "DIR", default_value = "tokenlapse-out")]
    out: PathBuf,
    /// Form of the result on standard output
    #[arg(long, value_enum, default_value_t = super::Format::Text)]
    format: super::Format,
    /// Stop at the first scenario that is not well
    #[arg(long)]
    fail_fast: bool,
    /// Add the scenarios that take long
    #[arg(long)]
    slow: bool,
    /// A known mistake that the worker shall make: one of the target's `defects:`
    #[arg(long, value_name = "NAME")]
    defect: Option<String>,
}

impl Arguments {
    /// The words that are files, by the id of the scenario in each: they stand behind the catalogue's, in this order.
    fn files(&self, selected: &[Scenario]) -> BTreeMap<String, String> {
        let words: Vec<&String> = self.scenarios.iter().filter(|word| select::is_file(word)).collect();
        let theirs = selected.iter().skip(selected.len() - words.len());
        theirs.zip(words).map(|(scenario, word)| (scenario.scenario.value.clone(), word.clone())).collect()
    }
}

fn at_once(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=256) => Ok(number),
        _ => Err("a number from 1 to 256".to_owned()),
    }
}

fn often(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(number @ 1..) => Ok(number),
        _ => Err("a number from 1 on".to_owned()),
    }
}

/// Why no scenario has a verdict.
struct Trouble {
    why: String,
    code: u8,
}

impl Trouble {
    fn new(why: impl Into<String>, code: u8) -> Self {
        Self { why: why.into(), code }
    }
}

/// Code 130 when interrupted, 2 for wrong usage or files, 3 if nothing could run, 1 if something is not well, else 0.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let seed = arguments.seed.unwrap_or_else(rand::random);
    let (temporal, defect) = (&arguments.temporal.temporal, arguments.defect.as_deref());
    // Until its file is read, a target has no other name.
    let target = arguments.target.as_ref().map_or_else(String::new, |file| file.display().to_string());
    let mut nothing = Summary::blank(&new_run_id(), &target, temporal, arguments.idp, seed, defect);
    let chosen = Chosen::load(arguments.target.as_deref());
    if let Ok(chosen) = &chosen {
        nothing.target.clone_from(&chosen.target.target.value);
    }
    let prepared = chosen.and_then(|chosen| Prepared::of(arguments, chosen));
    let ended = prepared.map_err(|why| Trouble::new(why, 2)).and_then(|prepared| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Trouble::new(format!("no threads: {error}"), 3))?;
        let ended = runtime.block_on(carry_out(arguments, prepared, nothing.run.clone(), seed));
        // Whatever a scenario run left waiting is nobody's any more.
        runtime.shutdown_background();
        ended
    });
    ended.unwrap_or_else(|Trouble { why, code }| {
        if matches!(arguments.format, super::Format::Json) {
            let interrupted = code == INTERRUPTED;
            let error = Some(why.trim().to_owned());
            // Nothing is left to do if nobody reads it; the exit code says it too.
            let _ = Json.write(&Summary { interrupted, error, ..nothing }, &mut anstream::stdout());
        }
        super::fail("run", &why, code)
    })
}

/// What can be known before anything is started.
struct Prepared {
    chosen: Chosen,
    scenarios: Vec<Scenario>,
}

impl Prepared {
    fn of(arguments: &Arguments, chosen: Chosen) -> Result<Self, String> {
        if let Some(defect) = &arguments.defect {
            let known: Vec<&str> = chosen.target.defects.iter().map(|defect| defect.value.as_str()).collect();
            if !known.contains(&defect.as_str()) {
                let hint = suggest(defect, known.iter().copied());
                return Err(format!("the target {} knows no defect `{defect}`; {hint}", chosen.target.target.value));
            }
        }
        let catalogue = catalogue().map_err(super::told)?;
        let scenarios =
            select::select(&arguments.scenarios, arguments.slow, catalogue).map_err(|error| error.to_string())?;
        Ok(Self { chosen, scenarios })
    }
}

async fn carry_out(arguments: &Arguments, prepared: Prepared, run: String, seed: u64) -> Result<ExitCode, Trouble> {
    let Prepared { chosen, scenarios } = prepared;
    let directory = arguments.out.join(&run);
    let launcher = Launcher::this_executable()
        .map_err(|error| Trouble::new(format!("this executable cannot be found: {error}"), 3))?;
    let choice = arguments.temporal.choice(&chosen.target);
    // One for the whole way: a signal between two of them would be lost.
    let stop = super::stopped();
    tokio::pin!(stop);
    let ground = tokio::select! {
        ground = Ground::prepare(launcher, &choice, &run, &directory) => match ground {
            Ok(ground) => ground,
            Err(error @ GroundError::Unknown(_)) => return Err(Trouble::new(error.to_string(), 2)),
            Err(error) => return Err(Trouble::new(super::with_causes(&error), 3)),
        },
        () = &mut stop => {
            let _ = std::fs::remove_dir(&directory);
            return Err(Trouble::new("interrupted before any scenario ran", INTERRUPTED));
        }
    };
    let under_test = chosen.under_test(&ground, &run);
    let files = arguments.files(&scenarios);
    let order = Order {
        scenarios,
        target: chosen.target,
        under_test,
        facts: Facts { dialect: arguments.idp, ..ground.facts() },
        site: ground.site.clone(),
        temporal: ground.temporal.clone(),
        temporal_ready: ground.ready,
        run,
        seed,
        inert: false,
        repeat: arguments.repeat,
        jobs: arguments.jobs,
        defect: arguments.defect.clone(),
        fail_fast: arguments.fail_fast,
        upstream: None,
        out: arguments.out.clone(),
    };
    let (progress, shown) = mpsc::unbounded_channel();
    let showing = tokio::spawn(show(shown));
    let ended = run_order(order, progress, stop).await;
    // It ends with the run, which held the other end.
    let _ = showing.await;
    ground.clear().await;
    match ended {
        Ok(summary) => {
            let defect = arguments.defect.as_ref().map_or_else(String::new, |defect| format!(" --defect {defect}"));
            let idp = match arguments.idp {
                Dialect::Generic => String::new(),
                dialect => format!(" --idp {dialect}"),
            };
            let after = format!(" --seed {}{idp}{defect}{}", summary.seed, chosen.replay);
            let text = Text {
                directory,
                replay: Some(Replay { before: "tokenlapse run".to_owned(), after, target: chosen.file, files }),
            };
            Ok(tell(arguments, &summary, &text))
        }
        Err(error @ RunError::Out { .. }) => Err(Trouble::new(super::with_causes(&error), 3)),
        Err(error) => Err(Trouble::new(error.to_string(), 3)),
    }
}

fn tell(arguments: &Arguments, summary: &Summary, text: &Text) -> ExitCode {
    let report: &dyn Report = match arguments.format {
        super::Format::Text => text,
        super::Format::Json => &Json,
    };
    let mut out = anstream::stdout();
    // Nothing is left to do if nobody reads it; the exit code says it too.
    let _ = report.write(summary, &mut out).and_then(|()| out.flush());
    let bad = summary.scenarios.iter().any(|scenario| scenario.verdict.is_bad());
    match (summary.interrupted, bad) {
        (true, _) => ExitCode::from(INTERRUPTED),
        (false, true) => ExitCode::FAILURE,
        (false, false) => ExitCode::SUCCESS,
    }
}

/// A bar on a terminal, nothing elsewhere.
async fn show(mut shown: mpsc::UnboundedReceiver<Progress>) {
    let visible = io::stderr().is_terminal() && std::env::var_os("CI").is_none();
    let bar = if visible { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let style = "{bar:30} {pos}/{len} {elapsed} {msg}";
    bar.set_style(ProgressStyle::with_template(style).expect("the template is a constant"));
    let mut running: Vec<String> = Vec::new();
    while let Some(news) = shown.recv().await {
        match news {
            Progress::Planned(count) => bar.set_length(count as u64),
            Progress::Began(name) => running.push(name),
            Progress::Ended(report) => {
                let file = report.journal.as_ref().and_then(|journal| journal.file_stem());
                running.retain(|name| file.is_none_or(|file| file != name.as_str()));
                if report.id != crate::run::CONTROL {
                    bar.inc(1);
                }
            }
        }
        bar.set_message(running.first().cloned().unwrap_or_default());
    }
    bar.finish_and_clear();
}
