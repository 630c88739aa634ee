//! The rules that hold, as an observer in front of another.

use std::collections::{BTreeMap, VecDeque};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rand::SeedableRng as _;
use rand_chacha::ChaCha12Rng;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::armed::{Armed, Bent, Held, Plan};
use super::limit::RateLimit;
use super::rule::Rule;
use crate::clock::Clock;
use crate::dialect::Dialect;
use crate::fault::{Directive, HttpReply, Sent};
use crate::observe::{IdpEvent, Observer, Outcome, ReplySeen, RequestSeen};

/// Names a rule that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(u64);

impl RuleId {
    /// Its number, from 1, in the order of adding.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// A rule that was added, and what it has done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// Its name.
    pub id: RuleId,
    /// What it says.
    pub rule: Rule,
    /// When its period is over, in milliseconds since the Unix epoch by the provider's clock.
    pub ends_ms: Option<i64>,
    /// How many requests it was for, whether or not it was their turn or their luck.
    pub matched: u64,
    /// On how many it has acted.
    pub acted: u64,
    /// On how many more it can act: 0 if it is used up or its period is over, `None` if there is no bound.
    pub left: Option<u64>,
    /// How many requests and replies it holds now.
    pub held: usize,
}

/// The rules at a moment, with what they have counted.
#[derive(Clone, Default)]
pub(crate) struct Saved {
    rules: BTreeMap<RuleId, Armed>,
    used_up: VecDeque<Standing>,
}

/// So many rules that are used up are remembered, the newest.
const REMEMBERED: usize = 100;

/// Documents of each origin, by path.
pub(crate) type Snapshot = BTreeMap<(String, String), HttpReply>;

type Documents = Box<dyn Fn() -> Snapshot + Send + Sync>;

/// Rules in front of another observer, which sees every request all the same: one that a rule answers it cannot
/// decide, and what it wants itself comes after the rules. [The module](super) says how rules act together.
///
/// Every [`Idp`](crate::Idp) has them: [`Idp::rules`](crate::Idp::rules).
pub struct Rules {
    clock: Clock,
    next: Arc<dyn Observer>,
    seed: u64,
    dialect: Dialect,
    documents: OnceLock<Documents>,
    state: Mutex<State>,
    /// Whether there are rules or open requests: without any, a request need not look.
    busy: AtomicBool,
}

#[derive(Default)]
struct State {
    added: u64,
    /// How many of those draw.
    drawing: u64,
    rules: BTreeMap<RuleId, Armed>,
    /// What became of those that can act no more, for whoever looks.
    used_up: VecDeque<Standing>,
    /// What is left to do for open requests, by the number of the request.
    open: BTreeMap<u64, Open>,
}

/// A request on its way.
struct Open {
    bent: Bent,
    leaving: Directive,
    holds_reply: Option<Held>,
}

impl Rules {
    /// No rules yet, in front of `next`. Periods go by `clock`.
    pub fn new(clock: Clock, next: Arc<dyn Observer>) -> Self {
        Self {
            clock,
            next,
            seed: 0,
            dialect: Dialect::default(),
            documents: OnceLock::new(),
            state: Mutex::default(),
            busy: AtomicBool::new(false),
        }
    }

