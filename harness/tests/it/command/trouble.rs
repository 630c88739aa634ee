//! Bad input and trouble: what is said, which code it ends with, and that nothing is harmed.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use super::support::{Done, Place, good_target, shell_target};

const SCENARIO: &str = "scenario: mine\nfamily: own\ntitle: T\nfaults:\n  - { id: a, when: { event: api.response }, \
                        do: { api.respond: { status: 503 } } }\n";

#[test]
fn a_wrong_file_is_told_with_its_place_and_starts_nothing() {
    let target = shell_target("true", "3s");
    let double = "  - { id: a, do: { time.pass: { by: 5m } } }\n";
    for (name, text, said) in [
        ("t.yaml", target.replace("command:", "comand:"), ["t.yaml:3:3", "`command`"]),
        ("t.yaml", target.replace("3s", "3 parsecs"), ["t.yaml:4:18", "`5m`"]),
        ("t.yaml", target.replace("3s", "[3]"), ["t.yaml:4:18", "a duration such as"]),
        ("t.yaml", target.replace("true", "{idp.isuer}"), ["t.yaml:3:", "`idp.issuer`"]),
        ("s.yaml", SCENARIO.replace("faults", "fault"), ["s.yaml:4:1", "`faults`"]),
        ("s.yaml", SCENARIO.replace("api.response", "api.respons"), ["s.yaml:5:29", "`api.response`"]),
        ("s.yaml", SCENARIO.replace("api.respond:", "api.respnd:"), ["s.yaml:5:", "`api.respond`"]),
        ("s.yaml", SCENARIO.replace("503", "many"), ["s.yaml:5:", "status"]),
        ("s.yaml", format!("{SCENARIO}{double}"), ["s.yaml:6:", "`a`"]),
    ] {
        let place = Place::new();
        place.write(name, &text);
        let done = place.run(&if name == "t.yaml" { "run --target t.yaml".to_owned() } else { format!("run {name}") });
        done.has_code(2).tells(&said);
        assert!(done.out.is_empty() && place.runs("tokenlapse-out").is_empty(), "nothing is started for\n{text}");
    }
}

#[test]
fn wrong_usage_is_told_and_starts_nothing() {
    let place = Place::new();
    place.write("a.yaml", SCENARIO);
    place.write("b.yaml", SCENARIO);
    for (arguments, said) in [
        ("-j 0", "a number from 1 to 256"),
        ("-j 257", "a number from 1 to 256"),
        ("--repeat 0", "a number from 1 on"),
        ("--seed soon", "--seed"),
        ("--format yaml", "[possible values: text, json]"),
        ("--temporal nonsense", "`dev`, `docker`, or HOST:PORT"),
        ("--defect ship-twice", "did you mean `ships-twice`?"),
        ("--target missing.yaml", "missing.yaml cannot be read"),
        ("expirey", "did you mean `expiry`? `tokenlapse list` shows all\n"),
        ("zzzzzzzzzz", "`zzzzzzzzzz` is no scenario, family or group: `tokenlapse list` shows all\n"),
        ("nothing-*", "`tokenlapse list` shows all names"),
        ("a.yaml b.yaml", "two scenarios are named `mine`"),
    ] {
        let done = place.run(&format!("run {arguments}"));
        done.has_code(2).tells(&[said]);
        assert!(!place.path().join("tokenlapse-out").exists(), "{arguments} starts nothing");
    }
}

#[test]
fn a_worker_of_no_use_ends_the_run_at_the_first_one_with_code_3() {
    // 25 lines, of which 20 are shown.
    let talks = "i=1; while [ $i -le 25 ]; do echo line $i.; i=$((i+1)); done";
    for (target, said, unsaid) in [
        (shell_target(&format!("{talks}; exit 7"), "30s"), &["exit code 7", "line 6.", "line 25."][..], "line 5."),
        (shell_target(&format!("{talks}; sleep 100"), "1s"), &["within 1s", "line 6.", "line 25."], "line 5."),
        (
            shell_target("true", "1s").replace("[sh,", "[no-such-program,"),
            &["`no-such-program` could not be started: No such file", "no folder of PATH holds it"],
            "its last lines",
        ),
        (
            shell_target("true", "1s").replace("[sh,", "[./no-such-program,"),
            &["there is no", "./no-such-program: a path starts from the target file's folder"],
            "its last lines",
        ),
    ] {
        let place = Place::new();
        place.write("tokenlapse.yaml", &target);
        let mut command = place.command("run -j 1");
        let done = Done::of(command.env("MY_PRECIOUS", "x").output().expect("it runs"));
        done.has_code(3).tells(said).tells(&["`inherit_env: [NAME]`", "MY_PRECIOUS"]);
        assert!(!done.err.contains(unsaid), "{unsaid} in\n{}", done.err);
        let runs = place.runs("tokenlapse-out");
        assert!(Place::journals(&runs[0]).len() <= 1, "nothing else was tried: {:?}", Place::journals(&runs[0]));
    }
}

