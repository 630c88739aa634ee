//! Processes under a minder, as the lab holds them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::process::Stdio;

use parking_lot::Mutex;
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::sync::watch;

use super::lines::Lines;
use super::minder;
pub use super::protocol::Exit;
use super::protocol::{Command, Report};

/// Starts processes under minders.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The executable that has the subcommand [`minder::SUBCOMMAND`].
    pub executable: PathBuf,
}

impl Launcher {
    /// Minders are this very executable, which must call [`minder::take_over_if_asked`].
    ///
    /// # Errors
    ///
    /// If its path cannot be found out.
    pub fn this_executable() -> io::Result<Self> {
        // On Linux by its inode: the file may be replaced by a new build while this one runs.
        let executable = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { std::env::current_exe()? };
        Ok(Self { executable })
    }
}

/// What to start.
#[derive(Clone)]
pub struct Launch {
    /// The program: with a slash a path that starts from `cwd`, else looked up in the `PATH` of `env`.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment; nothing is inherited.
    pub env: BTreeMap<OsString, OsString>,
    /// Its working directory.
    pub cwd: PathBuf,
    /// TCP ports that it and its descendants may connect to, where the machine has the [guard](super::guard); `None`
    /// for no guard.
    pub allowed_ports: Option<Vec<u16>>,
}

impl fmt::Debug for Launch {
    /// Shows the names of the environment's variables only: their values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &self.env.keys())
            .field("cwd", &self.cwd)
            .field("allowed_ports", &self.allowed_ports)
            .finish()
    }
}

/// A process that did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// The working directory is none.
    #[error("{} is not a directory to work in", path.display())]
    WorkingDirectory {
        /// The path that was given.
        path: PathBuf,
    },
    /// The minder could not be started or talked to: a fault of this machine or of the harness.
    #[error("the minder {} could not be started", executable.display())]
    Minder {
        /// The executable that was to be the minder.
        executable: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The program could not be started.
    #[error("`{}` could not be started", program.display())]
    Program {
        /// The program.
        program: OsString,
        /// Why: not found, not executable.
        #[source]
        source: io::Error,
    },
}

/// The process ended before it could be told, or its minder was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the process has ended already ({0})")]
pub struct Gone(pub Exit);

/// What a process writes.
#[derive(Debug)]
pub struct Output {
    /// Lines of its standard output.
    pub stdout: Lines<ChildStdout>,
    /// Lines of its standard error.
    pub stderr: Lines<ChildStderr>,
}

impl Launcher {
    /// Starts a process. Its output has to be read to the end, or it may block on a full pipe.
    ///
    /// # Errors
    ///
    /// See [`LaunchError`]. Nothing runs then; nor when the future is dropped.
    pub async fn spawn(&self, launch: Launch) -> Result<(Process, Output), LaunchError> {
        if !launch.cwd.is_dir() {
            return Err(LaunchError::WorkingDirectory { path: launch.cwd });
        }
        let failed = |source| LaunchError::Minder { executable: self.executable.clone(), source };
        let (control, reports, mut child) = self.spawn_minder(&launch).map_err(failed)?;
        // From here until `Process` takes over, dropping the socket ends whatever was started.
        let reports = UnixStream::from_std(reports).map_err(failed)?;
        let mut reports = Lines::new(reports);
        let first = reports.next().await.map_err(failed)?;
        let (pid, guarded) = match first.as_deref().and_then(Report::parse) {
            Some(Report::Spawned { pid, guarded }) => (pid, guarded),
            Some(Report::Refused(errno)) => {
                let source = io::Error::from_raw_os_error(errno);
                return Err(LaunchError::Program { program: launch.program, source });
            }
            _ => return Err(failed(io::Error::other("it did not say how its program started"))),
        };
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let output = Output {
            stdout: Lines::new(stdout.expect("standard output was asked for as a pipe")),
            stderr: Lines::new(stderr.expect("standard error was asked for as a pipe")),
        };
        let (state, seen) = watch::channel(State::default());
        tokio::spawn(follow(reports, child, state));
        Ok((Process { pid, guarded, control: Mutex::new(Control { socket: control, sent: 0 }), state: seen }, output))
    }

