//! Scenarios of the catalogue, and one of our own, as tests of our worker.

use std::process::ExitCode;

use tokenlapse::{LabEnv, Suite};

fn main() -> ExitCode {
    Suite::of_function("tokenlapse.yaml", |env: LabEnv| async move {
        shop::work(|name| env.var(name).map(str::to_owned), env.stopped()).await;
    })
    .scenarios(["early-refusal", "revocation", "rotation"])
    .scenario_file("tests/lapse-then-outage.yaml")
    .main()
}
