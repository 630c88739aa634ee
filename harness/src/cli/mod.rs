//! The command: one file per subcommand.

mod check;
mod doctor;
mod explain;
mod idp;
mod list;
mod new;
mod parameters;
mod run;
mod schema;
pub mod select;
mod table;
pub(crate) mod target;
mod validate;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use mock_idp::Dialect;

use crate::run::Choice;
use crate::scenario::{Diagnostic, Target, all_nearest, suggest};

/// Tests what Temporal workers do when an OAuth token expires, a clock drifts, access is revoked or the identity
/// provider is down.
#[derive(Parser)]
#[command(name = "tokenlapse", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run scenarios against a target, and judge them from what was recorded
    Run(run::Arguments),
    /// Show scenarios, checks, faults, events, failure modes or defects
    List(list::Arguments),
    /// Tell what a scenario, check, action, event, failure mode or defect is
    Explain(explain::Arguments),
    /// Write a commented file to start from
    New(new::Arguments),
    /// Judge finished journals once more
    Check(check::Arguments),
    /// Say what this machine has and lacks, and take a target through one workload step by step
    Doctor(doctor::Arguments),
    /// Serve the mock identity provider alone
    Idp(idp::Arguments),
    /// Print the JSON Schema of target files, scenario files or reports
    Schema(schema::Arguments),
    /// Check target and scenario files, starting nothing
    Validate(validate::Arguments),
}

/// Reads the name of a dialect.
fn dialect(name: &str) -> Result<Dialect, String> {
    Dialect::named(name).ok_or_else(|| suggest(name, Dialect::ALL.iter().map(|dialect| dialect.name())))
}

/// Which Temporal server to use.
#[derive(clap::Args)]
struct TemporalArguments {
    /// Temporal server: `dev` (a child process), `docker` (a container), or HOST:PORT of one that runs
    #[arg(long, value_name = "SERVER", default_value = "dev")]
    temporal: String,
    /// The Temporal CLI's binary, instead of looking for one
    #[arg(long, value_name = "FILE")]
    temporal_bin: Option<PathBuf>,
}

impl TemporalArguments {
    /// The choice for a target, which may name the namespace to use on a server of its own.
    fn choice(&self, target: &Target) -> Choice {
        self.choice_without_target().for_target(target)
    }

    fn choice_without_target(&self) -> Choice {
        Choice { backend: self.temporal.clone(), binary: self.temporal_bin.clone(), namespace: None }
    }
}

/// Form of a result.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Runs the command with the arguments of this process. Wrong usage ends it with code 2.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    speak();
    match arguments.command {
        Command::List(arguments) => list::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Idp(arguments) => idp::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
    }
}

/// Says on standard error why `subcommand` ends with this code.
fn fail(subcommand: &str, why: &str, code: u8) -> ExitCode {
    // Nothing is left to do if nobody hears it.
    let _ = writeln!(io::stderr(), "tokenlapse {subcommand}: {}", why.trim_end());
    ExitCode::from(code)
}

/// What to say of a word that names none of `known`, of which there are too many to be read.
fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    const ALL: &str = "`tokenlapse list` shows all";
    let near: Vec<_> = all_nearest(word, known).into_iter().take(2).map(|near| format!("`{near}`")).collect();
    match near.is_empty() {
        true => ALL.to_owned(),
        false => format!("did you mean {}? {ALL}", near.join(" or ")),
    }
}

/// All that is wrong with a file, with excerpts.
pub(crate) fn told(problems: Vec<Diagnostic>) -> String {
    problems.iter().map(|problem| format!("\n{}", problem.excerpt())).collect()
}

/// An error with what caused it.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// Done at Ctrl-C or SIGTERM. Whoever asks once more does not want to wait for what is being ended: the process ends at
/// once, with code 130, and minders end what it had started. Signals that come [`TOGETHER`] are one.
pub(crate) async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers a signal ends the process, as it does every other.
        return std::future::pending().await;
    };
    let mut asked = async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    asked().await;
    let first = Instant::now();
    // Nobody need hear it.
    let _ = writeln!(io::stderr(), "tokenlapse: ending what runs; once more ends it at once");
    tokio::spawn(async move {
        while first.elapsed() < TOGETHER {
            asked().await;
        }
        std::process::exit(130);
    });
}

/// `timeout` and process supervisors signal a process and then its whole group, of which it is one.
const TOGETHER: Duration = Duration::from_millis(100);

/// What the harness has to say while it works goes to standard error.
fn speak() {
    use tracing_subscriber::filter::LevelFilter;
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;

    let ours = Targets::new().with_target("tokenlapse", LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).without_time().with_target(false);
    let lines = lines.with_ansi(anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never);
    tracing_subscriber::registry().with(ours).with(lines).init();
}
