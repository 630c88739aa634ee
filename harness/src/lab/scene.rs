//! One scenario run's lab, opened and closed: identity provider, API front and gate behind links of their own for each
//! worker instance, on one journal.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mock_idp::{Clock as IdpClock, Config, Idp, Listener, Which};
use tokio::task::JoinSet;

use super::api::{self, ApiFront};
use super::gate::Gate;
use super::idp::Observed;
use super::link::{Link, LinkControl};
use super::tokens::{Judge, Names, Validation};
use super::worker::WorkerProcess;
use crate::fault::{Controls, Engine, Fault, LinkEnd, LinkFault, Progress, Revocation};
use crate::journal::{Clock, Effect, Event, Instance, Journal, TokenKind, TokenName};

/// What a lab is opened with.
pub struct Opening {
    /// The identity provider's settings; its observer is the lab's.
    pub idp: Config,
    /// How the API validates tokens.
    pub validation: Validation,
    /// Routes and upstream of the API.
    pub api: api::Config,
    /// The Temporal frontend.
    pub temporal: SocketAddr,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

/// An open lab. Dropped, it stops serving.
pub struct Scene {
    journal: Journal,
    handles: Handles,
    front: ApiFront,
    gate: Gate,
    progress: Arc<Mutex<Vec<Progress>>>,
    serving: JoinSet<()>,
}

/// The journal of a scenario run is not the whole truth.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Incomplete {
    /// The gate passed on a message that it could not decode.
    #[error("a message between worker and Temporal could not be read")]
    Unreadable(#[source] super::gate::Unreadable),
    /// The file took no more lines.
    #[error("the journal could not be written")]
    Unwritten(#[source] io::Error),
}

/// Where one worker instance finds the lab.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// The identity provider's address for it, with the issuer that it uses.
    pub idp: Listener,
    /// The API.
    pub api: SocketAddr,
    /// The Temporal frontend, through the gate.
    pub temporal: SocketAddr,
}

impl Addresses {
    /// The ports that the instance may connect to.
    pub fn ports(&self) -> Vec<u16> {
        let issuer = self.idp.issuer.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        [Some(self.api.port()), Some(self.temporal.port()), issuer].into_iter().flatten().collect()
    }
}

/// What faults take hold of. Clones share it.
#[derive(Clone)]
struct Handles {
    journal: Journal,
    idp: Idp,
    judge: Judge,
    links: Arc<Mutex<BTreeMap<(LinkEnd, Instance), LinkControl>>>,
    workers: Arc<Mutex<BTreeMap<Instance, Arc<WorkerProcess>>>>,
}

impl Scene {
    /// Opens a lab that reports to `journal`.
    pub fn open(journal: Journal, opening: Opening) -> Self {
        let (names, calls) = (Names::default(), Arc::new(AtomicU64::new(1)));
        let observer = Arc::new(Observed::new(journal.clone(), names.clone(), Arc::clone(&calls)));
        let idp = Idp::new(Config { observer, ..opening.idp });
        let judge = Judge {
            idp: idp.clone(),
            names,
            clock: IdpClock::default(),
            validation: opening.validation,
            refused: Arc::default(),
        };
        let front = ApiFront::new(opening.api, journal.clone(), Box::new(judge.clone()), calls);
        let authority = opening.temporal.to_string().parse().expect("a socket address is an authority");
        let handles = Handles { journal: journal.clone(), idp, judge, links: Arc::default(), workers: Arc::default() };
        let gate = Gate::new(authority, journal.clone());
        let (engine, progress) = Engine::new(journal.clone(), Box::new(handles.clone()), opening.faults);
        journal.intervene_with(engine);
        Self { journal, handles, front, gate, progress, serving: JoinSet::new() }
    }

    /// Its journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Its identity provider.
    pub fn idp(&self) -> &Idp {
        &self.handles.idp
    }

    /// How far each fault has come.
    pub fn progress(&self) -> Vec<Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens addresses of its own for a worker instance: what arrives there is known to come from it.
    ///
    /// # Errors
    ///
    /// If the system gives no ports.
    pub fn admit(&mut self, instance: &Instance) -> io::Result<Addresses> {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (idp, api, temporal) = (Link::bind(loopback)?, Link::bind(loopback)?, Link::bind(loopback)?);
        let listener = Listener::new(instance.as_str(), format!("http://{}", idp.address()));
        let addresses = Addresses { idp: listener.clone(), api: api.address(), temporal: temporal.address() };
        {
            let mut links = self.handles.links.lock().unwrap_or_else(PoisonError::into_inner);
            for (end, link) in [(LinkEnd::Idp, &idp), (LinkEnd::Api, &api), (LinkEnd::Temporal, &temporal)] {
                links.insert((end, instance.clone()), link.control());
            }
        }
        let router = self.handles.idp.router(listener);
        self.serving.spawn(idp.serve(move |io| {
            let router = router.clone();
            async move { mock_idp::fault::serve_connection(io, router.into_service()).await }
        }));
        let (front, from) = (self.front.clone(), instance.clone());
        self.serving.spawn(api.serve(move |io| {
            let (front, from) = (front.clone(), from.clone());
            async move { front.serve(from, io).await }
        }));
        let (gate, from) = (self.gate.clone(), instance.clone());
        self.serving.spawn(temporal.serve(move |io| gate.serve(from.clone(), io)));
        Ok(addresses)
    }