    fn spawn_minder(&self, launch: &Launch) -> io::Result<(StdUnixStream, StdUnixStream, Child)> {
        let (ours, its) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut command = tokio::process::Command::new(&self.executable);
        command.arg0("tokenlapse").arg(minder::SUBCOMMAND);
        if let Some(ports) = &launch.allowed_ports {
            command.arg("--guard");
            command.args(ports.iter().flat_map(|port| ["--allow-port".to_owned(), port.to_string()]));
        }
        command.arg("--").arg(&launch.program).args(&launch.args);
        command.env_clear().envs(&launch.env).current_dir(&launch.cwd);
        command.stdin(OwnedFd::from(its)).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Dropping the command closes our copy of the minder's end: its death is then seen as end of file.
        let child = command.spawn()?;
        Ok((ours.try_clone()?, ours, child))
    }
}

/// What is known of a process.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// How many commands were carried out.
    done: u64,
    /// How it ended, once nothing of it is left.
    exit: Option<Exit>,
}

/// Follows a minder's reports until it is gone.
async fn follow(mut reports: Lines<UnixStream>, mut child: Child, state: watch::Sender<State>) {
    let mut exit = None;
    // An error on a socket is its end.
    while let Ok(Some(line)) = reports.next().await {
        match Report::parse(&line) {
            Some(Report::Done) => state.send_modify(|state| state.done += 1),
            Some(Report::Exited(how)) => exit = Some(how),
            _ => {}
        }
    }
    let minder = child.wait().await;
    // Without a report somebody killed the minder, so how that ended is the best that can be said.
    let exit = exit.unwrap_or_else(|| minder.map_or(Exit::Signal(9), how_it_ended));
    state.send_modify(|state| state.exit = Some(exit));
}

fn how_it_ended(status: std::process::ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(signal) => Exit::Signal(signal),
        None => Exit::Code(status.code().unwrap_or_default()),
    }
}

/// A process that was started, and what descends from it. Dropping it ends them all, without waiting.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    guarded: bool,
    control: Mutex<Control>,
    state: watch::Receiver<State>,
}

#[derive(Debug)]
struct Control {
    socket: StdUnixStream,
    /// How many commands were sent. The minder answers each, in order.
    sent: u64,
}

impl Process {
    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether the kernel holds it to the ports that it was allowed.
    pub fn guarded(&self) -> bool {
        self.guarded
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<Exit> {
        self.state.borrow().exit
    }

    /// Waits until it has ended and nothing that descends from it is left.
    pub async fn wait(&self) -> Exit {
        self.ending().await
    }

    /// The same for somebody who does not hold the process, and may outlive its owner.
    pub fn ending(&self) -> impl Future<Output = Exit> + Send + use<> {
        let state = self.state.clone();
        async move { until(state, |state| state.exit.is_some()).await.exit.expect("it was waited for") }
    }

    /// Ends it and all that descends from it, with SIGKILL, and waits until nobody is left. Says how it ended: by
    /// itself, if that came first.
    pub async fn kill(&self) -> Exit {
        // If it cannot be told, it is ending already.
        let _ = self.send(Command::Kill);
        self.wait().await
    }

    /// Sends SIGTERM to it, not to its descendants, as a supervisor does. It may take its time to end.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub async fn terminate(&self) -> Result<(), Gone> {
        self.tell(Command::Terminate).await
    }

    /// Stops it and all that descends from it (SIGSTOP) until [`resume`](Self::resume).
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub async fn stop(&self) -> Result<(), Gone> {
        self.tell(Command::Stop).await
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub async fn resume(&self) -> Result<(), Gone> {
        self.tell(Command::Resume).await
    }

    /// Has a command carried out.
    async fn tell(&self, command: Command) -> Result<(), Gone> {
        let Ok(number) = self.send(command) else { return Err(Gone(self.wait().await)) };
        let state = until(self.state.clone(), |state| state.done >= number || state.exit.is_some()).await;
        if state.done >= number { Ok(()) } else { Err(Gone(self.wait().await)) }
    }

    fn send(&self, command: Command) -> io::Result<u64> {
        let mut control = self.control.lock();
        // A few bytes: the socket's buffer takes them whole.
        control.socket.write_all(command.line().as_bytes())?;
        control.sent += 1;
        Ok(control.sent)
    }
}

async fn until(mut state: watch::Receiver<State>, reached: impl Fn(&State) -> bool) -> State {
    let reached = state.wait_for(|state| reached(state)).await.map(|state| *state);
    match reached {
        Ok(state) => state,
        // The follower ends without an exit only when its runtime is shut down, and with it whoever waits here.
        Err(_) => std::future::pending().await,
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The minder takes it for a hang-up. It fails if the minder is gone, which is as good.
        let _ = self.control.get_mut().socket.shutdown(Shutdown::Write);
    }
}
