//! The lab's handles, as faults take hold of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mock_idp::{ClientSecret, Clock as ServerClock, Idp, Secret, TokenFacts, TokenId};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

use super::canary::Secrets;
use super::clock::WorkerClock;
use super::gate::Gate;
use super::limits;
use super::link::LinkControl;
use super::links::Links;
use super::operate::Operator;
use super::server::ServerHand;
use super::tokens::Judge;
use super::worker::WorkerProcess;
use crate::fault::{
    Controls, Expiry, LinkFault, Operation, Revocation, ServerFault, TokenLifetime, Which, is_instance,
};
use crate::journal::{Clock, Directive, Effect, Event, Instance, Journal, TokenKind, TokenName};
use crate::scenario::{LinkEnd, RetryAfter};

/// What a fault asks of whoever runs the scenario, as the lab does not start workers itself.
#[derive(Debug)]
#[non_exhaustive]
pub enum Order {
    /// This worker is being killed to be started again: its next generation is due once it has ended.
    Restart(Instance),
    /// The client has a new secret: workers that start from now on are given it.
    ClientSecret(Secret),
    /// Somebody has consented again: this refresh token replaces what workers were given at their start.
    RefreshToken(Box<TokenFacts>),
}

/// What faults take hold of. Clones share it.
#[derive(Clone)]
pub(super) struct Handles {
    pub(super) journal: Journal,
    pub(super) idp: Idp,
    pub(super) judge: Judge,
    /// Woken when it has to be found out anew which token expires next.
    pub(super) expiries: Arc<Notify>,
    lifetime: Duration,
    worker_clock: Option<WorkerClock>,
    links: Arc<Mutex<Links>>,
    workers: Arc<Mutex<BTreeMap<Instance, Arc<WorkerProcess>>>>,
    /// Workers that are stopped, with by how many faults.
    frozen: Arc<Mutex<BTreeMap<Instance, u32>>>,
    temporal: TemporalEnd,
    hands: Arc<Mutex<BTreeMap<Clock, Hands>>>,
    orders: mpsc::UnboundedSender<Order>,
    secrets: Secrets,
}

/// By what faults reach Temporal.
#[derive(Clone)]
pub(super) struct TemporalEnd {
    pub(super) gate: Gate,
    /// The clock by which the gate judges tokens: it follows the time that passes on all.
    pub(super) clock: ServerClock,
    pub(super) operator: Operator,
    pub(super) server: ServerHand,
}

/// How a clock was moved.
#[derive(Default)]
struct Hands {
    /// By how much on purpose, in milliseconds. The rest of its offset it has gained by drifting.
    moved_ms: i64,
    /// How much it gains in each second, in milliseconds.
    drift: i64,
}

impl Handles {
    pub(super) fn new(
        journal: Journal,
        judge: Judge,
        lifetime: Duration,
        worker_clock: Option<WorkerClock>,
        expiries: Arc<Notify>,
        secrets: Secrets,
        temporal: TemporalEnd,
    ) -> (Self, mpsc::UnboundedReceiver<Order>) {
        let (orders, ordered) = mpsc::unbounded_channel();
        let handles = Self {
            journal,
            idp: judge.idp.clone(),
            judge,
            expiries,
            lifetime,
            worker_clock,
            links: Arc::default(),
            workers: Arc::default(),
            frozen: Arc::default(),
            temporal,
            hands: Arc::default(),
            orders,
            secrets,
        };
        (handles, ordered)
    }

    /// A link was opened for a worker instance. It is broken from the start if that end is.
    pub(super) fn opened(&self, end: LinkEnd, instance: &Instance, link: LinkControl) {
        self.links.lock().opened(end, instance, link);
    }

    /// A worker was started.
    pub(super) fn started(&self, worker: Arc<WorkerProcess>) {
        self.workers.lock().insert(worker.instance().clone(), worker);
    }

    /// The workers of this name that have not ended, as far as is recorded.
    fn living(&self, instance: Option<&str>) -> Vec<Arc<WorkerProcess>> {
        let workers = self.workers.lock();
        let aimed = workers.values().filter(|worker| {
            worker.exited().is_none() && instance.is_none_or(|name| is_instance(worker.instance(), name))
        });
        aimed.cloned().collect()
    }

