//! What `doctor` finds out.

use super::shared::temporal;
use super::support::{Done, Place, good_target, shell_target};

#[test]
fn the_machine_is_looked_at() {
    let done = Place::new().run("doctor");
    done.has_code(0).shows(&[
        "kernel guard (Landlock)",
        "proxy trap",
        "worker clock (libfaketime)",
        "container engine",
        "pip",
        "ok  Temporal server",
        "ok  Temporal's binary",
    ]);
}

#[test]
fn a_library_that_moves_no_clock_is_shown_and_not_used() {
    let place = Place::new();
    place.write("libfaketime.so", "no library");
    place.write("mine.yaml", &good_target().replace("refresh: on-retry", "refresh: any\n  refresh_margin: 1s"));
    let run = |arguments: &str| {
        let mut command = place.command(arguments);
        Done::of(command.env("TOKENLAPSE_FAKETIME", place.path().join("libfaketime.so")).output().expect("it runs"))
    };
    let done = run("doctor");
    done.has_code(0).shows(&["--  worker clock (libfaketime)"]);
    let words = done.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("is of no use, a program's wall clock does not move under it"), "{words}");

    place.write("fixed.yaml", FIXED_TIME);
    let done = run(&format!(
        "run expiry-between-activities fixed.yaml --target mine.yaml --format json --temporal {}",
        temporal()
    ));
    let report = done.has_code(0).json();
    let verdict_of = |id: &str| {
        let scenarios = report["scenarios"].as_array().expect("a list");
        scenarios.iter().find(|it| it["id"] == id).unwrap_or_else(|| panic!("{id} in {report:#}"))["verdict"].clone()
    };
    // Its token dies in reality, and its worker is started without the preload, of which the loader would complain.
    assert_eq!(verdict_of("expiry-between-activities"), "pass");
    assert_eq!(verdict_of("fixed"), "skipped");
    let journal = std::fs::read_to_string(place.path().join("tokenlapse-out/latest/expiry-between-activities.jsonl"));
    let journal = journal.expect("written");
    assert!(!journal.contains("clock.moved") && !journal.contains("LD_PRELOAD"), "{journal}");
}

/// Time passes, but not until an expiry: no token can be made to live just as long.
const FIXED_TIME: &str = "scenario: fixed
family: expiry
title: A day passes
faults: [{ when: { event: api.response, where: { status: 200 } }, do: { time.pass: { by: 1d } } }]
expect: { outcome: completed }
";

/// A worker that breaks at `step`, and what `doctor` says of it.
fn breaks(target: &str, code: i32, step: &str, said: &[&str]) {
    let place = Place::new();
    place.write("mine.yaml", target);
    let done = place.run(&format!("doctor --patience 2s --target mine.yaml --temporal {}", temporal()));
    done.has_code(code);
    let missing: Vec<&str> = done.out.lines().filter(|line| line.starts_with("  no ")).collect();
    assert!(missing.len() == 1 && missing[0].contains(step), "{step} is the first and only one:\n{}", done.out);
    let all = format!("{} {}", done.out, done.err).split_whitespace().collect::<Vec<_>>().join(" ");
    for text in said {
        assert!(all.contains(text), "`{text}` is missing in\n{}\n{}", done.out, done.err);
    }
}

/// The good target with another value of a variable.
fn with(variable: &str, value: &str) -> String {
    let good = good_target();
    let line = good.lines().find(|line| line.trim_start().starts_with(&format!("{variable}:"))).expect("it is there");
    good.replace(line, &format!("    {variable}: {value}"))
}

#[test]
fn a_good_worker_makes_every_step() {
    let place = Place::new();
    place.write("mine.yaml", &good_target());
    let done = place.run("doctor --target mine.yaml");
    done.has_code(0).shows(&["ok  worker started", "ok  got a token", "ok  had an effect", "ok  workflow completed"]);
    assert!(!done.out.contains("\n  no "), "{}", done.out);
}

#[test]
fn the_identity_provider_has_the_ways_that_are_asked_for() {
    let place = Place::new();
    place.write("mine.yaml", &good_target());
    let done = place.run(&format!("doctor --idp google --target mine.yaml --temporal {}", temporal()));
    done.has_code(0).shows(&["step by step, beside an identity provider with the ways of google", "ok  got a token"]);
    place.run("doctor --idp gogle").has_code(2).tells(&["did you mean `google`?"]);
}

#[test]
fn a_worker_that_does_not_start_or_poll_is_shown_there() {
    breaks(&shell_target("true", "5s").replace("[sh,", "[no-such,"), 3, "worker started", &["no folder of PATH"]);
    breaks(
        &shell_target("echo oh dear", "5s"),
        3,
        "worker polled",
        &["worker.1 has ended: no poll", "{temporal.address}", "exit code 0", "oh dear"],
    );
    let elsewhere = with("TEMPORAL_ADDRESS", "127.0.0.1:7233");
    breaks(&elsewhere, 3, "worker polled", &["gives the worker no `{temporal.address}`"]);
}

#[test]
fn a_worker_on_another_queue_is_shown_there() {
    let said = ["not where workflow SyncOrders is started", "gives the worker no `{workload.task_queue}`"];
    breaks(&with("TASK_QUEUE", "another"), 1, "took the workflow's task", &said);
}

#[test]
fn a_worker_that_gets_no_token_is_shown_there() {
    let elsewhere = with("OAUTH_TOKEN_URL", "http://idp.example.com/token");
    let said =
        ["no request came to the lab's identity provider", "a worker called idp.example.com:80, outside the lab"];
    breaks(&elsewhere, 1, "reached the identity provider", &said);
    let wrong = with("OAUTH_CLIENT_SECRET", "wrong");
    breaks(&wrong, 1, "got a token", &["401 (invalid_client", "gives the worker no `{client.secret}`"]);
}

#[test]
fn a_worker_that_has_trouble_with_the_api_is_shown_there() {
    breaks(&with("API_URL", "http://api.example.com"), 1, "reached the API", &["no request came to the lab's API"]);
    let lacking = with("OAUTH_SCOPES", "orders.write");
    breaks(&lacking, 1, "was let in by the API", &["GET /orders/1 was answered with 403"]);
    let reads = with("OAUTH_SCOPES", "orders.read");
    breaks(&reads, 1, "had an effect", &["POST /orders/1/ship was answered with 403"]);
}