    /// A started worker: faults can kill it from now on.
    pub fn employ(&self, worker: Arc<WorkerProcess>) {
        let mut workers = self.handles.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.insert(worker.instance().clone(), worker);
    }

    /// Waits until a worker has polled for workflow and for activity tasks through its own gate address, and records
    /// that it is ready.
    ///
    /// # Errors
    ///
    /// If it has not within `limit`.
    pub async fn ready(&self, instance: &Instance, limit: Duration) -> Result<(), crate::journal::WaitError> {
        for wanted in ["PollWorkflowTaskQueue", "PollActivityTaskQueue"] {
            let polled = self.journal.seen(limit, |record| {
                matches!(&record.event, Event::GateRpc { instance: from, rpc, .. } if from == instance && rpc == wanted)
            });
            polled.await?;
        }
        self.journal.record(Event::WorkerReady { instance: instance.clone() }).settled().await;
        Ok(())
    }

    /// Stops serving and lets go of the journal.
    ///
    /// # Errors
    ///
    /// If the journal is not the whole truth: a message of Temporal's could not be read, or a line not be written.
    /// Nothing may be judged by it then.
    pub async fn close(mut self) -> Result<(), Incomplete> {
        self.serving.shutdown().await;
        self.journal.release();
        if let Some(failure) = self.gate.take_failure() {
            return Err(Incomplete::Unreadable(failure));
        }
        self.journal.take_failure().map_or(Ok(()), |error| Err(Incomplete::Unwritten(error)))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // The engine holds the journal that holds the engine.
        self.journal.release();
    }
}

impl Handles {
    fn moved(&self, clock: Clock, offset_ms: i64) {
        let _ = self.journal.record(Event::ClockMoved { clock, offset_ms });
    }

    fn links(&self, end: LinkEnd) -> Vec<LinkControl> {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.iter().filter(|((of, _), _)| *of == end).map(|(_, control)| control.clone()).collect()
    }
}

impl Controls for Handles {
    fn pass_time(&mut self, by: Duration) -> Option<Effect> {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        drop(self.skew(Clock::Idp, by_ms));
        self.skew(Clock::Api, by_ms)
    }

    fn until_expiry(&self, token: Option<&TokenName>) -> Option<Duration> {
        let wanted = token.and_then(|name| self.judge.names.id(name));
        let tokens = self.idp.tokens().into_iter();
        let expiry = match wanted {
            Some(id) => tokens.filter(|token| token.id == id).map(|token| token.expires_at_ms).max(),
            None => tokens
                .filter(|token| token.kind == mock_idp::TokenKind::Access && token.death.is_none())
                .map(|token| token.expires_at_ms)
                .max(),
        };
        // Clocks count in whole seconds: a second more is certainly past it.
        let left = expiry? - self.idp.clock().now_ms() + 1000;
        u64::try_from(left).ok().map(Duration::from_millis)
    }

    fn skew(&mut self, clock: Clock, by_ms: i64) -> Option<Effect> {
        match clock {
            Clock::Idp => {
                self.idp.move_clock(by_ms);
                self.moved(clock, self.idp.clock().offset_ms());
            }
            Clock::Api => {
                self.judge.clock.shift_ms(by_ms);
                self.moved(clock, self.judge.clock.offset_ms());
            }
            // No worker of this lab has a clock that moves.
            Clock::Worker => {}
        }
        None
    }

    fn revoke(&mut self, what: &Revocation) {
        let kind = |kind: &TokenKind| match kind {
            TokenKind::Access => mock_idp::TokenKind::Access,
            TokenKind::Refresh => mock_idp::TokenKind::Refresh,
        };
        let which = match what {
            Revocation::Token(name) => match self.judge.names.id(name) {
                Some(id) => Which::Token(id),
                None => return,
            },
            Revocation::Newest(of) => Which::Newest(kind(of)),
            Revocation::All(of) => Which::All(kind(of)),
            Revocation::Subject(subject) => Which::Subject(subject.clone()),
        };
        self.idp.revoke(&which, "a fault of the scenario");
    }

    fn disable_client(&mut self, client: Option<&str>) {
        match client {
            Some(client) => self.idp.disable_client(client),
            None => self.idp.clients().iter().for_each(|client| self.idp.disable_client(client)),
        }
    }

    fn refuse_at_api(&mut self, token: &TokenName) {
        self.judge.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone());
    }

    fn break_link(&mut self, end: LinkEnd, fault: LinkFault) {
        for link in self.links(end) {
            match fault {
                LinkFault::Refuse => link.refuse(),
                LinkFault::Reset => link.reset(),
                LinkFault::Latency(latency) => link.latency(latency),
            }
        }
    }

    fn mend_link(&mut self, end: LinkEnd) {
        for link in self.links(end) {
            link.latency(Duration::ZERO);
            if let Err(error) = link.restore() {
                tracing::error!(%error, "a link could not be opened again");
            }
        }
    }

    fn kill_worker(&mut self, instance: Option<&Instance>) -> Effect {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let aimed = workers.values().filter(|worker| instance.is_none_or(|instance| instance == worker.instance()));
        let aimed: Vec<_> = aimed.cloned().collect();
        Box::pin(async move {
            for worker in aimed {
                worker.kill().await;
            }
        })
    }
}
