//! One scenario run's lab, opened and closed: identity provider, API front and gate behind links of their own for each
//! worker instance, on one journal.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mock_idp::{Clock as ServerClock, Config, Endpoint, Idp, Listener};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use super::api::{self, ApiFront};
use super::canary::Secrets;
use super::clock::WorkerClock;
use super::controls::{Handles, Order, TemporalEnd};
use super::gate::{self, Gate};
use super::idp::Observed;
use super::link::Link;
use super::operate::Operator;
use super::server::ServerHand;
use super::temporal::OwnServer;
use super::tokens::{Judge, Names, Validation};
use super::worker::WorkerProcess;
use super::workload::Client;
use crate::fault::{Controls as _, Engine, Plan, Progress};
use crate::journal::{Clock, Event, Instance, Journal, TokenName};
use crate::scenario::{LinkEnd, Poll};

/// Who fetches keys for the gate, in the journal.
const FRONTEND: &str = "temporal";

/// What a lab is opened with.
pub struct Opening {
    /// The identity provider's settings; its observer is the lab's.
    pub idp: Config,
    /// How the API validates tokens.
    pub validation: Validation,
    /// How far clocks may differ when the API judges `exp`, `nbf` and `iat`.
    pub leeway: Duration,
    /// Routes and upstream of the API.
    pub api: api::Config,
    /// The Temporal frontend.
    pub temporal: SocketAddr,
    /// A connection of the harness's own to it, by which faults reach work that is under way. Without one they do not.
    pub operator: Option<Client>,
    /// The same, if it is this lab's own, so that faults may hurt it.
    pub server: Option<OwnServer>,
    /// How the gate decides who may call, once it asks for a bearer.
    pub authorization: gate::Authorization,
    /// The workers' clock, if they are started with one that can be moved.
    pub worker_clock: Option<WorkerClock>,
    /// Secrets that no token is, with the names that the journal shows instead.
    pub secrets: Vec<(TokenName, mock_idp::Secret)>,
    /// What goes wrong.
    pub plan: Plan,
}

/// An open lab. Dropped, it stops serving.
pub struct Scene {
    journal: Journal,
    handles: Handles,
    front: ApiFront,
    gate: Gate,
    progress: Arc<Mutex<Vec<Progress>>>,
    orders: Option<mpsc::UnboundedReceiver<Order>>,
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
    /// The identity provider's address for it.
    pub idp: Listener,
    /// The API.
    pub api: SocketAddr,
    /// The Temporal frontend, through the gate.
    pub temporal: SocketAddr,
}

impl Addresses {
    /// The ports that the instance may connect to.
    pub fn ports(&self) -> Vec<u16> {
        let idp = self.idp.origin.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        [Some(self.api.port()), Some(self.temporal.port()), idp].into_iter().flatten().collect()
    }
}

