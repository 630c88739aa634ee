//! What records, in front of all observers.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;

use super::event::{AuditEvent, AuditKind, Draft, act_name};
use super::kept::{KeptEvent, KeptRequest, What};
use super::request::{RequestFilter, RequestRecord, Stage};
use crate::clock::Clock;
use crate::endpoint::{Call, Endpoint};
use crate::fault::{Directive, Sent};
use crate::observe::{IdpEvent, Observer, Outcome, ReplySeen, RequestSeen};
use crate::token::TokenFacts;

thread_local! {
    /// The request that this thread decides. A decision is synchronous: it begins and ends on one thread.
    static DECIDING: Cell<Option<u64>> = const { Cell::new(None) };
}

/// So many requests of an endpoint were answered with this status since the last reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
pub struct Counter {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The HTTP status.
    pub status: u16,
    /// How many.
    pub count: u64,
}

/// Fewer requests came than were waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{came} of {wanted} requests came within {within:?}")]
pub struct TooFew {
    /// How many were waited for.
    pub wanted: u64,
    /// How many came.
    pub came: u64,
    /// How long was waited.
    pub within: Duration,
}

/// Records what happens, in front of all other observers.
pub(crate) struct Audit {
    clock: Clock,
    next: Arc<dyn Observer>,
    /// So many events, and so many requests, are kept: the newest.
    keep: usize,
    state: Mutex<State>,
    changed: Notify,
    /// So many wait for a change.
    waiting: AtomicUsize,
}

#[derive(Default)]
struct State {
    last: u64,
    events: VecDeque<KeptEvent>,
    requests: VecDeque<KeptRequest>,
    /// Requests that are no longer kept, since the last reset.
    forgotten: u64,
    counters: BTreeMap<(Endpoint, u16), u64>,
}

impl State {
    /// Looks from the newest on: a request in work is most likely among them.
    fn request(&mut self, number: u64) -> Option<&mut KeptRequest> {
        self.requests.iter_mut().rev().find(|request| request.seen.number == number)
    }
}

impl Audit {
    pub(crate) fn new(clock: Clock, keep: usize, next: Arc<dyn Observer>) -> Self {
        Self { clock, next, keep, state: Mutex::default(), changed: Notify::new(), waiting: AtomicUsize::new(0) }
    }

    /// A request, before anybody decides it. `token` is what it presents.
    pub(crate) fn arrived(&self, seen: &Arc<RequestSeen>, call: &Call, token: Option<&TokenFacts>) {
        if self.keep == 0 {
            return;
        }
        let request = KeptRequest::arrived(seen, call, token, self.clock.now_ms());
        let mut state = self.state();
        let oldest = (state.requests.len() == self.keep).then(|| state.requests.pop_front());
        state.forgotten += u64::from(oldest.is_some());
        state.requests.push_back(request);
        drop(state);
        self.notify();
    }

    /// Whoever drives the test did something.
    pub(crate) fn control(&self, client: Option<&str>, reason: impl Into<String>) {
        let draft = Draft { client: client.map(str::to_owned), ..Draft::new(AuditKind::Control, reason) };
        self.push(What::Said(draft), None);
    }

    /// Events after this number, the oldest first.
    pub(crate) fn events(&self, after: u64) -> Vec<AuditEvent> {
        let state = self.state();
        // They are in the order of their numbers, without a gap.
        let skip = state.events.partition_point(|event| event.number <= after);
        state.events.range(skip..).map(KeptEvent::event).collect()
    }

    /// Number of the newest event; 0 before the first.
    pub(crate) fn last(&self) -> u64 {
        self.state().last
    }

    /// Waits until there is an event after this number.
    pub(crate) async fn event_after(&self, after: u64) {
        self.until(|state| (state.last > after).then_some(())).await;
    }

    /// The recorded requests that `filter` takes, the oldest first.
    pub(crate) fn requests(&self, filter: &RequestFilter) -> Vec<RequestRecord> {
        self.state().requests.iter().filter(|request| filter.takes(request)).map(KeptRequest::record).collect()
    }

    /// How many requests are no longer kept, since the last reset.
    pub(crate) fn forgotten(&self) -> u64 {
        self.state().forgotten
    }

    /// What was answered since the last reset.
    pub(crate) fn counters(&self) -> Vec<Counter> {
        let counters = self.state().counters.clone();
        counters.into_iter().map(|((endpoint, status), count)| Counter { endpoint, status, count }).collect()
    }

