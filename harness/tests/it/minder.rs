//! Worker processes under a minder, driven from outside: what they write, how they end, and that nothing is left.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "test helpers fail like tests; output is for the reader")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tokenlapse::journal::{Event, Instance, Journal, Stream};
use tokenlapse::lab::egress::EgressTrap;
use tokenlapse::lab::worker::{
    Environment, Exit, Gone, Launch, LaunchError, Launcher, Output, Process, StartError, WorkerProcess, WorkerStart,
};

fn launcher() -> Launcher {
    Launcher { executable: PathBuf::from(env!("CARGO_BIN_EXE_tokenlapse")) }
}

/// A shell script as a worker of the run `run`.
fn script(run: &str, script: &str) -> Launch {
    let path = std::env::var_os("PATH").expect("there is a PATH");
    Launch {
        program: "sh".into(),
        args: vec!["-c".into(), script.into()],
        env: BTreeMap::from([("PATH".into(), path), ("TOKENLAPSE_RUN".into(), run.into())]),
        cwd: std::env::temp_dir(),
        allowed_ports: None,
    }
}

async fn spawn(launch: Launch) -> (Process, Output) {
    launcher().spawn(launch).await.unwrap()
}

/// A run's id that no other test and no other run of this one has.
fn run_id(test: &str) -> String {
    format!("{test}-{}", std::process::id())
}

#[tokio::test]
async fn exit_codes_and_signals_are_reported_as_they_were() {
    for (text, expected) in [
        ("exit 0", Exit::Code(0)),
        ("exit 3", Exit::Code(3)),
        ("kill -SEGV $$", Exit::Signal(11)),
        ("kill -KILL $$", Exit::Signal(9)),
    ] {
        let (process, _output) = spawn(script("exit", text)).await;
        assert_eq!(process.wait().await, expected, "{text}");
        assert_eq!(process.ended(), Some(expected));
        assert_eq!(process.terminate().await, Err(Gone(expected)));
    }
}

#[tokio::test]
async fn what_cannot_be_started_is_an_error_that_says_what() {
    let missing = Launch { program: "no-such-program".into(), ..script("missing", "") };
    match launcher().spawn(missing).await {
        Err(LaunchError::Program { program, source }) => {
            assert_eq!(program, "no-such-program");
            assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
        }
        other => panic!("{other:?}"),
    }
    let nowhere = Launch { cwd: "/no/such/directory".into(), ..script("nowhere", "") };
    assert!(matches!(launcher().spawn(nowhere).await, Err(LaunchError::WorkingDirectory { .. })));
    let not_there = Launcher { executable: "/no/such/minder".into() };
    assert!(matches!(not_there.spawn(script("minder", "")).await, Err(LaunchError::Minder { .. })));
}

#[tokio::test]
async fn a_program_with_a_slash_starts_from_the_working_directory() {
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/bin/sh", directory.path().join("worker")).unwrap();
    let launch =
        Launch { program: "./worker".into(), cwd: directory.path().to_path_buf(), ..script("slash", "exit 5") };
    let (process, _output) = spawn(launch).await;
    assert_eq!(process.wait().await, Exit::Code(5));
}

#[tokio::test]
async fn a_kill_is_confirmed_when_nobody_is_left() {
    let run = run_id("kill");
    let (process, mut output) = spawn(script(&run, FAMILY)).await;
    up(&mut output).await;
    let before = left::of(&run);
    assert!(before.len() > MEMBERS, "{before:?}");
    assert_eq!(process.kill().await, Exit::Signal(9));
    assert_eq!(left::of(&run), NOBODY);
}

#[tokio::test]
async fn what_outlives_the_program_is_ended_and_its_end_is_still_the_programs() {
    let run = run_id("outlive");
    let (process, _output) = spawn(script(&run, "setsid sleep 1000 & (sleep 1000 &) ; exit 4")).await;
    assert_eq!(process.wait().await, Exit::Code(4));
    assert_eq!(left::of(&run), NOBODY);
}

