//! `tokenlapse doctor`: what is here, what is missing, and one workload of a target step by step.

mod machine;
mod steps;

use std::cell::Cell;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use mock_idp::Dialect;
use tokio::sync::mpsc;

use super::target::Chosen;
use crate::journal::{self, Record};
use crate::lab::worker::Launcher;
use crate::run::{CONTROL, Ground, GroundError, Order, Plan, new_run_id, run_plan};
use crate::scenario::{Duration as Span, Facts, Scenario};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Take this target's worker through one workload, step by step
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    /// How long a worker that polls may come no step further before it is given up on
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = span)]
    patience: Span,
    /// Whose ways the identity provider has: `tokenlapse list dialects` shows all
    #[arg(long, value_name = "DIALECT", default_value_t, value_parser = super::dialect)]
    idp: Dialect,
    #[command(flatten)]
    temporal: super::TemporalArguments,
}

/// A scenario of which only the control is run: what goes wrong in it makes no difference.
const ANY: &str = "scenario: doctor\nfamily: doctor\ntitle: Any\nfaults: [{ do: { api.respond: { status: 503 } } }]\n";
/// How often its journal is looked at.
const GLANCE: Duration = Duration::from_millis(250);

/// Width of the column that names what was looked for.
const NAMES: usize = 30;
/// How wide a line gets.
const WIDTH: usize = 110;

/// How something was found.
#[derive(Clone, Copy)]
enum Mark {
    Here,
    /// It is missing, and some things do not work without it.
    Lacking,
    /// It is missing, and nothing works without it.
    Missing,
}

/// A line: what was looked for, how it was found.
struct Row {
    mark: Mark,
    what: String,
    detail: String,
}

impl Row {
    fn new(mark: Mark, what: &str, detail: impl Into<String>) -> Self {
        Self { mark, what: what.to_owned(), detail: detail.into() }
    }
}

fn span(text: &str) -> Result<Span, String> {
    text.parse().map_err(|_| "a time such as `15s`".to_owned())
}

/// Code 0 if all is well, 1 if a step of the workload is missing, 2 for a bad target, 3 if nothing can run here or the
/// worker was never ready, 130 when interrupted.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let chosen = match arguments.target.as_deref().map(|file| Chosen::load(Some(file))).transpose() {
        Ok(chosen) => chosen,
        Err(why) => return super::fail("doctor", &why, 2),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return super::fail("doctor", &format!("no threads: {error}"), 3),
    };
    let code = runtime.block_on(examine(arguments, chosen));
    runtime.shutdown_background();
    code
}

