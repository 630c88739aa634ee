//! The tests that libtest-mimic sees. Each waits for its result of the one run that goes on meanwhile, so that all can
//! run at once and each is told as soon as it has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use super::conduct::{Conduct, Why};
use super::place;
use crate::report::Text;
use crate::run::{CONTROL, Plan, ScenarioReport, Verdict, new_run_id, numbered};
use crate::scenario::{Group, Scenario};

/// Runs what the arguments leave of a plan.
pub(super) fn run(mut arguments: Arguments, conduct: Conduct, mut plan: Plan, scenarios: &[Scenario]) -> ExitCode {
    let run = new_run_id();
    let unmet: BTreeSet<&str> = plan.unmet().collect();
    let teller = Teller { why: Why::default(), directory: conduct.out.join(&run), again: place::again(conduct.seed) };
    let takes_long = |scenario: &Scenario| Group::of(scenario) == Group::Slow;
    let all = arguments.ignored || arguments.include_ignored;

    let mut trials = Vec::new();
    let mut senders = BTreeMap::new();
    let mut add = |name: String, kind: &str, ignored: bool, late: bool| {
        let (sender, receiver) = channel();
        let teller = teller.clone();
        let trial = Trial::ignorable_test(name.clone(), move || {
            if late {
                return Ok(Completion::ignored_with("it takes long: `--include-ignored` runs it"));
            }
            teller.result(&receiver)
        });
        // With the flag no reason would be shown; but whoever asks for a list, or for what is ignored, goes by it.
        trials.push(trial.with_kind(kind).with_ignored_flag(ignored && (all || arguments.list)));
        senders.insert(name, sender);
    };
    for control in plan.controls() {
        add(control, CONTROL, false, false);
    }
    let mut late = BTreeSet::new();
    for scenario in scenarios {
        let id = scenario.scenario.value.as_str();
        let unmet = unmet.contains(id);
        let is_late = takes_long(scenario) && !all && !unmet;
        if is_late {
            late.insert(id.to_owned());
        }
        add(id.to_owned(), &scenario.family.value, takes_long(scenario) || unmet, is_late);
    }
    let wanted: BTreeSet<String> = trials
        .iter()
        .filter(|trial| !arguments.is_filtered_out(trial) && !arguments.is_ignored(trial))
        .map(|trial| trial.name().to_owned())
        .filter(|name| !late.contains(name))
        .collect();
    drop(unmet);
    plan.keep(|name| wanted.contains(name));

    let running = (!arguments.list && !wanted.is_empty()).then(|| {
        let why = teller.why.clone();
        thread::spawn(move || conduct.run(run, plan, &why, move |report| hand_on(&senders, report)))
    });
    // They only wait; how many scenarios run at once is the run's business.
    arguments.test_threads = Some(trials.len().max(2));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(running) = running {
        // Its server ends with it. Were it to panic, every test would have failed by now.
        let _ = running.join();
    }
    conclusion.exit_code()
}

fn hand_on(senders: &BTreeMap<String, Sender<ScenarioReport>>, report: ScenarioReport) {
    if let Some(sender) = senders.get(&numbered(&report.id, report.repeat)) {
        // A control runs though nobody asks for its test.
        let _ = sender.send(report);
    }
}

/// Makes results of reports.
#[derive(Clone)]
struct Teller {
    why: Why,
    /// The run's journals.
    directory: PathBuf,
    /// What repeats a test, up to its name.
    again: String,
}

impl Teller {
    fn result(&self, report: &Receiver<ScenarioReport>) -> Result<Completion, Failed> {
        let Ok(report) = report.recv() else { return Err(self.why.told().into()) };
        match report.verdict {
            Verdict::Pass | Verdict::Known => Ok(Completion::Completed),
            Verdict::NotApplicable | Verdict::Skipped => {
                Ok(Completion::ignored_with(format!("{}: {}", report.verdict.name(), report.reason)))
            }
            Verdict::Fail | Verdict::Vacuous | Verdict::Invalid => Err(self.trouble(&report).into()),
        }
    }

    fn trouble(&self, report: &ScenarioReport) -> String {
        let text = Text { directory: self.directory.clone(), replay: Some((self.again.clone(), String::new())) };
        let mut told = Vec::new();
        text.trouble(report, &mut told).expect("memory takes everything");
        format!("{}: {}", report.verdict.name(), String::from_utf8_lossy(&told).trim())
    }
}