#[tokio::test]
async fn a_process_group_that_kills_itself_does_not_take_the_minder_along() {
    let run = run_id("group");
    let (process, _output) = spawn(script(&run, "setsid sleep 1000 & kill -KILL 0")).await;
    assert_eq!(process.wait().await, Exit::Signal(9));
    assert_eq!(left::of(&run), NOBODY);
}

#[tokio::test]
async fn sigterm_reaches_the_program_and_gives_it_time() {
    let (process, mut output) =
        spawn(script("term", "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 1000 & wait; done")).await;
    assert_eq!(output.stdout.next().await.unwrap().as_deref(), Some("up"));
    process.terminate().await.unwrap();
    assert_eq!(output.stdout.next().await.unwrap().as_deref(), Some("bye"));
    assert_eq!(process.wait().await, Exit::Code(7));
}

#[tokio::test]
async fn a_dropped_process_is_ended() {
    let run = run_id("drop");
    let (process, mut output) = spawn(script(&run, FAMILY)).await;
    up(&mut output).await;
    drop(process);
    // The minder keeps both pipes open until it has ended everyone.
    while output.stdout.next().await.unwrap().is_some() {}
    left::end_of(&run);
}

/// Four members apart from the shell, each harder to get hold of than the one before; each says when it is there.
const FAMILY: &str = "
    trap '' TERM HUP
    sh -c 'echo up; exec sleep 1000' &
    setsid sh -c 'echo up; exec sleep 1000' &
    (setsid sh -c '(trap \"\" TERM HUP INT; sh -c \"echo up; exec sleep 1000\" &)' &)
    (sh -c 'sh -c \"echo up; exec sleep 1000\" & kill -KILL $$' &)
    while :; do sleep 1000; done
";

const NOBODY: [i32; 0] = [];

/// How many lines say `up`.
const MEMBERS: usize = 4;

async fn up(output: &mut Output) {
    for _ in 0..MEMBERS {
        assert_eq!(output.stdout.next().await.unwrap().as_deref(), Some("up"));
    }
}

/// Finds processes by the run's id in their environment.
#[cfg(target_os = "linux")]
mod left {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    /// Ids of the live processes of the run.
    pub(super) fn of(run: &str) -> Vec<i32> {
        let wanted = format!("TOKENLAPSE_RUN={run}");
        let carries = |pid: &i32| {
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.split(|&byte| byte == 0).any(|var| var == wanted.as_bytes())
        };
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(carries).collect()
    }

    /// Waits until each process of the run has ended.
    pub(super) fn end_of(run: &str) {
        for pid in of(run) {
            let Ok(descriptor) = pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()) else { continue };
            let limit = Timespec { tv_sec: 5, tv_nsec: 0 };
            let ended = poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&limit)).unwrap();
            assert_eq!(ended, 1, "process {pid} is left");
        }
        assert_eq!(of(run), super::NOBODY);
    }
}

/// Where there is no `/proc`, nothing can be found this way.
#[cfg(not(target_os = "linux"))]
mod left {
    pub(super) fn of(_run: &str) -> Vec<i32> {
        Vec::new()
    }

    pub(super) fn end_of(_run: &str) {}
}

const HELPER_RUN: &str = "TOKENLAPSE_TEST_RUN";

/// Not a test: what the next one starts and kills.
#[tokio::test]
#[ignore = "run by `nothing_is_left_when_the_harness_is_killed`"]
async fn harness_that_will_be_killed() {
    let run = std::env::var(HELPER_RUN).expect("it is started by a test");
    let (process, mut output) = spawn(script(&run, FAMILY)).await;
    up(&mut output).await;
    println!("family is up");
    process.wait().await;
}