#[test]
fn without_a_temporal_binary_and_a_network_the_ways_to_one_are_named() {
    let place = Place::new();
    // A cache that was cut short, which must not be run.
    let entry = format!("temporal-1.9.1-{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    let cache = place.path().join("cache/tokenlapse");
    std::fs::create_dir_all(&cache).expect("made");
    std::fs::write(cache.join(&entry), "#!/bin/sh\ntouch /tmp/never\n").expect("written");
    std::fs::write(cache.join(format!("{entry}.sha256")), "0000\n").expect("written");
    let mut command = place.command("run early-refusal");
    command.env_clear().env("PATH", "").env("HOME", place.path()).env("XDG_CACHE_HOME", place.path().join("cache"));
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        command.env(proxy, "http://127.0.0.1:1");
    }
    let done = Done::of(command.output().expect("it runs"));
    done.has_code(3).tells(&["--temporal-bin", "TOKENLAPSE_TEMPORAL_BIN", "PATH", "pip", "--temporal HOST:PORT"]);
    assert!(place.runs("tokenlapse-out").is_empty(), "no empty directory is left");
}

#[test]
fn a_server_of_ones_own_that_is_none_is_code_3() {
    let place = Place::new();
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let nobody = place.run(&format!("run early-refusal --temporal 127.0.0.1:{port}"));
    nobody.has_code(3).tells(&[&format!(
        "answers at 127.0.0.1:{port}: connection refused; does a server run there, are host and port right"
    )]);
    assert!(!nobody.err.contains("ransport"), "nothing is said in gRPC's terms: {}", nobody.err);
    // Something else, which does not speak gRPC.
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = other.local_addr().expect("an address").port();
    std::thread::spawn(move || other.incoming().flatten().for_each(drop));
    let other = place.run(&format!("run early-refusal --temporal 127.0.0.1:{port}"));
    other.has_code(3).tells(&["something takes connections there", "without TLS?"]);
    let name = place.run("run early-refusal --temporal no-such-host.invalid:7233");
    name.has_code(3).tells(&["answers at no-such-host.invalid:7233: its name is not known"]);
    assert!(place.runs("tokenlapse-out").is_empty(), "no empty directory is left");
}

#[test]
fn a_binary_that_says_nothing_is_told_as_such() {
    let done = Place::new().run("run early-refusal --temporal-bin /bin/true");
    done.has_code(3).tells(&["ended at once (exit code 0); it said nothing: is its binary the Temporal CLI"]);
}

#[test]
fn the_output_directory_is_never_harmed() {
    let place = Place::new();
    place.write("file", "precious");
    place.run("run early-refusal-before-exp --out file/out").has_code(3).tells(&["--out DIR"]);
    assert_eq!(std::fs::read_to_string(place.path().join("file")).expect("there"), "precious");

    std::fs::create_dir_all(place.path().join("out/latest/mine")).expect("made");
    let done = place.run("run early-refusal-before-exp --out out");
    done.has_code(0).tells(&["out/latest is not changed"]);
    assert!(place.path().join("out/latest/mine").exists(), "the user's own is kept");
    assert_eq!(place.runs("out").len(), 1, "nothing but the run is left: {:?}", place.runs("out"));
}

#[test]
fn two_runs_at_once_do_not_meet() {
    let place = Place::new();
    let start = || place.command("run early-refusal-before-exp --seed 7").spawn().expect("it runs");
    let both = [start(), start()].map(|child| Done::of(child.wait_with_output().expect("it ends")));
    for done in &both {
        done.has_code(0);
    }
    let runs = place.runs("tokenlapse-out");
    assert_eq!(runs.len(), 2);
    for run in &runs {
        assert_eq!(Place::journals(run), ["control.jsonl", "early-refusal-before-exp.jsonl"]);
        assert_eq!(std::fs::read_dir(run).expect("there").count(), 2, "no temporary files are left in {run:?}");
    }
    let latest = std::fs::canonicalize(place.path().join("tokenlapse-out/latest")).expect("it leads somewhere");
    assert!(runs.iter().any(|run| run.canonicalize().expect("there") == latest));
}

#[test]
fn a_reader_that_goes_away_changes_nothing() {
    let place = Place::new();
    for arguments in
        ["list", "schema target", "schema report", "schema check", "explain expiry", "run early-refusal-before-exp"]
    {
        let mut child = place.command(arguments).spawn().expect("it runs");
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
        child.wait().expect("it ends");
        assert!(!said.contains("panicked"), "{arguments}: {said}");
    }
}