    /// Takes back one freezing of this worker. Whether it was the last.
    fn thaw(&self, instance: &Instance) -> bool {
        let mut frozen = self.frozen.lock();
        let Some(times) = frozen.get_mut(instance) else { return false };
        *times -= 1;
        let last = *times == 0;
        if last {
            frozen.remove(instance);
        }
        last
    }

    fn offset_ms(&self, clock: Clock) -> i64 {
        match clock {
            Clock::Idp => self.idp.clock().offset_ms(),
            Clock::Api => self.judge.clock.offset_ms(),
            Clock::Worker => self.worker_clock.as_ref().map_or(0, WorkerClock::offset_ms),
        }
    }

    /// Whether there is such a clock to be moved.
    fn has(&self, clock: Clock) -> bool {
        clock != Clock::Worker || self.worker_clock.is_some()
    }

    /// Moves a clock, whatever for.
    fn shift(&self, clock: Clock, by_ms: i64) {
        match clock {
            Clock::Idp => self.idp.move_clock(by_ms),
            Clock::Api => self.judge.clock.shift_ms(by_ms),
            Clock::Worker => {
                let moved = self.worker_clock.as_ref().map_or(Ok(()), |clock| clock.shift(by_ms));
                if let Err(error) = moved {
                    tracing::error!(%error, "the workers' clock could not be moved");
                }
            }
        }
        let _ = self.journal.record(Event::ClockMoved { clock, offset_ms: self.offset_ms(clock) });
        self.expiries.notify_one();
    }

    fn ids(&self, what: &Revocation) -> Vec<TokenId> {
        let now_ms = self.idp.clock().now_ms();
        let fits = |token: &TokenFacts| {
            what.kind.is_none_or(|kind| kind == kind_of(token))
                && what.client.as_ref().is_none_or(|client| *client == token.client)
                && what.subject.as_ref().is_none_or(|subject| *subject == token.subject)
        };
        let tokens = self.idp.tokens();
        let mut fitting = tokens.iter().filter(|token| fits(token));
        match &what.which {
            Which::This(name) => {
                let id = self.judge.names.id(name);
                fitting.filter(|token| Some(token.id) == id).map(|token| token.id).collect()
            }
            Which::Newest => fitting.rfind(|token| token.is_live(now_ms)).map(|token| token.id).into_iter().collect(),
            Which::All => fitting.filter(|token| token.is_live(now_ms)).map(|token| token.id).collect(),
        }
    }

    fn clients(&self, client: Option<&str>) -> Vec<String> {
        client.map_or_else(|| self.idp.clients(), |client| vec![client.to_owned()])
    }
}

fn kind_of(token: &TokenFacts) -> TokenKind {
    match token.kind {
        mock_idp::TokenKind::Access => TokenKind::Access,
        mock_idp::TokenKind::Refresh => TokenKind::Refresh,
    }
}

impl Controls for Handles {
    fn now_ms(&self, clock: Clock) -> i64 {
        match clock {
            Clock::Idp => self.idp.clock().now_ms(),
            Clock::Api | Clock::Worker => self.judge.clock.now_ms(),
        }
    }

    fn too_many_requests(&self, after: u32, come_back: Option<&RetryAfter>) -> Directive {
        limits::exceeded(&self.idp, after, come_back)
    }

    fn until_expiry(&self, of: Expiry<'_>) -> Option<Duration> {
        let now_ms = self.idp.clock().now_ms();
        let tokens = self.idp.tokens().into_iter();
        let expiry_ms = match of {
            Expiry::Token(name) => {
                let id = self.judge.names.id(name)?;
                tokens.filter(|token| token.id == id).map(|token| token.expires_at_ms).max()?
            }
            Expiry::Last => tokens
                .filter(|token| kind_of(token) == TokenKind::Access && token.is_live(now_ms))
                .map(|token| token.expires_at_ms)
                .max()?,
        };
        u64::try_from(expiry_ms - now_ms).ok().map(Duration::from_millis)
    }