#[test]
fn nothing_is_left_when_the_harness_is_killed() {
    let run = run_id("harness");
    let mut harness = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "minder::harness_that_will_be_killed", "--nocapture"])
        .env(HELPER_RUN, &run)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(harness.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("family is up")));
    if cfg!(target_os = "linux") {
        assert!(left::of(&run).len() > MEMBERS);
    }
    harness.kill().unwrap();
    harness.wait().unwrap();
    left::end_of(&run);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_stopped_process_is_stopped_with_its_descendants_and_goes_on() {
    let state = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit(") ").next().unwrap().chars().next().unwrap()
    };
    // The child tells its process id, then answers nothing until it is asked by a signal.
    let (process, mut output) = spawn(script(
        "stop",
        "setsid sh -c 'trap \"echo alive\" USR1; echo $$; while :; do sleep 1000 & wait; done' & wait",
    ))
    .await;
    let child = output.stdout.next().await.unwrap().unwrap();
    process.stop().await.unwrap();
    // A signal is on its way when it is confirmed; that it has come can be watched.
    for pid in [child.clone(), process.pid().to_string()] {
        while state(&pid) != 'T' {
            tokio::task::yield_now().await;
        }
    }
    assert!(Command::new("kill").args(["-USR1", &child]).status().unwrap().success());
    assert_eq!(state(&child), 'T');
    process.resume().await.unwrap();
    assert_eq!(output.stdout.next().await.unwrap().as_deref(), Some("alive"));
    // One that is stopped can be ended, too.
    process.stop().await.unwrap();
    assert_eq!(process.kill().await, Exit::Signal(9));
}

/// A listener, and a script whose exit code says whether it could be connected to.
fn door() -> (std::net::TcpListener, u16, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port, format!("exec 3<>/dev/tcp/127.0.0.1/{port}"))
}

#[tokio::test]
async fn the_guard_lets_through_what_is_allowed_and_nothing_else() {
    let (_open, allowed, knock) = door();
    let (_closed, _, knock_elsewhere) = door();
    let launch =
        |text: &str| Launch { program: "bash".into(), allowed_ports: Some(vec![allowed]), ..script("guard", text) };
    let (process, _output) = spawn(launch(&knock)).await;
    assert_eq!(process.guarded(), tokenlapse::lab::worker::guard::available());
    assert_eq!(process.wait().await, Exit::Code(0));
    if !process.guarded() {
        println!("skipped: this kernel has no Landlock for TCP (Linux 6.7 or later, enabled)");
        return;
    }
    let (process, mut output) = spawn(launch(&knock_elsewhere)).await;
    assert_ne!(process.wait().await, Exit::Code(0));
    let why = output.stderr.next().await.unwrap().unwrap();
    assert!(why.contains("Permission denied"), "{why}");
}

/// A worker of `w1.1` whose HTTP clients are led to a trap.
async fn worker(journal: &Journal, command: &[&str]) -> (Result<WorkerProcess, StartError>, EgressTrap) {
    let instance = Instance::of("w1", 1);
    let trap = EgressTrap::open(journal, Some(instance.clone())).await.unwrap();
    let caller = std::env::vars_os().chain([(OsString::from("NOT_FOR_WORKERS"), OsString::from("x"))]);
    let environment = Environment::new(caller, &[], &run_id("worker"), trap.address(), &std::env::temp_dir()).unwrap();
    let start = WorkerStart {
        instance,
        command: command.iter().map(ToString::to_string).collect(),
        environment,
        cwd: std::env::temp_dir(),
        allowed_ports: None,
    };
    (WorkerProcess::start(journal, &launcher(), start).await, trap)
}

fn events(journal: &Journal) -> Vec<Event> {
    journal.records().iter().map(|record| record.event.clone()).collect()
}

fn output(stream: Stream, line: &str) -> Event {
    Event::WorkerOutput { instance: Instance::of("w1", 1), stream, line: line.to_owned() }
}

fn exited(exit: Exit, expected: bool) -> Event {
    Event::WorkerExited { instance: Instance::of("w1", 1), code: exit.code(), signal: exit.signal(), expected }
}

