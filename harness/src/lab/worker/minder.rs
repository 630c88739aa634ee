//! The minder: what the re-executed executable runs.
//!
//! `tokenlapse minder [--guard [--allow-port N]…] -- PROGRAM [ARG]…`, with one end of a socket as standard input. It
//! becomes leader of a session of its own (so no signal of a terminal reaches it) and subreaper of what it starts,
//! starts the program in a process group of *its* own (so that a worker's `kill 0` does not reach the minder), obeys
//! commands from the socket, and ends all that descends from it when the program ends, when it is told to, or when
//! the other end of the socket is closed. The program's end is reported only when nothing of it is left.
//!
//! It runs on one thread: a kernel guard holds for the thread that asks for it and for what that thread starts.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{ExitCode, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal};

use super::family::Family;
use super::guard;
use super::protocol::{Command, Report};

/// Name of the hidden subcommand.
pub const SUBCOMMAND: &str = "minder";

/// Exit code when it was not called by a launcher.
const MISUSED: u8 = 2;

/// Runs a minder if the first argument of this process says so, else returns `None` at once. To be called first in
/// `main`, before there are threads.
pub fn take_over_if_asked() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    (args.next()? == SUBCOMMAND).then(|| main(args))
}

/// Runs a minder with what stands after the subcommand. Standard input is one end of the launcher's socket.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let misused = |why: &str| {
        // Nobody but its caller's terminal can be told.
        let _ = writeln!(io::stderr(), "tokenlapse {SUBCOMMAND}: {why}; it is started by the harness only");
        ExitCode::from(MISUSED)
    };
    let Some(Arguments { guard, program, args }) = Arguments::parse(args) else {
        return misused("needs `-- PROGRAM`");
    };
    let Ok(socket) = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from) else {
        return misused("has no standard input");
    };
    if socket.peer_addr().is_err() {
        return misused("standard input is no socket");
    }
    match mind(socket, guard.as_deref(), program, args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

struct Arguments {
    /// Ports that may be connected to; `None` for all.
    guard: Option<Vec<u16>>,
    program: OsString,
    args: Vec<OsString>,
}

impl Arguments {
    fn parse(args: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut args = args.into_iter();
        let mut guard: Option<Vec<u16>> = None;
        loop {
            match args.next()?.to_str()? {
                "--guard" => drop(guard.get_or_insert_default()),
                "--allow-port" => guard.get_or_insert_default().push(args.next()?.to_str()?.parse().ok()?),
                "--" => return Some(Self { guard, program: args.next()?, args: args.collect() }),
                _ => return None,
            }
        }
    }
}

/// Why a minder ends its family.
enum Over {
    /// The program ended by itself.
    Program,
    /// It was told to.
    Told,
    /// The launcher is gone.
    HungUp,
}

fn mind(mut socket: UnixStream, guard: Option<&[u16]>, program: OsString, args: Vec<OsString>) -> io::Result<()> {
    // Refused to a process group's leader only, which a launcher does not make of it.
    let _ = rustix::process::setsid();
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let guarded = guard.is_some_and(guard::hold_to);

    let spawned = std::process::Command::new(program).args(args).stdin(Stdio::null()).process_group(0).spawn();
    let pid = match spawned {
        Ok(child) => Pid::from_child(&child),
        Err(error) => {
            let errno = error.raw_os_error().unwrap_or(rustix::io::Errno::INVAL.raw_os_error());
            return writeln!(socket, "{}", Report::Refused(errno));
        }
    };
    let mut family = Family::of(pid);
    let report = Report::Spawned { pid: pid.as_raw_nonzero().get(), guarded };
    // Whoever cannot be written to has hung up, which the watch sees too.
    let _ = writeln!(socket, "{report}");
    let over = watch(&mut socket, &mut family, pid);
    let exit = family.end();
    if let (Some(exit), Ok(Over::Program | Over::Told)) = (exit, &over) {
        writeln!(socket, "{}", Report::Exited(exit))?;
    }
    over.map(|_| ())
}

/// Obeys commands until there is a reason to end.
fn watch(socket: &mut UnixStream, family: &mut Family, program: Pid) -> io::Result<Over> {
    let alarm = Alarm::on(program);
    let mut pending = Vec::new();
    loop {
        let mut fds = vec![PollFd::new(&*socket, PollFlags::IN)];
        fds.extend(alarm.fd());
        match poll(&mut fds, Some(&alarm.patience())) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let readable = !fds[0].revents().is_empty();
        // What lost its parent is the minder's to reap, whether or not the program has ended.
        if family.reap().is_some() {
            return Ok(Over::Program);
        }
        if !readable {
            continue;
        }
        let mut chunk = [0; 256];
        match socket.read(&mut chunk) {
            Ok(0) => return Ok(Over::HungUp),
            Ok(length) => pending.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // A reset is a hang-up, too.
            Err(_) => return Ok(Over::HungUp),
        }
        while let Some(end) = pending.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            match Command::parse(&String::from_utf8_lossy(&line[..end])) {
                Some(Command::Kill) => return Ok(Over::Told),
                Some(Command::Terminate) => family.signal_program(Signal::TERM),
                Some(Command::Stop) => family.signal_all(Signal::STOP),
                Some(Command::Resume) => family.signal_all(Signal::CONT),
                None => return Err(io::ErrorKind::InvalidData.into()),
            }
            let _ = writeln!(socket, "{}", Report::Done);
        }
    }
}

/// Wakes the watch when the program ends: at once by its process descriptor on Linux, else by looking often.
struct Alarm {
    #[cfg(target_os = "linux")]
    descriptor: Option<std::os::fd::OwnedFd>,
}

impl Alarm {
    #[cfg(target_os = "linux")]
    fn on(program: Pid) -> Self {
        Self { descriptor: rustix::process::pidfd_open(program, rustix::process::PidfdFlags::empty()).ok() }
    }

    #[cfg(not(target_os = "linux"))]
    fn on(_program: Pid) -> Self {
        Self {}
    }

    #[cfg(target_os = "linux")]
    fn fd(&self) -> Option<PollFd<'_>> {
        self.descriptor.as_ref().map(|descriptor| PollFd::new(descriptor, PollFlags::IN))
    }

    #[cfg(not(target_os = "linux"))]
    fn fd(&self) -> Option<PollFd<'_>> {
        None
    }

    /// How long to wait before looking again: a second, to reap orphans, where there is a descriptor.
    fn patience(&self) -> Timespec {
        if self.fd().is_some() {
            Timespec { tv_sec: 1, tv_nsec: 0 }
        } else {
            Timespec { tv_sec: 0, tv_nsec: 10_000_000 }
        }
    }
}