    fn pass_time(&mut self, by: Duration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.temporal.clock.shift_ms(by_ms);
        for clock in [Clock::Idp, Clock::Api, Clock::Worker] {
            if !self.has(clock) {
                continue;
            }
            let drifted_ms = {
                let mut hands = self.hands.lock();
                let hands = hands.entry(clock).or_default();
                hands.moved_ms = hands.moved_ms.saturating_add(by_ms);
                // A clock that gains in each second has gained in those that passed as well.
                i128::from(by_ms) * i128::from(hands.drift) / 1000
            };
            let drifted_ms = i64::try_from(drifted_ms).unwrap_or(i64::MAX);
            self.shift(clock, by_ms.saturating_add(drifted_ms));
        }
    }

    fn sit_out(&mut self, by: Duration) -> Effect {
        let (idp, journal) = (self.idp.clone(), self.journal.clone());
        let until_ms = idp.clock().now_ms().saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
        Box::pin(async move {
            while let Some(left) = idp.clock().until(until_ms).filter(|left| !left.is_zero()) {
                tokio::time::sleep(left).await;
            }
            // Whoever goes on now must find what expired meanwhile in the journal.
            journal.exclusively(|| idp.expire_due());
        })
    }

    fn skew(&mut self, clock: Clock, by_ms: i64) {
        if self.has(clock) {
            self.hands.lock().entry(clock).or_default().moved_ms += by_ms;
            self.shift(clock, by_ms);
        }
    }

    fn drift(&mut self, clock: Clock, ms_per_second: i64) {
        let (drift, moved_ms) = {
            let mut hands = self.hands.lock();
            let hands = hands.entry(clock).or_default();
            hands.drift = hands.drift.saturating_add(ms_per_second);
            (hands.drift, hands.moved_ms)
        };
        match clock {
            Clock::Idp => self.idp.clock().drift(drift),
            Clock::Api => self.judge.clock.drift(drift),
            Clock::Worker => {
                if let Some(clock) = &self.worker_clock {
                    clock.drift(drift);
                }
            }
        }
        if drift == 0 && self.has(clock) {
            self.shift(clock, moved_ms - self.offset_ms(clock));
        }
        self.expiries.notify_one();
    }

    fn revoke(&mut self, what: &Revocation) {
        for id in self.ids(what) {
            self.idp.revoke(&mock_idp::Which::Token(id), "a fault of the scenario");
        }
    }

    fn disable_client(&mut self, client: Option<&str>) {
        self.clients(client).iter().for_each(|client| self.idp.disable_client(client));
    }

    fn grant_access(&mut self, client: Option<&str>) {
        for client in self.clients(client) {
            if let Some(token) = self.idp.consent(&client) {
                // Nobody listens if nobody starts workers: then there is nobody to be given it either.
                let _ = self.orders.send(Order::RefreshToken(Box::new(token)));
            }
        }
    }

    fn reuse_refresh_token(&mut self, client: Option<&str>) {
        if let Some(stolen) = self.idp.reuse_rotated(client) {
            tracing::debug!(error = ?stolen.error, "a stolen refresh token was presented");
        }
    }

    fn set_lifetime(&mut self, lifetime: Option<TokenLifetime>) {
        let (lives, stated) = lifetime.map_or((self.lifetime, None), |it| (it.lives, it.stated));
        self.idp.set_access_token_lifetime(lives, stated);
    }

    fn rotate_keys(&mut self, keep_old: bool) {
        self.idp.rotate_keys(keep_old);
    }

    fn rotate_secret(&mut self, overlap: Duration) {
        let secret = self.secrets.next();
        // Each secret is good for itself: the old ones for as long as they overlap.
        self.idp.add_secret(self.secrets.client(), ClientSecret::new(secret.expose()), overlap);
        // Nobody listens if nobody starts workers.
        let _ = self.orders.send(Order::ClientSecret(secret));
    }

    fn require_bearer(&mut self, required: bool) {
        self.temporal.gate.require_bearer(required);
    }

    fn cut_polls(&mut self, code: Option<i32>) -> Effect {
        certainly(self.temporal.gate.cut_polls(None, code))
    }

    fn go_away(&mut self, grace: Duration) {
        self.temporal.gate.go_away(grace);
    }

    fn refuse_at_api(&mut self, token: &TokenName) {
        self.judge.refused.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(token.clone());
    }

