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

use clap::{Parser, Subcommand};

use crate::run::Choice;
use crate::scenario::{Diagnostic, Target};

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
    /// Print the JSON Schema of target or scenario files
    Schema(schema::Arguments),
    /// Check target and scenario files, starting nothing
    Validate(validate::Arguments),
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
    match Arguments::parse().command {
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

/// All that is wrong with a file, with excerpts.
pub(crate) fn told(problems: Vec<Diagnostic>) -> String {
    problems.into_iter().map(|problem| format!("\n{:?}", miette::Report::new(problem))).collect()
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

/// Done at Ctrl-C or SIGTERM.
pub(crate) async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