    /// What chance draws from, for rules that have no seed of their own: 0 if it is not given.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Whose answer to one request too many is given where a rule says none of its own: generic if this is not said.
    #[must_use]
    pub fn dialect(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    /// Where the documents come from that a rule keeps.
    pub(crate) fn documents_from(&self, documents: impl Fn() -> Snapshot + Send + Sync + 'static) {
        // Set once, by the identity provider that owns these rules.
        let _ = self.documents.set(Box::new(documents));
    }

    /// From now on this rule holds, too.
    pub fn add(&self, rule: Rule) -> RuleId {
        let period = rule.lasting.map(|period| i64::try_from(period.as_millis()).unwrap_or(i64::MAX));
        let ends_ms = period.map(|period| self.clock.now_ms().saturating_add(period));
        let keeps = rule.processing.stale.and(self.documents.get());
        let documents = keeps.map(|documents| Arc::new(documents()));
        let mut state = self.state();
        let mut random = ChaCha12Rng::seed_from_u64(rule.seed.unwrap_or(self.seed));
        // Two rules with the same seed make choices of their own; a rule that never draws does not count.
        if rule.seed.is_none() && rule.draws() {
            random.set_stream(state.drawing);
            state.drawing += 1;
        }
        state.added += 1;
        let id = RuleId(state.added);
        let (holds, _) = watch::channel(());
        let counters = super::limit::Counters::default();
        state.rules.insert(id, Armed { rule, ends_ms, matched: 0, acted: 0, random, counters, documents, holds });
        id
    }

    /// The rule holds no longer, and releases what it held. Replies that are on their way keep what it said. Gives
    /// whether it could still act.
    pub fn remove(&self, id: RuleId) -> bool {
        let now_ms = self.clock.now_ms();
        let mut state = self.state();
        state.used_up.retain(|standing| standing.id != id);
        state.rules.remove(&id).is_some_and(|armed| armed.is_on(now_ms))
    }

    /// No rule holds any longer.
    pub fn clear(&self) {
        let mut state = self.state();
        state.rules.clear();
        state.used_up.clear();
    }

    /// The rules that hold, the oldest first.
    pub fn list(&self) -> Vec<Standing> {
        let mut state = self.state();
        let now_ms = self.clock.now_ms();
        state.sweep(now_ms);
        state.rules.iter().map(|(id, armed)| armed.standing(*id, now_ms)).collect()
    }

    /// The rules that can act no more, as they were at last: their times are used up, or their period is over. The newest
    /// 100, in the order of their end. Who is [removed](Rules::remove) is not among them.
    pub fn used_up(&self) -> Vec<Standing> {
        let mut state = self.state();
        state.sweep(self.clock.now_ms());
        state.used_up.iter().cloned().collect()
    }

    /// What is said at `now_ms`, by the provider's clock, to one request too many by a limit whose allowance has just been
    /// used: for the next observer, if it decides itself who is one too many.
    pub fn exceeded(&self, limit: &RateLimit, now_ms: i64) -> Directive {
        limit.exceeded(self.dialect, now_ms)
    }

    pub(crate) fn save(&self) -> Saved {
        let state = self.state();
        Saved { rules: state.rules.clone(), used_up: state.used_up.clone() }
    }

    /// The rules are those of then, and what rules held is released. Replies that are on their way keep what was said
    /// of them.
    pub(crate) fn restore(&self, saved: &Saved) {
        let mut state = self.state();
        state.rules.clone_from(&saved.rules);
        state.used_up.clone_from(&saved.used_up);
    }

    /// How the rules want an open request to be processed.
    pub(crate) fn bent(&self, number: u64) -> Bent {
        self.busy().and_then(|state| state.open.get(&number).map(|open| open.bent.clone())).unwrap_or_default()
    }

    /// What the rules want of this request, counted; `None` if nothing.
    fn take(&self, seen: &RequestSeen) -> Option<Plan> {
        let mut state = self.busy().filter(|state| !state.rules.is_empty())?;
        let now_ms = self.clock.now_ms();
        state.sweep(now_ms);
        let mut plan = Plan::default();
        for armed in state.rules.values_mut() {
            armed.act(seen, self.dialect, now_ms, &mut plan);
        }
        Some(plan)
    }

    fn state(&self) -> Guard<'_> {
        Guard { state: self.state.lock().unwrap_or_else(PoisonError::into_inner), busy: &self.busy }
    }

    /// The state, if there is anything in it.
    fn busy(&self) -> Option<Guard<'_>> {
        self.busy.load(Ordering::Acquire).then(|| self.state())
    }
}

/// The state while it is held. Whether there is anything in it is noted in the end.
struct Guard<'a> {
    state: MutexGuard<'a, State>,
    busy: &'a AtomicBool,
}

impl Deref for Guard<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Guard<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.busy.store(!self.state.rules.is_empty() || !self.state.open.is_empty(), Ordering::Release);
    }
}

impl State {
    fn sweep(&mut self, now_ms: i64) {
        let used_up = &mut self.used_up;
        self.rules.retain(|id, armed| {
            let over = armed.is_over(now_ms);
            if over {
                used_up.push_back(armed.standing(*id, now_ms));
            }
            !over
        });
        let too_many = self.used_up.len().saturating_sub(REMEMBERED);
        self.used_up.drain(..too_many);
    }
}

impl Rules {
    /// Waits for the rule, then for the next observer.
    fn after(&self, held: Option<Held>, outcome: Outcome) -> Outcome {
        let Some(held) = held else { return outcome };
        let clock = self.clock.clone();
        let before = async move {
            held.released(clock).await;
            if let Some(before) = outcome.before {
                before.await;
            }
        };
        Outcome { directive: outcome.directive, before: Some(Box::pin(before)) }
    }
}

impl Observer for Rules {
    fn request(&self, seen: &RequestSeen, decide: &mut dyn FnMut()) -> Outcome {
        let Some(plan) = self.take(seen) else { return self.next.request(seen, decide) };
        let Plan { delay, instead, bent, changes, deliver, holds_request, holds_reply, .. } = plan;
        // The next observer may answer the request; what the rules want is done to whatever the reply will be.
        let leaving = Directive { act: deliver, ..Directive::proceed() };
        self.state().open.insert(seen.number, Open { bent, leaving, holds_reply });
        let outcome = match &instead {
            Some(_) => self.next.request(seen, &mut || {}),
            None => self.next.request(seen, decide),
        };
        let directive = Directive { delay, changes, act: instead.unwrap_or_default() }.and(outcome.directive);
        self.after(holds_request, Outcome { directive, before: outcome.before })
    }

    fn event(&self, event: &IdpEvent) {
        self.next.event(event);
    }

    fn reply(&self, request: &RequestSeen, reply: &ReplySeen) -> Outcome {
        let outcome = self.next.reply(request, reply);
        let open = self.busy().and_then(|mut state| state.open.remove(&request.number));
        let Some(open) = open else { return outcome };
        let directive = open.leaving.and(outcome.directive);
        self.after(open.holds_reply, Outcome { directive, before: outcome.before })
    }

    fn done(&self, request: &RequestSeen, sent: Sent) {
        if let Some(mut state) = self.busy() {
            state.open.remove(&request.number);
        }
        self.next.done(request, sent);
    }
}
