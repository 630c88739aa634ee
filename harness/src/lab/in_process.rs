//! A worker that is a function of this very process: it has a thread and a runtime of its own, and is asked to stop,
//! as SIGTERM asks a process. It cannot be killed: its faults would be those of everybody here.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::env::{LabEnv, Stage};
use crate::journal::{Event, Instance, Journal};
use crate::scenario::Target;

/// What the journal shows as its command line.
const COMMAND: &str = "(in process)";
/// What a Rust program's exit code would be after a panic.
const PANICKED: i32 = 101;

/// Runs a worker until it ends or is asked to stop.
pub(super) type Work = dyn Fn(LabEnv) -> LocalBoxFuture<'static, ()> + Send + Sync;

/// A function as the system under test, with what a target file says of it. The file's `command:` is not used.
pub struct Function {
    target: Target,
    caller: Vec<(OsString, OsString)>,
    work: Arc<Work>,
}

impl Function {
    /// The target's workers are runs of `work`, one per instance, each on a thread of its own; it need not be `Send`.
    pub fn new<W, F>(target: Target, work: W) -> Self
    where
        W: Fn(LabEnv) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + 'static,
    {
        Self { target, caller: std::env::vars_os().collect(), work: Arc::new(move |env| work(env).boxed_local()) }
    }

    /// Starts it as an instance of the target's worker number `kind`.
    pub(super) async fn start(
        &self,
        journal: &Journal,
        kind: usize,
        instance: Instance,
        mut env: LabEnv,
    ) -> std::io::Result<Task> {
        let worker = self.target.all_workers().nth(kind).expect("there is a member per worker of the target");
        env.fill_variables(&worker.env, &self.caller);
        let (stage, watched) = watch::channel(Stage::Work);
        env.belongs_to(&instance, watched.clone());
        let started = Event::WorkerStarted { instance: instance.clone(), command: vec![COMMAND.to_owned()] };
        journal.record(started).settled().await;
        let (say, said) = oneshot::channel();
        let work = Arc::clone(&self.work);
        thread::Builder::new().name(instance.to_string()).spawn(move || {
            let ended = catch_unwind(AssertUnwindSafe(|| live(&*work, env, watched)));
            // Who ended the lab meanwhile does not want to know.
            let _ = say.send(ended.map_err(|panic| message(&*panic)));
        })?;
        let (end, ended) = watch::channel(None);
        let (journal, stage) = (journal.clone(), Arc::new(stage));
        let asked = Arc::clone(&stage);
        // Here, and not on the worker's thread: what an event sets off must outlive the worker.
        tokio::spawn(async move {
            let how = said.await.unwrap_or(Err("its thread is gone".to_owned()));
            let code = Some(if how.is_ok() { 0 } else { PANICKED });
            let expected = *asked.borrow() != Stage::Work;
            journal.record(Event::WorkerExited { instance, code, signal: None, expected }).settled().await;
            end.send_replace(Some(match how {
                Ok(()) => "its function returned".to_owned(),
                Err(panic) => format!("its function panicked: {panic}"),
            }));
        });
        Ok(Task { stage, ended })
    }
}

/// A running function. Dropped, it is given up at its next await.
pub(super) struct Task {
    stage: Arc<watch::Sender<Stage>>,
    ended: watch::Receiver<Option<String>>,
}

impl Task {
    /// Waits for the end, and says how it was.
    pub(super) async fn exit(&self) -> String {
        let mut ended = self.ended.clone();
        let how = ended.wait_for(Option::is_some).await;
        how.ok().and_then(|how| how.clone()).unwrap_or_else(|| "its runtime was shut down".to_owned())
    }

    /// Asks it to stop.
    pub(super) fn terminate(&self) {
        self.stage.send_replace(Stage::Stop);
    }

    /// Waits for the end, but not for long.
    pub(super) async fn end(self, notice: Duration) {
        if timeout(notice, self.exit()).await.is_err() {
            self.stage.send_replace(Stage::Over);
            // A function that never awaits keeps its thread.
            let _ = timeout(notice, self.exit()).await;
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.stage.send_replace(Stage::Over);
    }
}

fn live(work: &Work, env: LabEnv, mut stage: watch::Receiver<Stage>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let local = tokio::task::LocalSet::new();
    runtime.block_on(async {
        tokio::select! {
            () = local.run_until(work(env)) => {}
            _ = stage.wait_for(|stage| *stage == Stage::Over) => {}
        }
    });
    drop(local);
    // Whatever it has left waiting is nobody's any more.
    runtime.shutdown_background();
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