impl Scene {
    /// Opens a lab that reports to `journal`.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn open(journal: Journal, opening: Opening) -> Self {
        let (names, calls) = (Names::default(), Arc::new(AtomicU64::new(1)));
        let expiries = Arc::new(Notify::new());
        let observer = Observed::new(journal.clone(), names.clone(), Arc::clone(&calls), Arc::clone(&expiries));
        for (name, secret) in &opening.secrets {
            observer.keep_out(name.clone(), secret);
        }
        let (observer, lifetime) = (Arc::new(observer), opening.idp.access_token_lifetime);
        // The first client is the workers'.
        let client = opening.idp.clients.first().map(|client| client.id.clone()).unwrap_or_default();
        let seed = opening.idp.seed.unwrap_or_default();
        let secrets = Secrets::new(client, seed, opening.secrets.len(), Arc::clone(&observer));
        let idp = Idp::new(Config { observer, ..opening.idp });
        let judge = Judge {
            idp,
            names,
            clock: ServerClock::default(),
            validation: opening.validation,
            leeway: opening.leeway,
            refused: Arc::default(),
            keys: Arc::default(),
        };
        let front = ApiFront::new(opening.api, journal.clone(), Box::new(judge.clone()), calls);
        let authority = opening.temporal.to_string().parse().expect("a socket address is an authority");
        let clock = ServerClock::default();
        let known = judge.clone();
        let gate = Gate::new(gate::Config {
            authorization: opening.authorization,
            clock: clock.clone(),
            names: Box::new(move |token| known.name_of(token)),
            ..gate::Config::new(authority, journal.clone())
        });
        let (operator, operating) = Operator::new(opening.operator, journal.clone());
        let (server, hurting) = ServerHand::new(opening.server, journal.clone());
        let temporal = TemporalEnd { gate: gate.clone(), clock, operator, server };
        let (handles, orders) =
            Handles::new(journal.clone(), judge, lifetime, opening.worker_clock, expiries, secrets, temporal);
        let (engine, progress) = Engine::new(journal.clone(), Box::new(handles.clone()), opening.plan);
        journal.intervene_with(engine);
        let mut serving = JoinSet::new();
        serving.spawn(operating);
        serving.spawn(hurting);
        serving.spawn(tell_expiries(journal.clone(), handles.idp.clone(), Arc::clone(&handles.expiries)));
        Self { journal, handles, front, gate, progress, orders: Some(orders), serving }
    }

    /// Its journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Its identity provider.
    pub fn idp(&self) -> &Idp {
        &self.handles.idp
    }

    /// What faults ask of whoever runs the scenario; `None` when it was taken before.
    pub fn take_orders(&mut self) -> Option<mpsc::UnboundedReceiver<Order>> {
        self.orders.take()
    }

    /// Moves a clock before anything happens, as `clocks:` of a scenario says.
    pub fn set_clock(&self, clock: Clock, ahead_ms: i64) {
        self.journal.exclusively(|| self.handles.clone().skew(clock, ahead_ms));
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
        for (end, link) in [(LinkEnd::Idp, &idp), (LinkEnd::Api, &api), (LinkEnd::Temporal, &temporal)] {
            self.handles.opened(end, instance, link.control());
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

    /// Gives the gate the keys of the identity provider, and fetches them again so often; zero: never.
    ///
    /// # Errors
    ///
    /// If the system gives no port. That keys cannot be fetched is a state that a server can be in.
    pub async fn give_keys_to_gate(&mut self, every: Duration) -> io::Result<()> {
        let link = Link::bind(IpAddr::V4(Ipv4Addr::LOCALHOST))?;
        let listener = Listener::new(FRONTEND, format!("http://{}", link.address()));
        let jwks = self.idp().url(Endpoint::Jwks, &listener).and_then(|url| url.parse().ok());
        let router = self.handles.idp.router(listener);
        self.serving.spawn(link.serve(move |io| {
            let router = router.clone();
            async move { mock_idp::fault::serve_connection(io, router.into_service()).await }
        }));
        let Some(jwks) = jwks else { return Ok(()) };
        if let Err(error) = self.gate.fetch_keys(&jwks).await {
            tracing::debug!(%error, "the gate has no keys");
        }
        if !every.is_zero() {
            self.serving.spawn(self.gate.clone().refresh_keys(jwks, every));
        }
        Ok(())
    }

    /// The gate.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Does this until the lab closes.
    pub(super) fn serve(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.serving.spawn(work);
    }

    /// A started worker: faults can kill it from now on.
    pub fn employ(&self, worker: Arc<WorkerProcess>) {
        self.handles.started(worker);
    }

    /// Waits until a worker has made these polls through its own gate address, and records that it is ready.
    ///
    /// # Errors
    ///
    /// If it has not within `limit`.
    pub async fn ready(
        &self,
        instance: &Instance,
        polls: &[Poll],
        limit: Duration,
    ) -> Result<(), crate::journal::WaitError> {
        for poll in polls {
            let wanted = match poll {
                Poll::Workflow => "PollWorkflowTaskQueue",
                Poll::Activity => "PollActivityTaskQueue",
                Poll::Nexus => "PollNexusTaskQueue",
            };
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

/// Has each token's expiry reported when its time is over, though nobody asks about the token.
async fn tell_expiries(journal: Journal, idp: Idp, changed: Arc<Notify>) {
    loop {
        let next = journal.exclusively(|| {
            idp.expire_due();
            idp.next_expiry().and_then(|(_, at_ms)| idp.clock().until(at_ms))
        });
        let expiry = async {
            match next {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = expiry => {}
            () = changed.notified() => {}
        }
    }
}
