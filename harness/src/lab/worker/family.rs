//! All that descends from a minder: signalled, ended and reaped.
//!
//! On Linux the minder is the subreaper of its descendants: whoever loses its parent becomes the minder's own child,
//! also after a double fork or in another session. So ending the minder's children, generation after generation, ends
//! them all, and every process id that is killed belongs to an unreaped child of the minder: it cannot have become
//! somebody else's. Elsewhere only the program's process group is reached.

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, wait};

use super::protocol::Exit;

/// The program and what descends from it.
pub(super) struct Family {
    program: Pid,
    ended: Option<Exit>,
}

impl Family {
    /// The family of the started child `program`, which leads a process group of its own.
    pub(super) fn of(program: Pid) -> Self {
        Self { program, ended: None }
    }

    /// Sends a signal to the program, unless it has ended.
    pub(super) fn signal_program(&self, signal: Signal) {
        if self.ended.is_none() {
            // A child that is not reaped keeps its id; one that is gone needs no signal.
            let _ = rustix::process::kill_process(self.program, signal);
        }
    }

    /// Reaps every child that has ended and says how the program did, once it has.
    pub(super) fn reap(&mut self) -> Option<Exit> {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            self.note(pid, status);
        }
        self.ended
    }

    fn note(&mut self, pid: Pid, status: WaitStatus) {
        if pid == self.program {
            self.ended = status.exit_status().map(Exit::Code).or(status.terminating_signal().map(Exit::Signal));
        }
    }

    /// Ends everyone and says how the program ended. Returns when nobody is left.
    #[cfg(target_os = "linux")]
    pub(super) fn end(mut self) -> Option<Exit> {
        use std::time::Duration;

        let minder = rustix::process::getpid();
        loop {
            let children = tree::Parents::read().children_of(minder);
            for &child in &children {
                let _ = rustix::process::kill_process(child, Signal::KILL);
            }
            // With a killed child there is an end to wait for. Without, somebody was born or moved while /proc was
            // read: look again, for waiting could be for ever.
            let options = if children.is_empty() { WaitOptions::NOHANG } else { WaitOptions::empty() };
            match wait(options) {
                Ok(Some((pid, status))) => self.note(pid, status),
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return self.ended,
            }
        }
    }

    /// Ends the program's process group and says how the program ended.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn end(mut self) -> Option<Exit> {
        let _ = rustix::process::kill_process_group(self.program, Signal::KILL);
        while let Ok(Some((pid, status))) = wait(WaitOptions::empty()) {
            self.note(pid, status);
        }
        self.ended
    }

    /// Sends a signal to everyone, parents before their children: a stopped parent can neither have more nor reap
    /// those that it has.
    #[cfg(target_os = "linux")]
    pub(super) fn signal_all(&self, signal: Signal) {
        use std::collections::BTreeSet;

        let minder = rustix::process::getpid();
        let mut reached = BTreeSet::new();
        loop {
            let fresh: Vec<Pid> = tree::Parents::read()
                .descendants_of(minder)
                .into_iter()
                .filter(|pid| reached.insert(pid.as_raw_nonzero()))
                .collect();
            if fresh.is_empty() {
                return;
            }
            for pid in fresh {
                let _ = rustix::process::kill_process(pid, signal);
            }
        }
    }

    /// Sends a signal to the program's process group.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn signal_all(&self, signal: Signal) {
        let _ = rustix::process::kill_process_group(self.program, signal);
    }
}

/// Who is whose child, from `/proc/PID/stat`: the shorter way, `/proc/PID/task/TID/children`, is missing from kernels
/// that were built without `CONFIG_PROC_CHILDREN`.
#[cfg(target_os = "linux")]
mod tree {
    use std::fs;

    use rustix::process::Pid;

    pub(super) struct Parents(Vec<(Pid, Pid)>);

    impl Parents {
        /// As it stands. Who ends meanwhile is left out.
        pub(super) fn read() -> Self {
            let Ok(entries) = fs::read_dir("/proc") else { return Self(Vec::new()) };
            let pair = |entry: fs::DirEntry| {
                let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
                let stat = fs::read(entry.path().join("stat")).ok()?;
                Some((pid, parent(&stat)?))
            };
            Self(entries.flatten().filter_map(pair).collect())
        }

        pub(super) fn children_of(&self, parent: Pid) -> Vec<Pid> {
            self.0.iter().filter(|(_, its)| *its == parent).map(|(pid, _)| *pid).collect()
        }

        pub(super) fn descendants_of(&self, ancestor: Pid) -> Vec<Pid> {
            let mut found = self.children_of(ancestor);
            let mut next = 0;
            while let Some(&pid) = found.get(next) {
                found.extend(self.children_of(pid));
                next += 1;
            }
            found
        }
    }

    /// The fourth field of a `stat` file (`proc_pid_stat(5)`). The second, a name in brackets, may hold any bytes,
    /// brackets and spaces too, so what follows is found from the end.
    fn parent(stat: &[u8]) -> Option<Pid> {
        let name_end = stat.iter().rposition(|&byte| byte == b')')?;
        let rest = std::str::from_utf8(&stat[name_end + 1..]).ok()?;
        Pid::from_raw(rest.split_ascii_whitespace().nth(1)?.parse().ok()?)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_name_cannot_pretend_another_parent() {
            assert_eq!(
                parent(b"12 (a) R 1 (\xff) S 34 12 12 0").map(Pid::as_raw_nonzero).map(|pid| pid.get()),
                Some(34)
            );
            assert_eq!(parent(b""), None);
        }

        #[test]
        fn this_process_descends_from_its_parent() {
            let parents = Parents::read();
            let own = rustix::process::getpid();
            let parent = rustix::process::getppid().unwrap();
            assert!(parents.children_of(parent).contains(&own));
            assert!(parents.descendants_of(parent).contains(&own));
        }
    }
}