    /// The nth request (from 1) that `filter` takes.
    ///
    /// # Errors
    ///
    /// If fewer came in time.
    pub(crate) async fn nth(
        &self,
        filter: &RequestFilter,
        nth: u64,
        within: Duration,
    ) -> Result<RequestRecord, TooFew> {
        let index = usize::try_from(nth.max(1) - 1).unwrap_or(usize::MAX);
        let found = self.until(|state| {
            state.requests.iter().filter(|request| filter.takes(request)).nth(index).map(KeptRequest::record)
        });
        tokio::time::timeout(within, found).await.map_err(|_| TooFew {
            wanted: nth.max(1),
            came: self.requests(filter).len() as u64,
            within,
        })
    }

    /// Forgets requests and counters; the log goes on.
    pub(crate) fn forget_requests(&self) {
        let mut state = self.state();
        state.requests.clear();
        state.counters.clear();
        state.forgotten = 0;
    }

    async fn until<T>(&self, mut found: impl FnMut(&State) -> Option<T>) -> T {
        let _waiting = Waiting::new(&self.waiting);
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Enlisted before the look: what happens in between is not missed.
            changed.as_mut().enable();
            if let Some(found) = found(&self.state()) {
                return found;
            }
            changed.await;
        }
    }

    /// Something changed, and whoever changed it has had the state since: who waits and has looked before is counted.
    fn notify(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }

    fn push(&self, what: What, request: Option<u64>) {
        if self.keep == 0 {
            return;
        }
        let at_ms = self.clock.now_ms();
        let mut state = self.state();
        state.last += 1;
        let oldest = (state.events.len() == self.keep).then(|| state.events.pop_front());
        let number = state.last;
        state.events.push_back(KeptEvent { number, at_ms, request, what });
        drop(state);
        // Not while others wait for the state.
        drop(oldest);
        self.notify();
    }

    fn note_fault(&self, number: u64, directive: &Directive) {
        if self.keep == 0 || directive.is_proceed() {
            return;
        }
        let what = act_name(&directive.act).or_else(|| (!directive.delay.is_zero()).then(|| "Delay".to_owned()));
        if let Some(request) = self.state().request(number) {
            request.fault = what.or_else(|| request.fault.take());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Audit {
    /// See [`Observer::request`].
    pub(crate) fn request(&self, seen: &RequestSeen, decide: &mut dyn FnMut()) -> Outcome {
        let outcome = self.next.request(seen, &mut || {
            DECIDING.set(Some(seen.number));
            decide();
            DECIDING.set(None);
        });
        self.note_fault(seen.number, &outcome.directive);
        outcome
    }

    /// See [`Observer::event`].
    pub(crate) fn event(&self, event: IdpEvent) {
        self.next.event(&event);
        self.push(What::Happened(event), DECIDING.get());
    }

    /// See [`Observer::reply`].
    pub(crate) fn reply(&self, seen: &Arc<RequestSeen>, reply: ReplySeen) -> Outcome {
        let outcome = self.next.reply(seen, &reply);
        self.note_fault(seen.number, &outcome.directive);
        if self.keep == 0 {
            return outcome;
        }
        let reply = Arc::new(reply);
        let mut presented = None;
        let mut state = self.state();
        *state.counters.entry((seen.endpoint, reply.status)).or_default() += 1;
        if let Some(request) = state.request(seen.number) {
            request.stage = Stage::Answered;
            request.reply = Some(Arc::clone(&reply));
            presented = request.presented();
        }
        drop(state);
        self.push(What::Decided { seen: Arc::clone(seen), reply, presented }, Some(seen.number));
        outcome
    }

    /// See [`Observer::done`].
    pub(crate) fn done(&self, seen: &RequestSeen, sent: Sent) {
        if self.keep > 0
            && let Some(request) = self.state().request(seen.number)
        {
            request.stage = Stage::Done;
            request.delivered = Some(sent.delivered);
        }
        if sent.delivered {
            self.notify();
        } else {
            let draft = Draft::new(AuditKind::Lost, "the reply was broken off, or its client was gone");
            self.push(What::Said(Draft { client: seen.client.clone(), ..draft }), Some(seen.number));
        }
        self.next.done(seen, sent);
    }
}

/// Counts one who waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