#[cfg(target_os = "linux")]
mod interrupted {
    use std::process::Child;

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;
    use crate::observe;

    /// Waits until so many scenario runs have ended.
    fn wait_for_ends(place: &Place, command: &Child, wanted: usize) {
        let so_many = || {
            // `latest` is made under a name with a dot, which may be gone before it is looked into.
            let is_run = |run: &PathBuf| !run.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            let texts = place.runs("tokenlapse-out").into_iter().filter(is_run).flat_map(|run| {
                Place::journals(&run).into_iter().map(move |name| std::fs::read_to_string(run.join(name)))
            });
            texts.flatten().filter(|text| text.contains("\"run.ended\"")).count() >= wanted
        };
        assert!(observe::files(place.path(), command, Duration::from_secs(60), so_many), "nothing ran");
    }

    #[test]
    fn what_had_ended_before_is_reported_with_code_130() {
        for (format, said) in [("json", "\"interrupted\": true"), ("text", "interrupted: this is what had ended")] {
            let place = Place::new();
            let arguments = format!("run early-refusal-before-exp --repeat 100 -j 1 --format {format}");
            let child = place.command(&arguments).spawn().expect("it runs");
            wait_for_ends(&place, &child, 3);
            // As `timeout` does: the process, and then its group, of which it is one.
            for signal in [Signal::TERM, Signal::INT] {
                kill_process(Pid::from_child(&child), signal).expect("it runs");
            }
            let done = Done::of(child.wait_with_output().expect("it ends"));
            done.has_code(130).shows(&[said, "early-refusal-before-exp"]);
            if format == "json" {
                let passed = done.json()["totals"]["pass"].as_u64().expect("a number");
                assert!((2..50).contains(&passed), "those that had ended: {passed}");
            }
        }
    }

    #[test]
    fn once_more_ends_it_at_once() {
        let place = Place::new();
        let mut child = place.command("run early-refusal-before-exp --repeat 100 -j 1").spawn().expect("it runs");
        wait_for_ends(&place, &child, 1);
        // A server that cannot be ended: the first request would wait for it for ever.
        let minder = server_minder(child.id());
        kill_process(minder, Signal::STOP).expect("it runs");
        let pid = Pid::from_child(&child);
        kill_process(pid, Signal::INT).expect("it runs");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let heard = lines.any(|line| line.expect("text").contains("once more ends it at once"));
        assert!(heard, "it says how to end it");
        // Two signals that come together are one, so this may take a second.
        let ended = (0..400).find_map(|_| {
            kill_process(pid, Signal::INT).expect("it is there until it was waited for");
            observe::ended(&mut child, Duration::from_millis(50))
        });
        kill_process(minder, Signal::CONT).expect("it is there");
        if ended.is_none() {
            child.kill().expect("its own child");
        }
        assert_eq!(ended.expect("the second signal ends it").code(), Some(130));
    }

    /// The minder of a command's Temporal server.
    fn server_minder(command: u32) -> Pid {
        let ids = std::fs::read_dir("/proc").expect("Linux").flatten();
        let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        // Not every kernel lists a process's children; each process names its parent, after its bracketed name and state.
        let is_child = |pid: &i32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
            rest.split(' ').nth(1) == Some(command.to_string().as_str())
        };
        let serves = |pid: &i32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            is_child(pid) && String::from_utf8_lossy(&line).contains("start-dev")
        };
        Pid::from_raw(ids.into_iter().find(serves).expect("a server's minder")).expect("no zero")
    }
}

#[test]
fn only_as_many_run_at_once_as_asked_for() {
    let overlaps = |jobs: usize| -> Option<bool> {
        let place = Place::new();
        place.run(&format!("run early-refusal-before-exp --repeat 4 -j {jobs}")).has_code(0);
        let run = place.runs("tokenlapse-out").remove(0);
        let mut spans = Vec::new();
        for name in Place::journals(&run) {
            let file = std::fs::metadata(run.join(name)).expect("there");
            // Not every file system knows it.
            spans.push((file.created().ok()?, file.modified().ok()?));
        }
        spans.sort();
        Some(spans.windows(2).any(|pair| pair[1].0 < pair[0].1))
    };
    assert_ne!(overlaps(1), Some(true), "one after another");
    assert_ne!(overlaps(4), Some(false), "four at once");
}

#[test]
fn fail_fast_leaves_out_what_has_not_begun() {
    let place = Place::new();
    place.write("mine.yaml", &good_target());
    let arguments = "run outage-effect-reply-lost --repeat 20 -j 1 --defect ships-twice --target mine.yaml";
    let done = place.run(&format!("{arguments} --fail-fast --format json"));
    assert_eq!(done.has_code(1).json()["totals"]["fail"], 1);
}
