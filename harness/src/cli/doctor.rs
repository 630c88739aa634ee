//! `tokenlapse doctor`: what is here, what is missing, and one workload of a target step by step.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tokio::sync::mpsc;

use super::target::Chosen;
use crate::journal::{self, Event, Record, WorkflowStatus};
use crate::lab::worker::{Launcher, guard};
use crate::run::{CONTROL, Ground, Order, new_run_id, run as run_order};
use crate::scenario::{Scenario, Target};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Take this target's worker through one workload, step by step
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    #[command(flatten)]
    temporal: super::TemporalArguments,
}

/// A scenario in which nothing happens: only its control is looked at.
const NOTHING: &str = "scenario: doctor\nfamily: doctor\ntitle: Nothing goes wrong\nfaults: []\n";

/// Code 0 if all is well, 1 if a step of the workload is missing, 2 for a bad target, 3 if nothing can run here.
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
    let mut out = anstream::stdout();
    let found = |out: &mut dyn Write, good: bool, what: &str, detail: &str| {
        let mark = if good { "yes" } else { "no " };
        // Nothing is left to do if nobody reads it; the exit code says it too.
        let _ = writeln!(out, "{mark}  {what:<28} {detail}");
    };
    let (scratch, run) = (tempfile::tempdir(), new_run_id());
    let Ok(scratch) = scratch else { return super::fail("doctor", "temporary files cannot be written", 3) };
    let launcher = match Launcher::this_executable() {
        Ok(launcher) => launcher,
        Err(error) => return super::fail("doctor", &format!("this executable cannot be found: {error}"), 3),
    };
    found(
        &mut out,
        guard::available(),
        "kernel guard (Landlock)",
        if guard::available() {
            "a worker that bypasses the proxy variables is refused"
        } else {
            "Linux 6.7 has it; a worker that bypasses the proxy variables is not seen"
        },
    );
    found(&mut out, true, "proxy trap", "a worker that calls a host outside the lab is named with host and port");
    let choice = match &chosen {
        Some(chosen) => arguments.temporal.choice(&chosen.target),
        None => arguments.temporal.choice_without_target(),
    };
    let ground = match Ground::prepare(launcher, &choice, &run, scratch.path()).await {
        Ok(ground) => ground,
        Err(error) => {
            found(&mut out, false, "Temporal server", "");
            return super::fail("doctor", &super::with_causes(&error), 3);
        }
    };
    let ready = format!("{}, ready in {:.2} s", ground.temporal, ground.ready.as_secs_f64());
    found(&mut out, true, "Temporal server", &ready);
    let Some(chosen) = chosen else {
        ground.clear().await;
        return ExitCode::SUCCESS;
    };

    let (progress, _) = mpsc::unbounded_channel();
    let order = Order {
        scenarios: vec![Scenario::parse(NOTHING, "doctor").expect("it is a constant")],
        subject: chosen.subject(&ground, &run),
        target: chosen.target.clone(),
        facts: ground.facts(),
        site: ground.site.clone(),
        temporal: ground.temporal.clone(),
        temporal_ready: ground.ready,
        run: run.clone(),
        seed: rand::random(),
        inert: false,
        repeat: 1,
        jobs: 1,
        defect: None,
        fail_fast: true,
        upstream: None,
        out: scratch.path().to_path_buf(),
    };
    let ended = run_order(order, progress, super::stopped()).await;
    ground.clear().await;
    let records = records(&scratch.path().join(&run).join(format!("{CONTROL}.jsonl")));
    let mut all = true;
    for (what, evidence) in steps(&chosen.target, &records) {
        all &= evidence.is_some();
        found(&mut out, evidence.is_some(), what, evidence.as_deref().unwrap_or_default());
    }
    if let Err(error) = ended {
        return super::fail("doctor", &error.to_string(), 3);
    }
    if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn records(journal: &Path) -> Vec<Record> {
    // What was not written did not happen: each step that lacks its event says so.
    let file = std::fs::File::open(journal).ok();
    file.and_then(|file| journal::read(io::BufReader::new(file)).ok()).unwrap_or_default()
}

/// The way of a workload, with the event that shows that it got so far.
fn steps(target: &Target, records: &[Record]) -> Vec<(&'static str, Option<String>)> {
    let first = |wanted: &dyn Fn(&Event) -> Option<String>| {
        records.iter().find_map(|record| Some(format!("{} {}", record.seq, wanted(&record.event)?)))
    };
    let mut steps = vec![
        (
            "worker started",
            first(&|event| match event {
                Event::WorkerStarted { command, .. } => Some(command.join(" ")),
                _ => None,
            }),
        ),
        (
            "worker polled",
            first(&|event| match event {
                Event::WorkerReady { instance } => Some(instance.to_string()),
                _ => None,
            }),
        ),
        (
            "reached the identity provider",
            first(&|event| match event {
                Event::IdpRequest(request) => Some(request.endpoint.clone()),
                _ => None,
            }),
        ),
        (
            "got a token",
            first(&|event| match event {
                Event::IdpResponse(reply) => reply.issued.first().map(ToString::to_string),
                _ => None,
            }),
        ),
        (
            "reached the API",
            first(&|event| match event {
                Event::ApiRequest(request) => Some(request.target.clone()),
                _ => None,
            }),
        ),
        (
            "token accepted by the API",
            first(&|event| match event {
                Event::ApiResponse(reply) if reply.request.refused.is_none() && reply.status < 400 => {
                    Some(format!("{} {}", reply.request.target, reply.status))
                }
                _ => None,
            }),
        ),
    ];
    if target.api.routes.iter().any(|route| route.effect) {
        steps.push((
            "effect",
            first(&|event| match event {
                Event::ApiResponse(reply) => reply.effect.as_ref().map(|_| reply.request.target.clone()),
                _ => None,
            }),
        ));
    }
    steps.push((
        "workflow completed",
        first(&|event| match event {
            Event::WorkflowClosed { workflow, status: WorkflowStatus::Completed } => Some(workflow.to_string()),
            _ => None,
        }),
    ));
    steps
}
