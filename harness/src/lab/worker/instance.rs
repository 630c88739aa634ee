//! A worker instance: a process whose life and output go to the journal.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::AsyncRead;
use tokio::sync::watch;

use super::environment::{Environment, EnvironmentError};
use super::lines::Lines;
use super::process::{Exit, Gone, Launch, LaunchError, Launcher, Output, Process};
use crate::journal::{Event, Instance, Journal, Stream};

/// How many of a worker's last lines an error shows.
const LAST_LINES: usize = 20;

/// What to start a worker with.
#[derive(Debug)]
pub struct WorkerStart {
    /// Which instance it is.
    pub instance: Instance,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Its environment.
    pub environment: Environment,
    /// Its working directory: the target file's folder.
    pub cwd: PathBuf,
    /// TCP ports of the lab, the trap's and what `egress.allow` names; `None` for no guard.
    pub allowed_ports: Option<Vec<u16>>,
}

/// A worker that did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Its command has no words.
    #[error("the worker's command is empty")]
    Empty,
    /// Its private directories could not be made.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// Its process did not start.
    #[error(transparent)]
    Launch(#[from] LaunchError),
}

/// A running worker. Dropping it ends it and all that descends from it.
pub struct WorkerProcess {
    journal: Journal,
    instance: Instance,
    process: Process,
    environment: Environment,
    /// Whether the lab or a fault asked for its end.
    expected: Arc<AtomicBool>,
    recorded: watch::Receiver<Option<Exit>>,
}

impl WorkerProcess {
    /// Starts a worker and records `worker.started`; from then on its lines as `worker.output` and, after the last of
    /// them, `worker.exited`.
    ///
    /// # Errors
    ///
    /// See [`StartError`]; nothing is recorded then.
    pub async fn start(journal: &Journal, launcher: &Launcher, start: WorkerStart) -> Result<Self, StartError> {
        let WorkerStart { instance, command, environment, cwd, allowed_ports } = start;
        let (program, args) = command.split_first().ok_or(StartError::Empty)?;
        let launch = Launch {
            program: program.into(),
            args: args.iter().map(OsString::from).collect(),
            env: environment.vars().clone(),
            cwd,
            allowed_ports,
        };
        let (process, output) = launcher.spawn(launch).await?;
        let started = journal.record(Event::WorkerStarted { instance: instance.clone(), command });
        started.settled().await;

        let expected = Arc::new(AtomicBool::new(false));
        let (exit, recorded) = watch::channel(None);
        let follower =
            Follower { journal: journal.clone(), instance: instance.clone(), expected: Arc::clone(&expected) };
        tokio::spawn(follower.follow(output, process.ending(), exit));
        Ok(Self { journal: journal.clone(), instance, process, environment, expected, recorded })
    }

    /// Which instance it is.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// Whether the kernel holds it to the allowed ports.
    pub fn guarded(&self) -> bool {
        self.process.guarded()
    }

    /// How it ended, if that is recorded already.
    pub fn exited(&self) -> Option<Exit> {
        *self.recorded.borrow()
    }

    /// Waits until `worker.exited` is recorded.
    ///
    /// Not for an effect of an event: an effect of this worker's own output would wait for itself.
    pub async fn recorded(&self) -> Exit {
        let mut recorded = self.recorded.clone();
        let recorded = recorded.wait_for(Option::is_some).await.map(|exit| *exit);
        match recorded {
            Ok(exit) => exit.expect("it was waited for"),
            // Its runtime is shutting down, and with it whoever waits here.
            Err(_) => std::future::pending().await,
        }
    }

    /// Ends it and all that descends from it, and waits until nobody is left. May be an effect of any event: it does
    /// not wait for the recording.
    pub async fn kill(&self) -> Exit {
        self.expect_end();
        self.process.kill().await
    }

    /// Asks it to end (SIGTERM).
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub async fn terminate(&self) -> Result<(), Gone> {
        self.expect_end();
        self.process.terminate().await
    }

    /// Stops it (SIGSTOP), with its descendants.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub async fn stop(&self) -> Result<(), Gone> {
        self.process.stop().await
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub async fn resume(&self) -> Result<(), Gone> {
        self.process.resume().await
    }

    /// The last lines of each of its outputs as the journal has them, secrets replaced: what an error shows. Each has
    /// lines of its own, because the two race: a last word on standard error may be recorded before a flood that was
    /// written before it.
    pub fn last_lines(&self) -> Vec<String> {
        let records = self.journal.records();
        let (mut of_stdout, mut of_stderr) = (0, 0);
        let lines = records.iter().rev().filter_map(|record| match &record.event {
            Event::WorkerOutput { instance, line, stream } if *instance == self.instance => {
                let count = match stream {
                    Stream::Stdout => &mut of_stdout,
                    Stream::Stderr => &mut of_stderr,
                };
                *count += 1;
                (*count <= LAST_LINES).then(|| line.clone())
            }
            _ => None,
        });
        let mut last: Vec<String> = lines.collect();
        last.reverse();
        last
    }

    /// Names of the caller's variables that were not passed on to it.
    pub fn withheld(&self) -> &[String] {
        self.environment.withheld()
    }

    /// An end from now on is the lab's doing, unless it has come already.
    fn expect_end(&self) {
        if self.process.ended().is_none() {
            self.expected.store(true, Ordering::SeqCst);
        }
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.expect_end();
    }
}

/// Records what a worker writes and that it ended.
struct Follower {
    journal: Journal,
    instance: Instance,
    expected: Arc<AtomicBool>,
}

impl Follower {
    async fn follow(self, output: Output, ending: impl Future<Output = Exit>, exit: watch::Sender<Option<Exit>>) {
        let Output { stdout, stderr } = output;
        tokio::join!(self.record_lines(stdout, Stream::Stdout), self.record_lines(stderr, Stream::Stderr));
        let how = ending.await;
        let event = Event::WorkerExited {
            instance: self.instance.clone(),
            code: how.code(),
            signal: how.signal(),
            expected: self.expected.load(Ordering::SeqCst),
        };
        self.journal.record(event).settled().await;
        exit.send_replace(Some(how));
    }

    async fn record_lines<R: AsyncRead + Unpin>(&self, mut lines: Lines<R>, stream: Stream) {
        // A pipe that cannot be read has nothing more to say.
        while let Ok(Some(line)) = lines.next().await {
            let event = Event::WorkerOutput { instance: self.instance.clone(), stream, line };
            self.journal.record(event).settled().await;
        }
    }
}
