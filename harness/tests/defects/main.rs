//! Every check is proved able to fail, and every verdict but `pass` to be given: the reference worker makes its known
//! mistakes, one at a time, and targets and scenarios go wrong in known ways.

mod table;
mod verdicts;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use world::World;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each test waits for a command of its own; more at once would only wait for each other.
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    arguments.test_threads.get_or_insert(2 * processors);
    let world = Arc::new(World::new());
    let mut trials = vec![
        Trial::test("table::each-check-and-each-defect-is-in-it", table::is_complete),
        Trial::test("correct::passes-where-defects-are-killed", {
            let world = Arc::clone(&world);
            move || table::the_correct_worker_passes(&world)
        }),
    ];
    for kill in table::KILLS {
        let world = Arc::clone(&world);
        trials.push(Trial::test(format!("killed::{}", kill.defect), move || kill.holds(&world)));
    }
    for (name, test) in verdicts::ALL {
        let world = Arc::clone(&world);
        trials.push(Trial::test(format!("verdict::{name}"), move || test(&world)));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    world.end();
    conclusion.exit_code()
}
