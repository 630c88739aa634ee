//! The command ends in the middle of a run, by SIGKILL, SIGTERM or Ctrl-C: nothing of it is left, and what it had written
//! is readable.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::BufReader;
use std::panic::resume_unwind;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokenlapse::journal;

use crate::observe::{self, carrying, gone, processes, started_workers};

/// By then nothing may be left.
const GRACE: Duration = Duration::from_secs(5);
/// A run that does not end by itself within this time hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A worker that is a shell with children and a grandchild, one of them in a session of its own.
const TARGET: &str = r#"
target: family
worker:
  command: [sh, -c, "sleep 300 & (setsid sleep 300 &) ; (sleep 300; true) & exec '{tokenlapse}' builtin-worker"]
  env:
    TEMPORAL_ADDRESS: "{temporal.address}"
    TEMPORAL_NAMESPACE: "{temporal.namespace}"
    OAUTH_TOKEN_URL: "{idp.token_url}"
    OAUTH_CLIENT_ID: "{client.id}"
    OAUTH_CLIENT_SECRET: "{client.secret}"
    OAUTH_SCOPES: "{client.scopes}"
    API_URL: "{api.url}"
    TASK_QUEUE: "{workload.task_queue}"
client: { scopes: [orders.read, orders.write] }
workload: { workflow: SyncOrders, input: [{ order: "{n}", retry: { initial_ms: 20, max_ms: 500 } }] }
policy: { refresh: on-retry }
"#;

struct TheCommand {
    child: Child,
    directory: tempfile::TempDir,
}

impl TheCommand {
    fn start() -> Self {
        Self::running(&["expiry-between-activities", "early-refusal", "--repeat", "20"])
    }

    fn running(words: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        fs::write(directory.path().join("target.yaml"), TARGET).expect("a file");
        let child = Command::new(env!("CARGO_BIN_EXE_tokenlapse"))
            .arg("run")
            .args(words)
            .args(["--target", "target.yaml"])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command");
        Self { child, directory }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn out(&self) -> std::path::PathBuf {
        self.directory.path().join("tokenlapse-out")
    }

    /// The ids of its runs: one, or none if it has not come so far.
    fn runs(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.out()).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(|name| name != "latest").collect()
    }

    fn end(&mut self) -> ExitStatus {
        observe::ended(&mut self.child, PATIENCE).expect("the command ends")
    }

    /// Waits until so many workers have been seen to start, or it has ended.
    fn wait_for_workers(&mut self, wanted: usize) {
        let out = self.out();
        observe::files(self.directory.path(), &self.child, PATIENCE, || started_workers(&out) >= wanted);
    }
}

impl Drop for TheCommand {
    fn drop(&mut self) {
        // Only a test that failed leaves it running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn journals(out: &Path) -> Vec<std::path::PathBuf> {
    let runs = fs::read_dir(out).into_iter().flatten().flatten().filter(|entry| entry.file_name() != "latest");
    let files = runs.flat_map(|run| fs::read_dir(run.path()).into_iter().flatten().flatten());
    files.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "jsonl")).collect()
}

/// Its descendants by their parents, each with its start time, which makes a number that is used again another process.
/// Found so, a process that does not carry the run's id is seen, too.
fn descendants(command: Pid) -> BTreeSet<(i32, String)> {
    let all: Vec<(i32, i32, String)> = processes()
        .into_iter()
        .filter_map(|pid| {
            // `pid (name) state ppid …`; the name may hold anything.
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
            Some((pid, fields.get(1)?.parse().ok()?, (*fields.get(19)?).to_owned()))
        })
        .collect();
    let mut found: BTreeSet<(i32, String)> = BTreeSet::new();
    let mut parents = vec![command.as_raw_nonzero().get()];
    while let Some(parent) = parents.pop() {
        for (pid, _, started) in all.iter().filter(|(_, ppid, _)| *ppid == parent) {
            if found.insert((*pid, started.clone())) {
                parents.push(*pid);
            }
        }
    }
    found
}

fn is_alive((pid, started): &(i32, String)) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let mut fields = rest.split_whitespace();
    // A zombie is dead; who reaps it is none of ours.
    fields.next().is_some_and(|state| state != "Z") && fields.nth(18) == Some(started)
}

/// The listening TCP sockets of these processes, by inode, which no other socket gets.
fn listeners(pids: impl IntoIterator<Item = i32>) -> BTreeSet<String> {
    let held = pids.into_iter().flat_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten());
    let held = held.filter_map(|entry| fs::read_link(entry.path()).ok());
    let held: BTreeSet<String> = held.map(|link| link.to_string_lossy().into_owned()).collect();
    listening().into_iter().filter(|inode| held.contains(&format!("socket:[{inode}]"))).collect()
}

/// The inodes of all listening TCP sockets.
fn listening() -> BTreeSet<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    lines
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            (*fields.get(3)? == "0A").then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
        })
        .collect()
}

/// What a command has started and holds open.
struct Belongings {
    processes: BTreeSet<(i32, String)>,
    listeners: BTreeSet<String>,
}

impl Belongings {
    fn of(command: Pid) -> Self {
        let processes = descendants(command);
        let pids = processes.iter().map(|(pid, _)| *pid).chain([command.as_raw_nonzero().get()]);
        Self { listeners: listeners(pids), processes }
    }

