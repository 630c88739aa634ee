//! Waiting for what other processes do, woken by the kernel: files that are written, processes that end.

#![allow(dead_code, unreachable_pub, reason = "shared by several test crates, each of which uses a part")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// Waits until something holds of the files below a folder. `false` if the process that writes them has ended before, or
/// it does not hold within `bound`.
pub fn files(below: &Path, writer: &Child, bound: Duration, mut hold: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + bound;
    let changes = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).expect("inotify");
    let Ok(writing) = pidfd_open(Pid::from_child(writer), PidfdFlags::empty()) else { return hold() };
    loop {
        // What is written between this and the look is seen by the look; what comes later wakes the wait.
        watch(&changes, below);
        if hold() {
            return true;
        }
        let mut either = [PollFd::new(&changes, PollFlags::IN), PollFd::new(&writing, PollFlags::IN)];
        if !wait(&mut either, until) || !either[1].revents().is_empty() {
            return hold();
        }
        while rustix::io::read(&changes, &mut [0; 4096]).is_ok() {}
    }
}

/// Watches a folder and all below it; one that is watched stays so.
fn watch(changes: &OwnedFd, folder: &Path) {
    let flags = WatchFlags::CREATE | WatchFlags::MODIFY | WatchFlags::MOVED_TO | WatchFlags::DONT_FOLLOW;
    // It may be gone again.
    if inotify::add_watch(changes, folder, flags | WatchFlags::ONLYDIR).is_err() {
        return;
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        watch(changes, &entry.path());
    }
}

/// What a child ended with; `None` if it still runs after `bound`.
pub fn ended(child: &mut Child, bound: Duration) -> Option<ExitStatus> {
    if let Some(status) = child.try_wait().expect("its own child") {
        return Some(status);
    }
    let running = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).expect("it is not reaped");
    wait(&mut [PollFd::new(&running, PollFlags::IN)], Instant::now() + bound)
        .then(|| child.wait().expect("its own child"))
}

/// Waits until all that `left` names has ended, by id with what to call it; what is still there at the end.
pub fn gone(bound: Duration, left: impl Fn() -> BTreeMap<i32, String>) -> BTreeMap<i32, String> {
    let until = Instant::now() + bound;
    loop {
        let there = left();
        let ids = there.keys().filter_map(|id| Pid::from_raw(*id));
        // One that ended meanwhile cannot be waited for, and need not.
        let running: Vec<OwnedFd> = ids.filter_map(|id| pidfd_open(id, PidfdFlags::empty()).ok()).collect();
        let mut all: Vec<PollFd<'_>> = running.iter().map(|running| PollFd::new(running, PollFlags::IN)).collect();
        if there.is_empty() || Instant::now() >= until || (!all.is_empty() && !wait(&mut all, until)) {
            return there;
        }
    }
}

/// Every process that carries the id of one of these runs, with its command line.
pub fn carrying(runs: &BTreeSet<String>) -> BTreeMap<i32, String> {
    let carries = |id: i32| {
        let environment = fs::read(format!("/proc/{id}/environ")).ok()?;
        let ours = environment.split(|&byte| byte == 0).any(|variable| {
            let run = variable.strip_prefix(b"TOKENLAPSE_RUN=");
            run.is_some_and(|run| runs.contains(&*String::from_utf8_lossy(run)))
        });
        let command = || fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        ours.then(|| (id, String::from_utf8_lossy(&command()).replace('\0', " ")))
    };
    processes().into_iter().filter_map(carries).collect()
}

/// The ids of all processes.
pub fn processes() -> Vec<i32> {
    let entries = fs::read_dir("/proc").expect("Linux").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// How often a journal below `out` says that a worker was started.
pub fn started_workers(out: &Path) -> usize {
    let runs = fs::read_dir(out).into_iter().flatten().flatten().filter(|entry| entry.file_name() != "latest");
    let files = runs.flat_map(|run| fs::read_dir(run.path()).into_iter().flatten().flatten()).map(|file| file.path());
    let journals = files.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    let texts = journals.filter_map(|path| fs::read_to_string(path).ok());
    texts.map(|text| text.matches("worker.started").count()).sum()
}

/// Whether one of them is ready before `until`.
fn wait(fds: &mut [PollFd<'_>], until: Instant) -> bool {
    loop {
        let left = Timespec::try_from(until.saturating_duration_since(Instant::now())).expect("not that long");
        match poll(fds, Some(&left)) {
            Ok(ready) => return ready > 0,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("poll: {error}"),
        }
    }
}