    fn break_link(&mut self, end: LinkEnd, fault: LinkFault) -> bool {
        self.links.lock().break_all(end, fault);
        true
    }

    fn mend_link(&mut self, end: LinkEnd, fault: LinkFault) {
        let withheld = self.links.lock().mend_all(end, fault);
        for instance in withheld {
            let _ = self.journal.record(Event::LinkWithheld { on: end.name().to_owned(), instance });
        }
    }

    fn kill_worker(&mut self, instance: Option<&str>) -> Effect {
        let (aimed, gate) = (self.living(instance), self.temporal.gate.clone());
        certainly(async move {
            for worker in aimed {
                kill(&worker, &gate).await;
            }
        })
    }

    fn stop_worker(&mut self, instance: Option<&str>, notice: Option<Duration>) -> Effect {
        let (aimed, gate) = (self.living(instance), self.temporal.gate.clone());
        certainly(async move {
            for worker in aimed {
                ask_to_end(worker, &gate, notice).await;
            }
        })
    }

    fn freeze_worker(&mut self, instance: Option<&str>) -> Effect {
        let (aimed, journal) = (self.living(instance), self.journal.clone());
        for worker in &aimed {
            *self.frozen.lock().entry(worker.instance().clone()).or_default() += 1;
        }
        certainly(async move {
            for worker in aimed {
                // One that has ended does nothing either.
                if worker.stop().await.is_ok() {
                    let _ = journal.record(Event::WorkerFrozen { instance: worker.instance().clone() });
                }
            }
        })
    }

    fn resume_worker(&mut self, instance: Option<&str>) -> Effect {
        let mut thawed = self.living(instance);
        thawed.retain(|worker| self.thaw(worker.instance()));
        let (gate, journal) = (self.temporal.gate.clone(), self.journal.clone());
        certainly(async move {
            for worker in thawed {
                resume(&worker, &gate, &journal).await;
            }
        })
    }

    fn restart_worker(&mut self, instance: Option<&str>, notice: Option<Duration>) -> Effect {
        let (aimed, gate, orders) = (self.living(instance), self.temporal.gate.clone(), self.orders.clone());
        certainly(async move {
            for worker in aimed {
                // Asked for first, so that whoever sees the end knows that it is not the last.
                let _ = orders.send(Order::Restart(worker.instance().clone()));
                match notice {
                    Some(_) => ask_to_end(worker, &gate, notice).await,
                    None => kill(&worker, &gate).await,
                }
            }
        })
    }

    fn hurt_server(&mut self, fault: ServerFault) -> Effect {
        self.temporal.server.ask(fault)
    }

    fn operate(&mut self, operation: Operation) -> Effect {
        self.temporal.operator.ask(operation)
    }
}

/// Lets a frozen worker go on. Of its parked polls the server knows first that they are over: a task for one of them
/// would be taken by nobody until Temporal's workflow task timeout.
async fn resume(worker: &WorkerProcess, gate: &Gate, journal: &Journal) {
    gate.cut_polls(Some(worker.instance()), None).await;
    if worker.resume().await.is_ok() {
        let _ = journal.record(Event::WorkerResumed { instance: worker.instance().clone() });
    }
}

/// Ends a worker, and lets nothing go on before the server has let go of its polls: a task that is dispatched to one of
/// them is lost until Temporal's workflow task timeout.
async fn kill(worker: &WorkerProcess, gate: &Gate) {
    worker.kill().await;
    gate.bury(worker.instance()).await;
}

/// Nothing waits for the end of a worker that was given notice: what it has to finish may be what waits.
async fn ask_to_end(worker: Arc<WorkerProcess>, gate: &Gate, notice: Option<Duration>) {
    // One that has ended already needs no telling.
    let _ = worker.terminate().await;
    let Some(notice) = notice else { return };
    let gate = gate.clone();
    tokio::spawn(async move {
        if tokio::time::timeout(notice, worker.recorded()).await.is_err() {
            kill(&worker, &gate).await;
        }
    });
}

/// Goes on even if the part that reported the triggering event does not wait for it.
fn certainly(work: impl Future<Output = ()> + Send + 'static) -> Effect {
    let work = tokio::spawn(work);
    Box::pin(async move {
        // An error is its panic, or the end of the runtime.
        let _ = work.await;
    })
}
