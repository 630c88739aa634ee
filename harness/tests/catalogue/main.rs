//! The whole catalogue against the built-in target. Each scenario is a test: its verdict is `pass`, and its story is
//! the one in `snapshots/`. So is that of the same target under another name: here for one scenario of each family, for
//! all of them with `cargo test --test catalogue elsewhere -- --include-ignored`.
//!
//! The same scenarios prove that these tests can fail: with faults that change nothing none passes, and known defects
//! of the worker change the stories.

mod batch;
#[path = "../support/mod.rs"]
mod support;
mod world;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;

use batch::{Batch, Ended};
use libtest_mimic::{Arguments, Failed, Trial};
use tokenlapse::journal::{Run, transcript};
use tokenlapse::run::Verdict;
use tokenlapse::scenario::{Scenario, catalogue};
use world::World;

/// A defect, the scenario whose story it changes, and what the story says then.
const DEFECTS: [(&str, &str); 3] = [
    ("refreshes-twice", "expiry-between-activities"),
    ("reuses-refused-token", "early-refusal-before-exp"),
    ("ships-twice", "outage-effect-reply-lost"),
];

type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // A test waits for its scenario and uses no processor meanwhile; how many run at once is the batch's matter.
    arguments.test_threads.get_or_insert(8);
    let world = Arc::new(World::new());
    let scenarios = catalogue().expect("its own tests see to it that it is good");
    let mut trials = Trials { arguments: &arguments, world: &world, trials: Vec::new() };

    let builtin = Batch::new("builtin");
    let elsewhere = Batch::new("elsewhere").against(world.target_elsewhere());
    let inert = Batch::new("inert").with(|order| order.inert = true);
    trials.each("", &scenarios, builtin, passes_with_its_story);
    // That nothing knows the worker by its name does not hang on the scenario.
    let some = one_of_each_family(&scenarios);
    trials.each_but("elsewhere", &scenarios, elsewhere, |id| !some.contains(id), passes_with_its_story);
    let faulty: Vec<_> = scenarios.iter().filter(|scenario| !scenario.faults.is_empty()).cloned().collect();
    trials.each("inert", &faulty, inert, proves_nothing);
    for (defect, id) in DEFECTS {
        let batch = Batch::new(defect).with(move |order| order.defect = Some(defect.to_owned()));
        let scenario: Vec<_> = scenarios.iter().filter(|scenario| scenario.scenario.value == id).cloned().collect();
        assert_eq!(scenario.len(), 1, "{id} is in the catalogue");
        trials.each(defect, &scenario, batch, has_another_story);
    }
    let seeded = Arc::clone(&world);
    trials.trials.push(Trial::test("seed::token-values-come-from-it", move || seeded.seeds()));
    let ids: BTreeSet<String> = scenarios.iter().map(|scenario| scenario.scenario.value.clone()).collect();
    trials.trials.push(Trial::test("snapshots::each-is-of-a-scenario", move || each_snapshot_is_of(&ids)));

    let trials = trials.trials;
    let conclusion = libtest_mimic::run(&arguments, trials);
    let world = Arc::into_inner(world).expect("the tests, which held it, are over");
    world.end(conclusion.has_failed());
    conclusion.exit_code()
}

/// The tests, in the order in which they begin.
struct Trials<'a> {
    arguments: &'a Arguments,
    world: &'a Arc<World>,
    trials: Vec<Trial>,
}

impl Trials<'_> {
    /// One test per scenario, named by `prefix`, or by its family if that is empty. The batch runs only what the command
    /// line asks for.
    fn each(&mut self, prefix: &str, scenarios: &[Scenario], batch: Batch, judge: fn(&str, &Ended) -> Outcome) {
        self.each_but(prefix, scenarios, batch, |_| false, judge);
    }

    /// The same, but some are run only if ignored tests are asked for.
    fn each_but(
        &mut self,
        prefix: &str,
        scenarios: &[Scenario],
        batch: Batch,
        ignored: impl Fn(&str) -> bool,
        judge: fn(&str, &Ended) -> Outcome,
    ) {
        let batch = Arc::new(batch);
        for scenario in scenarios {
            let id = scenario.scenario.value.clone();
            let name = if prefix.is_empty() { &scenario.family.value } else { prefix };
            let (world, own) = (Arc::clone(self.world), Arc::clone(&batch));
            let ignored = ignored(&id);
            let trial = Trial::test(format!("{name}::{id}"), move || judge(&id, &world.wait_for(&own, &id)?));
            let trial = trial.with_ignored_flag(ignored);
            if !self.arguments.is_filtered_out(&trial) && !self.arguments.is_ignored(&trial) {
                batch.want(scenario.clone());
            }
            self.trials.push(trial);
        }
    }
}

/// The first of each.
fn one_of_each_family(scenarios: &[Scenario]) -> BTreeSet<&str> {
    let mut families = BTreeSet::new();
    let first = scenarios.iter().filter(|scenario| families.insert(scenario.family.value.as_str()));
    first.map(|scenario| scenario.scenario.value.as_str()).collect()
}

fn passes_with_its_story(id: &str, run: &Ended) -> Outcome {
    run.has(Verdict::Pass)?;
    support::assert_transcript(id, &Run::new(&run.records));
    Ok(())
}

/// A fault that fires and changes nothing must not count as one that bit.
fn proves_nothing(_: &str, run: &Ended) -> Outcome {
    run.has(Verdict::Vacuous)?;
    let fired = run.report.faults.iter().any(|fault| fault.fired > 0);
    let bit: Vec<_> = run.report.faults.iter().filter(|fault| fault.bit > 0).map(|fault| &fault.id).collect();
    if !fired || !bit.is_empty() {
        return Err(format!("no fault may bite and one must fire: {:?}", run.report.faults).into());
    }
    Ok(())
}

fn has_another_story(id: &str, run: &Ended) -> Outcome {
    let stored = support::stored_transcript(id)?;
    if transcript(&Run::new(&run.records)).trim_end() == stored.trim_end() {
        return Err(format!("the defect does not show in the transcript of {id}").into());
    }
    Ok(())
}

fn each_snapshot_is_of(scenarios: &BTreeSet<String>) -> Outcome {
    let mut stored = BTreeSet::new();
    for entry in std::fs::read_dir(support::snapshots())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        stored.extend(name.strip_suffix(".snap").map(str::to_owned));
    }
    let strays: Vec<_> = stored.symmetric_difference(scenarios).collect();
    if strays.is_empty() {
        Ok(())
    } else {
        Err(format!("a scenario without snapshot, or the other way: {strays:?}").into())
    }
}