    /// The processes of it that are still there.
    fn alive(&self) -> BTreeMap<i32, String> {
        let alive = self.processes.iter().filter(|process| is_alive(process));
        alive.map(|(pid, _)| (*pid, "a process that it started".to_owned())).collect()
    }

    /// Its sockets on which somebody still listens.
    fn listening(&self) -> BTreeSet<String> {
        self.listeners.intersection(&listening()).cloned().collect()
    }
}

fn assert_nothing_is_left(command: &TheCommand, belongings: &Belongings, when: &str) {
    let runs = command.runs();
    let left = gone(GRACE, || belongings.alive().into_iter().chain(carrying(&runs)).collect());
    assert!(left.is_empty(), "killed {when}, and left {left:#?}");
    let left = belongings.listening();
    assert!(left.is_empty(), "killed {when}, and left listening sockets {left:?}");
    for path in journals(&command.out()) {
        let file = BufReader::new(fs::File::open(&path).expect("it is listed"));
        match journal::read(file) {
            Ok(_) | Err(journal::ReadError::Empty) => {}
            Err(error) => panic!("{} cannot be read: {error}", path.display()),
        }
    }
}

/// How many moments `kill_9_at_any_moment_leaves_nothing` tries.
const MOMENTS: u64 = 20;
/// How many of them at once: a command mostly waits, and has a folder and run ids of its own.
const LANES: usize = 4;

/// Kills a command at a moment, and says how many processes and listening sockets it had then.
fn killed_at(moment: u64) -> (usize, usize) {
    let mut command = TheCommand::start();
    // From before the Temporal server is there to the middle of the scenario runs. The first moments are times, as
    // there is nothing to be seen yet.
    if moment < 6 {
        assert_eq!(observe::ended(&mut command.child, Duration::from_millis(60 * moment)), None);
    } else {
        command.wait_for_workers(usize::try_from(moment).expect("small") - 5);
    }
    let belongings = Belongings::of(command.pid());
    let seen = carrying(&command.runs()).len();
    kill_process(command.pid(), Signal::KILL).expect("it runs");
    command.end();
    assert_nothing_is_left(&command, &belongings, &format!("at moment {moment}"));
    (seen, belongings.listeners.len())
}

#[test]
fn kill_9_at_any_moment_leaves_nothing() {
    let next = AtomicU64::new(0);
    let moments = || std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)).take_while(|it| *it < MOMENTS);
    let found: Vec<(usize, usize)> = thread::scope(|scope| {
        let lanes = [(); LANES].map(|()| scope.spawn(|| moments().map(killed_at).collect::<Vec<_>>()));
        lanes.into_iter().flat_map(|lane| lane.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    let seen: usize = found.iter().map(|(seen, _)| seen).sum();
    let sockets: usize = found.iter().map(|(_, sockets)| sockets).sum();
    assert!(seen > 40, "hardly anything ran that could have been left: {seen} processes");
    assert!(sockets > 40, "hardly anything listened: {sockets} sockets");
}

#[test]
fn kill_9_while_a_scenarios_own_server_is_stopped_leaves_nothing() {
    let mut command = TheCommand::running(&["server-paused-at-expiry"]);
    let out = command.out();
    let stopped = || {
        let mut texts = journals(&out).into_iter().filter_map(|path| fs::read_to_string(path).ok());
        texts.any(|text| text.contains(r#""kind":"temporal.server","state":"paused""#))
    };
    assert!(observe::files(command.directory.path(), &command.child, PATIENCE, stopped), "the scenario stops it");
    let belongings = Belongings::of(command.pid());
    kill_process(command.pid(), Signal::KILL).expect("it runs");
    command.end();
    assert_nothing_is_left(&command, &belongings, "while its second server was stopped");
}

#[test]
fn signals_end_it_with_130_and_leave_nothing() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut command = TheCommand::start();
        command.wait_for_workers(3);
        assert!(!carrying(&command.runs()).is_empty(), "something runs");
        let belongings = Belongings::of(command.pid());
        kill_process(command.pid(), signal).expect("it runs");
        assert_eq!(command.end().code(), Some(130), "{signal:?}");
        assert_nothing_is_left(&command, &belongings, &format!("by {signal:?}"));
    }
}

#[test]
fn a_later_run_removes_the_temporary_files_of_a_killed_one() {
    let mut command = TheCommand::start();
    command.wait_for_workers(1);
    let (out, directory, pid) = (command.out(), command.directory.path().to_path_buf(), command.pid());
    let scratch = || -> Vec<_> {
        let runs = fs::read_dir(&out).into_iter().flatten().flatten();
        let files = runs.flat_map(|run| fs::read_dir(run.path()).into_iter().flatten().flatten());
        files.map(|it| it.path()).filter(|it| it.to_string_lossy().contains("/scratch-")).collect()
    };
    let later = || {
        let mut later = Command::new(env!("CARGO_BIN_EXE_tokenlapse"));
        // Nobody answers there: it comes no further than this.
        later.args(["run", "early-refusal", "--temporal", "127.0.0.1:1"]).current_dir(&directory);
        assert_eq!(later.output().expect("it runs").status.code(), Some(3));
    };
    later();
    assert!(!scratch().is_empty(), "those of a run that lives are kept");
    kill_process(pid, Signal::KILL).expect("it runs");
    command.end();
    later();
    assert_eq!(scratch(), [""; 0].map(std::path::PathBuf::from));
}