async fn examine(arguments: &Arguments, chosen: Option<Chosen>) -> ExitCode {
    let (scratch, run) = (tempfile::tempdir(), new_run_id());
    let Ok(scratch) = scratch else { return super::fail("doctor", "temporary files cannot be written", 3) };
    let launcher = match Launcher::this_executable() {
        Ok(launcher) => launcher,
        Err(error) => return super::fail("doctor", &format!("this executable cannot be found: {error}"), 3),
    };
    let choice = match &chosen {
        Some(chosen) => arguments.temporal.choice(&chosen.target),
        None => arguments.temporal.choice_without_target(),
    };
    let stop = super::stopped();
    tokio::pin!(stop);
    tell("this machine", &machine::rows(&launcher).await);
    let directory = scratch.path().join(&run);
    let ground = tokio::select! {
        ground = Ground::prepare(launcher.clone(), &choice, &run, &directory) => ground,
        () = &mut stop => return ExitCode::from(130),
    };
    let ground = match ground {
        Ok(ground) => ground,
        Err(error @ GroundError::Unknown(_)) => return super::fail("doctor", &error.to_string(), 2),
        Err(error) => {
            show(&Row::new(Mark::Missing, "Temporal server", "does not start: see below"));
            return super::fail("doctor", &super::with_causes(&error), 3);
        }
    };
    let ready = format!("{}, ready in {:.2} s", ground.temporal, ground.ready.as_secs_f64());
    show(&Row::new(Mark::Here, "Temporal server", ready));
    if choice.backend == "dev"
        && let Some(origin) = machine::origin_of_binary(&launcher, choice.binary).await
    {
        show(&Row::new(Mark::Here, "Temporal's binary", origin));
    }
    let Some(chosen) = chosen else {
        ground.clear().await;
        say("\n`tokenlapse doctor --target FILE` takes a worker of yours through one workload, step by step.");
        return ExitCode::SUCCESS;
    };

    let (progress, _) = mpsc::unbounded_channel();
    let scenario = Scenario::parse(ANY, "doctor").expect("it is a constant");
    let facts = Facts { dialect: arguments.idp, ..ground.facts() };
    let mut plan = Plan::of(&chosen.target, &[scenario], &facts, 1);
    plan.keep(|name| name == CONTROL);
    let order = Order {
        scenarios: Vec::new(),
        under_test: chosen.under_test(&ground, &run),
        target: chosen.target.clone(),
        facts,
        site: ground.site.clone(),
        temporal: ground.temporal.clone(),
        temporal_ready: ground.ready,
        run: run.clone(),
        seed: rand::random(),
        repeat: 1,
        jobs: 1,
        defect: None,
        fail_fast: true,
        inert: false,
        upstream: None,
        out: scratch.path().to_path_buf(),
    };
    let journal = directory.join(format!("{CONTROL}.jsonl"));
    let interrupted = Cell::new(false);
    let enough = async {
        tokio::select! {
            () = stop => interrupted.set(true),
            () = no_step_for(arguments.patience.to_std(), &journal, &chosen) => {}
        }
    };
    let ended = run_plan(order, plan, progress, enough).await;
    ground.clear().await;
    if interrupted.get() {
        return ExitCode::from(130);
    }
    let (rows, advice) = steps::told(&chosen.target, &records(&journal));
    let idp = match arguments.idp {
        Dialect::Generic => String::new(),
        dialect => format!(", beside an identity provider with the ways of {dialect}"),
    };
    tell(&format!("\none workload of {}, step by step{idp}", chosen.target.target.value), &rows);
    if let Err(error) = ended {
        return super::fail("doctor", &format!("\n{error}"), 3);
    }
    match advice {
        Some(advice) => {
            say(&format!("\n{advice}"));
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

/// Returns when the worker is ready and has come no step further for so long.
async fn no_step_for(patience: Duration, journal: &Path, chosen: &Chosen) {
    let mut reached = 0;
    let mut since = tokio::time::Instant::now();
    loop {
        tokio::time::sleep(GLANCE).await;
        let now = steps::reached(&chosen.target, &records(journal));
        if now != reached || now < steps::READY {
            (reached, since) = (now, tokio::time::Instant::now());
        }
        if since.elapsed() > patience {
            return;
        }
    }
}

fn records(journal: &Path) -> Vec<Record> {
    // What was not written did not happen: each step that lacks its event says so.
    let file = std::fs::File::open(journal).ok();
    file.and_then(|file| journal::read(io::BufReader::new(file)).ok()).unwrap_or_default()
}

fn tell(heading: &str, rows: &[Row]) {
    const BOLD: Style = Style::new().bold();
    say(&format!("{BOLD}{heading}{BOLD:#}"));
    rows.iter().for_each(show);
}

fn show(row: &Row) {
    let (mark, style) = match row.mark {
        Mark::Here => ("ok", AnsiColor::Green.on_default()),
        Mark::Lacking => ("--", AnsiColor::Yellow.on_default()),
        Mark::Missing => ("no", AnsiColor::Red.on_default().bold()),
    };
    let lines = textwrap::wrap(&row.detail, textwrap::Options::new(WIDTH - NAMES - 6).break_words(false));
    let mut lines = lines.iter();
    let first = lines.next().map_or("", |line| line);
    say(format!("  {style}{mark}{style:#}  {:<NAMES$}{first}", row.what).trim_end());
    for line in lines {
        say(&format!("{:indent$}{line}", "", indent = NAMES + 6));
    }
}

fn say(text: &str) {
    // Nothing is left to do if nobody reads it; the exit code says it too.
    let _ = writeln!(anstream::stdout(), "{text}");
}
