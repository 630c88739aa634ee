//! The workers of one lab: started, waited for, started again where the target asks for a supervisor, and ended.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::select_all;
use mock_idp::{Endpoint, Idp};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::bearer::replace;
use super::clock::WorkerClock;
use super::controls::Order;
use super::egress::EgressTrap;
use super::env::{LabEnv, variable_of};
use super::in_process::{Function, Task};
use super::scene::{Addresses, Scene};
use super::unready::{NeverReady, NotStarted, egress};
use super::worker::{Environment, EnvironmentError, Launcher, Reserved, WorkerProcess, WorkerStart};
use crate::journal::{Instance, Journal};
use crate::scenario::{LabValue, ResolvedWorker, Restart, Target};

/// How long a worker may take to end after SIGTERM, before SIGKILL.
const NOTICE: Duration = Duration::from_secs(5);
/// A worker that was started again so often without a fault's doing is not started again: it would go on for ever.
const GENERATIONS: u32 = 20;

/// What is under test.
#[derive(Clone)]
pub enum UnderTest {
    /// Processes, as a target file says.
    Processes(Arc<Commands>),
    /// A function of a library's user.
    Function(Arc<Function>),
}

impl UnderTest {
    /// A function of this process: see [`Function::new`].
    pub fn function<W, F>(target: &Target, work: W) -> Self
    where
        W: Fn(LabEnv) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + 'static,
    {
        Self::Function(Arc::new(Function::new(target.clone(), work)))
    }

    /// Whether its clock is its own and it can be killed alone.
    pub(super) fn is_process(&self) -> bool {
        matches!(self, Self::Processes(_))
    }
}

/// How worker processes are started.
pub struct Commands {
    /// The target, with commands and environments.
    pub target: Target,
    /// The target file's folder.
    pub folder: PathBuf,
    /// The variables of the caller, of which workers inherit few.
    pub caller: Vec<(OsString, OsString)>,
    /// Starts processes.
    pub launcher: Launcher,
    /// Where the private directories of workers lie.
    pub scratch: PathBuf,
    /// Id of the run.
    pub run: String,
}

