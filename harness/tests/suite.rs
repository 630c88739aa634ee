//! `Suite` as the main of a test executable. This very executable is one, where a variable asks for it; the tests call it
//! so and look at what it says and leaves.

#![cfg(target_os = "linux")]

#[path = "support/observe.rs"]
mod observe;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Output, Stdio};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use observe::{carrying, gone, started_workers};
use reference_worker::{Env, Standard, run_until};
use tokenlapse::journal::Record;
use tokenlapse::scenario::builtin_target;
use tokenlapse::{Dialect, LabEnv, Suite};

/// Asks this executable to be a suite: of a worker `in-process`, or as a `command`.
const PROBE: &str = "SUITE_PROBE";
/// Its journals' directory.
const OUT: &str = "SUITE_PROBE_OUT";
/// Its scenarios, in words.
const SCENARIOS: &str = "SUITE_PROBE_SCENARIOS";
/// Whose ways its identity provider has.
const IDP: &str = "SUITE_PROBE_IDP";
/// The mistake that its worker makes.
const DEFECT: &str = "SUITE_PROBE_DEFECT";

/// By then nothing may be left.
const GRACE: Duration = Duration::from_secs(5);
/// A suite that has not come so far within this time hangs.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("builtin-worker") {
        return worker();
    }
    match std::env::var(PROBE) {
        Ok(kind) => probe(&kind).main(),
        // The probe's children are minded by this executable, which knows nothing of the variable then.
        Err(_) => match tokenlapse::take_over_if_asked() {
            Some(code) => code,
            None => libtest_mimic::run(&Arguments::from_args(), tests()).exit_code(),
        },
    }
}

fn worker() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let env = Env::from_process().expect("the lab's variables");
    if runtime.block_on(reference_worker::run(env)).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn in_process(env: LabEnv) {
    let settings = Env::from_lookup(|name| env.var(name).map(str::to_owned)).expect("the lab's variables");
    run_until(settings, &Standard, env.stopped()).await.expect("it works until it is stopped");
}

fn probe(kind: &str) -> Suite {
    let target = builtin_target().expect("it is good");
    let suite = match kind {
        "in-process" => Suite::of_function(target, in_process),
        "useless" => Suite::of_function(target, |_| async {}),
        _ => Suite::of_target(target),
    };
    let var = |name| std::env::var(name).ok();
    let suite = match var(DEFECT) {
        Some(defect) => suite.defect(defect),
        None => suite,
    };
    let suite = match var(IDP) {
        Some(name) => suite.idp(Dialect::named(&name).expect("a dialect")),
        None => suite,
    };
    let words = var(SCENARIOS).unwrap_or_default();
    suite.scenarios(words.split_whitespace()).out(var(OUT).expect("it is set"))
}

fn tests() -> Vec<Trial> {
    let test = |name: &str, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok::<(), Failed>(())
        })
    };
    vec![
        test("a_function_passes_what_applies_to_it", a_function_passes_what_applies_to_it),
        test("a_defect_fails_with_the_check", a_defect_fails_with_the_check),
        test(
            "the_identity_provider_has_the_ways_that_are_asked_for",
            the_identity_provider_has_the_ways_that_are_asked_for,
        ),
        test("what_is_filtered_out_does_not_run", what_is_filtered_out_does_not_run),
        test("a_list_starts_nothing", a_list_starts_nothing),
        test("a_useless_worker_fails_every_test", a_useless_worker_fails_every_test),
        test("a_wrong_word_is_code_2", a_wrong_word_is_code_2),
        test("kill_9_leaves_nothing", kill_9_leaves_nothing),
    ]
}

fn suite(kind: &str, scenarios: &str, out: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("its path"));
    command.env(PROBE, kind).env(SCENARIOS, scenarios).env(OUT, out).env_remove("TOKENLAPSE_SEED");
    command.stdin(Stdio::null());
    command
}

fn said(done: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}

/// What stands behind a test's name.
fn result<'a>(said: &'a str, name: &str) -> &'a str {
    let line = said.lines().find(|line| line.starts_with("test ") && line.contains(&format!(" {name} ")));
    line.and_then(|line| line.split_once(" ... ")).map_or("", |(_, result)| result)
}

/// Names of the journals of the only run.
fn journals(out: &Path) -> BTreeSet<String> {
    let files = fs::read_dir(out.join("latest")).into_iter().flatten().flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    names.filter_map(|name| name.strip_suffix(".jsonl").map(str::to_owned)).collect()
}