#[tokio::test]
async fn a_workers_life_is_recorded_its_end_last() {
    let journal = Journal::in_memory();
    let command = ["sh", "-c", "for n in 1 2 3; do echo $n; done; exit 3"];
    let (worker, _trap) = worker(&journal, &command).await;
    let worker = worker.unwrap();
    assert_eq!(worker.recorded().await, Exit::Code(3));
    let started = Event::WorkerStarted {
        instance: Instance::of("w1", 1),
        command: command.iter().map(ToString::to_string).collect(),
    };
    let lines = ["1", "2", "3"].map(|line| output(Stream::Stdout, line));
    let expected: Vec<Event> = [started].into_iter().chain(lines).chain([exited(Exit::Code(3), false)]).collect();
    assert_eq!(events(&journal), expected);
    // Told to end too late, it still ended by itself.
    worker.kill().await;
    assert_eq!(worker.exited(), Some(Exit::Code(3)));
}

#[tokio::test]
async fn an_end_that_the_lab_brought_about_is_expected() {
    let journal = Journal::in_memory();
    let (worker, _trap) = worker(&journal, &["sh", "-c", "echo up >&2; exec sleep 1000"]).await;
    let worker = worker.unwrap();
    let limit = std::time::Duration::from_secs(10);
    journal.seen(limit, |record| record.event == output(Stream::Stderr, "up")).await.unwrap();
    worker.kill().await;
    worker.recorded().await;
    assert_eq!(events(&journal).pop(), Some(exited(Exit::Signal(9), true)));
}

#[tokio::test]
async fn an_error_has_the_last_lines_of_each_output_and_what_was_withheld() {
    let journal = Journal::in_memory();
    let script = "echo it broke >&2; n=0; while [ $n -lt 30 ]; do n=$((n+1)); echo $n; done; exit 1";
    let (worker, _trap) = worker(&journal, &["sh", "-c", script]).await;
    let worker = worker.unwrap();
    worker.recorded().await;
    let (of_stderr, of_stdout): (Vec<_>, Vec<_>) = worker.last_lines().into_iter().partition(|line| line == "it broke");
    assert_eq!(of_stderr.len(), 1, "a flood does not hide it");
    assert_eq!(of_stdout, (11..=30).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(worker.withheld().contains(&"NOT_FOR_WORKERS".to_owned()));
}

#[tokio::test]
async fn a_worker_that_does_not_start_leaves_no_record() {
    let journal = Journal::in_memory();
    let (missing, _trap) = worker(&journal, &["no-such-worker"]).await;
    let Err(error) = missing else { panic!("it started") };
    assert_eq!(error.to_string(), "`no-such-worker` could not be started");
    let (empty, _trap) = worker(&journal, &[]).await;
    assert!(matches!(empty, Err(StartError::Empty)));
    assert_eq!(events(&journal), []);
}

#[tokio::test]
async fn a_client_that_honours_the_proxy_variables_is_named_and_refused() {
    let journal = Journal::in_memory();
    // What every client does first: connect to the proxy that the variable names, and ask for a tunnel.
    let text = r#"
        proxy=${https_proxy#http://}
        exec 3<>"/dev/tcp/${proxy%:*}/${proxy#*:}"
        printf 'CONNECT login.example.com:443 HTTP/1.1\r\nHost: login.example.com:443\r\n\r\n' >&3
        read -r answer <&3
        echo "${answer%?}"
    "#;
    let (worker, _trap) = worker(&journal, &["bash", "-c", text]).await;
    assert_eq!(worker.unwrap().recorded().await, Exit::Code(0));
    let events = events(&journal);
    let attempt =
        Event::EgressAttempt { instance: Some(Instance::of("w1", 1)), host: "login.example.com".to_owned(), port: 443 };
    assert!(events.contains(&attempt), "{events:?}");
    assert!(events.contains(&output(Stream::Stdout, "HTTP/1.1 403 Forbidden")), "{events:?}");
}