/// A worker did not become ready.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CrewError {
    /// No addresses of its own.
    #[error("there are no free ports for worker {0}")]
    Ports(Instance, #[source] io::Error),
    /// No thread of its own.
    #[error("there is no thread for worker {0}")]
    Thread(Instance, #[source] io::Error),
    /// Its environment could not be made.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The target sets a variable that is the lab's.
    #[error(transparent)]
    Reserved(#[from] Reserved),
    /// Its process did not start.
    #[error(transparent)]
    NotStarted(#[from] NotStarted),
    /// It started and never polled, or ended before it did.
    #[error(transparent)]
    NeverReady(#[from] NeverReady),
}

/// The workers of one lab.
pub(super) struct Crew {
    under_test: UnderTest,
    journal: Journal,
    belongings: Belongings,
    members: Vec<Member>,
}

/// What all workers of a lab have in common.
pub(super) struct Belongings {
    /// What is the same for all of them.
    pub(super) env: LabEnv,
    /// Their clock, if it can be moved.
    pub(super) clock: Option<WorkerClock>,
    /// Their refresh token, if they have one.
    pub(super) refresh_token_file: Option<PathBuf>,
    /// What faults ask of whoever starts workers.
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
}

struct Member {
    /// Which of the target's workers.
    kind: usize,
    settings: ResolvedWorker,
    name: String,
    generation: u32,
    hand: Option<Hand>,
    /// Whether a fault ended it to have it started again.
    restart_due: bool,
}

/// What does the work.
enum Hand {
    Process { process: Arc<WorkerProcess>, _trap: EgressTrap },
    Task(Task),
}

impl Crew {
    /// Workers that are not started yet.
    pub(super) fn new(
        under_test: UnderTest,
        journal: Journal,
        workers: &[ResolvedWorker],
        belongings: Belongings,
    ) -> Self {
        let members = workers.iter().enumerate().flat_map(|(kind, settings)| {
            let many = settings.instances.get() > 1;
            (1..=settings.instances.get()).map(move |number| Member {
                kind,
                settings: settings.clone(),
                name: if many { format!("{}-{number}", settings.name) } else { settings.name.clone() },
                generation: 0,
                hand: None,
                restart_due: false,
            })
        });
        Self { under_test, journal, belongings, members: members.collect() }
    }

    /// Starts all workers at once and waits until each has polled.
    ///
    /// # Errors
    ///
    /// The first that did not: the others are ended when the crew is dropped.
    pub(super) async fn start(&mut self, scene: &mut Scene) -> Result<(), CrewError> {
        for index in 0..self.members.len() {
            self.start_next_generation(scene, index).await?;
        }
        for member in &self.members {
            member.ready(scene).await?;
        }
        Ok(())
    }

    async fn start_next_generation(&mut self, scene: &mut Scene, index: usize) -> Result<(), CrewError> {
        let member = &mut self.members[index];
        member.generation += 1;
        let instance = member.instance();
        let addresses = scene.admit(&instance).map_err(|error| CrewError::Ports(instance.clone(), error))?;
        let mut env = self.belongings.env.clone();
        tell_addresses(&mut env, scene.idp(), &addresses);
        let hand = match &self.under_test {
            UnderTest::Processes(commands) => {
                let hand = commands
                    .start(&self.journal, member.kind, instance, &addresses, &env, self.belongings.clock.as_ref())
                    .await?;
                if let Hand::Process { process, .. } = &hand {
                    scene.employ(Arc::clone(process));
                }
                hand
            }
            UnderTest::Function(function) => {
                let failed = |error| CrewError::Thread(instance.clone(), error);
                Hand::Task(function.start(&self.journal, member.kind, instance.clone(), env).await.map_err(failed)?)
            }
        };
        self.members[index].hand = Some(hand);
        Ok(())
    }

    /// Starts workers again that ended, where a fault or the target asks for it, until all that may go on have ended.
    /// So it returns only when nobody is left who could do any work.
    pub(super) async fn supervise(&mut self, scene: &mut Scene) {
        loop {
            // A fault asks before it ends a worker, so what it asks for is here when the end is seen.
            while let Ok(order) = self.belongings.orders.try_recv() {
                self.obey(order);
            }
            for index in 0..self.members.len() {
                let member = &mut self.members[index];
                let again = member.restart_due
                    || (member.settings.restart == Restart::OnExit && member.generation < GENERATIONS);
                if member.hand.is_none() && again {
                    member.restart_due = false;
                    if let Err(error) = self.start_next_generation(scene, index).await {
                        tracing::warn!(%error, "a worker could not be started again");
                        return;
                    }
                }
            }
            let ends = self.members.iter().enumerate().filter(|(_, member)| member.hand.is_some());
            let ends: Vec<_> = ends.map(|(index, member)| Box::pin(member.ended(index))).collect();
            if ends.is_empty() {
                return;
            }
            let news = tokio::select! {
                (index, ..) = select_all(ends) => Ok(index),
                Some(order) = self.belongings.orders.recv() => Err(order),
            };
            match news {
                Ok(index) => self.members[index].hand = None,
                Err(order) => self.obey(order),
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Restart(instance) => {
                for member in self.members.iter_mut().filter(|member| member.instance() == instance) {
                    member.restart_due = true;
                }
            }
            Order::ClientSecret(secret) => self.belongings.env.set(LabValue::ClientSecret, secret.expose()),
            Order::RefreshToken(token) => {
                if let Some(file) = &self.belongings.refresh_token_file
                    && let Err(error) = replace(file, token.value.expose())
                {
                    tracing::error!(%error, "the new refresh token could not be written");
                }
            }
        }
    }

    /// Ends all workers: SIGTERM, and SIGKILL for those that do not obey.
    pub(super) async fn dismiss(&mut self) {
        for member in &self.members {
            match &member.hand {
                Some(Hand::Process { process, .. }) => {
                    // It may have ended by itself.
                    let _ = process.terminate().await;
                }
                Some(Hand::Task(task)) => task.terminate(),
                None => {}
            }
        }
        for member in &mut self.members {
            match member.hand.take() {
                Some(Hand::Process { process, .. }) => end(&process).await,
                Some(Hand::Task(task)) => task.end(NOTICE).await,
                None => {}
            }
        }
    }
}

/// Waits for a process that was asked to end, and insists.
async fn end(process: &WorkerProcess) {
    if timeout(NOTICE, process.recorded()).await.is_err() {
        process.kill().await;
        process.recorded().await;
    }
}

impl Member {
    fn instance(&self) -> Instance {
        Instance::of(&self.name, self.generation)
    }

    async fn ready(&self, scene: &Scene) -> Result<(), NeverReady> {
        let (instance, limit) = (self.instance(), self.settings.start_timeout.to_std());
        let never = |what: String| {
            let process = match &self.hand {
                Some(Hand::Process { process, .. }) => Some(process),
                Some(Hand::Task(_)) | None => None,
            };
            NeverReady {
                instance: instance.clone(),
                what,
                last_lines: process.map(|process| process.last_lines()),
                egress: egress(scene.journal().records().iter().map(AsRef::as_ref)),
                guarded: process.is_some_and(|process| process.guarded()),
                withheld: process.map(|process| process.withheld().to_vec()).unwrap_or_default(),
            }
        };
        tokio::select! {
            ready = scene.ready(&instance, &self.settings.polls, limit) => {
                ready.map_err(|_| never(format!("has not polled the lab's Temporal address within {limit:?}")))
            }
            exit = self.exit() => Err(never(format!("ended before it polled ({exit})"))),
        }
    }

    async fn exit(&self) -> String {
        match &self.hand {
            Some(Hand::Process { process, .. }) => process.recorded().await.to_string(),
            Some(Hand::Task(task)) => task.exit().await,
            None => "it was never started".to_owned(),
        }
    }

    /// Waits for the end and gives back `index`.
    async fn ended(&self, index: usize) -> usize {
        self.exit().await;
        index
    }
}

impl Commands {
    async fn start(
        &self,
        journal: &Journal,
        kind: usize,
        instance: Instance,
        addresses: &Addresses,
        env: &LabEnv,
        clock: Option<&WorkerClock>,
    ) -> Result<Hand, CrewError> {
        let ports = |error| CrewError::Ports(instance.clone(), error);
        let trap = EgressTrap::open(journal, Some(instance.clone())).await.map_err(ports)?;
        let worker = self.target.all_workers().nth(kind).expect("there is a member per worker of the target");
        let mut environment = Environment::new(
            self.caller.iter().cloned(),
            &worker.inherit_env,
            &self.run,
            trap.address(),
            &self.scratch,
        )?;
        let caller = variable_of(&self.caller);
        for (name, template) in worker.env.iter() {
            if let Some(value) = env.fill(&template.value, &caller) {
                environment.set(&name.value, value)?;
            }
        }
        for (name, value) in clock.into_iter().flat_map(WorkerClock::env) {
            environment.set(name, value)?;
        }
        let mut allowed = addresses.ports();
        allowed.push(trap.address().port());
        for place in &self.target.egress.allow {
            let (host, port) = place.value.rsplit_once(':').unwrap_or((&place.value, ""));
            environment.exempt(host);
            allowed.extend(port.parse::<u16>().map_or_else(|_| vec![80, 443], |port| vec![port]));
        }
        let command = worker.command.value.iter().filter_map(|word| env.fill(&word.value, &caller)).collect();
        let withheld = environment.withheld().to_vec();
        let start = WorkerStart {
            instance: instance.clone(),
            command,
            environment,
            cwd: self.folder.clone(),
            allowed_ports: Some(allowed),
        };
        let process = WorkerProcess::start(journal, &self.launcher, start).await.map_err(|source| NotStarted {
            instance,
            folder: self.folder.clone(),
            withheld,
            source,
        })?;
        Ok(Hand::Process { process: Arc::new(process), _trap: trap })
    }
}

fn tell_addresses(env: &mut LabEnv, idp: &Idp, addresses: &Addresses) {
    env.set(LabValue::TemporalAddress, addresses.temporal.to_string());
    env.set(LabValue::IdpIssuer, idp.issuer(&addresses.idp));
    for (value, endpoint) in [(LabValue::IdpTokenUrl, Endpoint::Token), (LabValue::IdpJwksUrl, Endpoint::Jwks)] {
        if let Some(url) = idp.url(endpoint, &addresses.idp) {
            env.set(value, url);
        }
    }
    env.set(LabValue::ApiUrl, format!("http://{}", addresses.api));
}