fn a_function_passes_what_applies_to_it() {
    let out = tempfile::tempdir().expect("a folder");
    let words = "early-refusal expiry-herd rotation-restart";
    let done = suite("in-process", words, out.path()).output().expect("it runs");
    let said = said(&done);
    assert_eq!(done.status.code(), Some(0), "{said}");
    for name in ["control", "early-refusal-before-exp", "early-refusal-late-answer", "expiry-herd"] {
        assert_eq!(result(&said, name), "ok", "{name} in {said}");
    }
    let restart = result(&said, "rotation-restart");
    assert!(restart.starts_with("ignored") && restart.contains("the worker is no process of its own"), "{restart}");
    assert!(!journals(out.path()).contains("rotation-restart"));
}

fn a_defect_fails_with_the_check() {
    let out = tempfile::tempdir().expect("a folder");
    let mut suite = suite("command", "early-refusal-before-exp", out.path());
    let done = suite.env(DEFECT, "reuses-refused-token").output().expect("it runs");
    let said = said(&done);
    assert_eq!(done.status.code(), Some(101), "{said}");
    assert_eq!(result(&said, "early-refusal-before-exp"), "FAILED", "{said}");
    assert!(said.contains("no-refused-reuse"), "{said}");
    let journal = said.lines().find_map(|line| line.trim().strip_prefix("journal  "));
    assert!(journal.is_some_and(|journal| Path::new(journal).is_file()), "{said}");
    let again =
        said.lines().find(|line| line.contains("cargo test") && line.contains("--test suite")).expect("a replay");
    assert!(again.contains("TOKENLAPSE_SEED=") && again.ends_with("--exact early-refusal-before-exp"), "{again}");
}

fn the_identity_provider_has_the_ways_that_are_asked_for() {
    let out = tempfile::tempdir().expect("a folder");
    let mut suite = suite("in-process", "early-refusal-before-exp", out.path());
    let done = suite.env(IDP, "okta").output().expect("it runs");
    let said = said(&done);
    assert_eq!(done.status.code(), Some(0), "{said}");
    let journal = fs::File::open(out.path().join("latest/early-refusal-before-exp.jsonl")).expect("a journal");
    let records = tokenlapse::journal::read(std::io::BufReader::new(journal)).expect("it is whole");
    let header = tokenlapse::journal::Run::new(&records).header().expect("the first record").resolved.clone();
    assert_eq!(header["idp"]["dialect"], "okta");
    let told = |record: &Record| serde_json::to_string(record).expect("JSON").contains("\"endpoint\":\"token\"");
    assert!(records.iter().any(told), "it got its token there");
}

fn what_is_filtered_out_does_not_run() {
    let out = tempfile::tempdir().expect("a folder");
    let mut suite = suite("command", "early-refusal expiry", out.path());
    let done = suite.args(["--exact", "early-refusal-before-exp"]).output().expect("it runs");
    let said = said(&done);
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(said.contains("running 1 test"), "{said}");
    let journals = journals(out.path());
    let (controls, others): (Vec<_>, Vec<_>) = journals.iter().partition(|name| name.starts_with("control"));
    assert_eq!((controls.len(), others), (1, vec![&"early-refusal-before-exp".to_owned()]), "{journals:?}");
}

fn a_list_starts_nothing() {
    let out = tempfile::tempdir().expect("a folder");
    let done = suite("command", "early-refusal", out.path()).arg("--list").output().expect("it runs");
    let said = said(&done);
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(said.contains("early-refusal-before-exp: test") && said.contains("control: test"), "{said}");
    assert_eq!(fs::read_dir(out.path()).expect("a folder").count(), 0);
}

fn a_useless_worker_fails_every_test() {
    let out = tempfile::tempdir().expect("a folder");
    let done = suite("useless", "early-refusal", out.path()).output().expect("it runs");
    let said = said(&done);
    assert_eq!(done.status.code(), Some(101), "{said}");
    assert!(!said.contains("... ok"), "{said}");
    assert!(said.contains("ended before it polled (its function returned)"), "{said}");
}

fn a_wrong_word_is_code_2() {
    let out = tempfile::tempdir().expect("a folder");
    let done = suite("command", "early-refusl", out.path()).output().expect("it runs");
    assert_eq!(done.status.code(), Some(2));
    assert!(said(&done).contains("did you mean `early-refusal`?"), "{}", said(&done));
}

fn kill_9_leaves_nothing() {
    let out = tempfile::tempdir().expect("a folder");
    let mut suite = suite("command", "expiry early-refusal outage", out.path());
    let mut child = suite.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    assert!(
        observe::files(out.path(), &child, PATIENCE, || started_workers(out.path()) >= 4),
        "it ended too early to be killed, or no worker starts"
    );
    let run = fs::read_link(out.path().join("latest")).expect("a run").to_string_lossy().into_owned();
    let runs = BTreeSet::from([run]);
    assert!(carrying(&runs).len() > 4, "something runs that could be left");
    child.kill().expect("it runs");
    child.wait().expect("it ended");
    let left = gone(GRACE, || carrying(&runs));
    assert!(left.is_empty(), "left: {left:#?}");
}
