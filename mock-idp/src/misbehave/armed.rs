//! A rule that was added, and what several of them make of one request.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha12Rng;
use tokio::sync::watch;

use super::limit::Counters;
use super::rule::{Deliver, Instead, Rule, Stale};
use super::rules::{RuleId, Snapshot, Standing};
use super::selection::Turn;
use crate::clock::Clock;
use crate::dialect::Dialect;
use crate::fault::{Act, Change};
use crate::observe::RequestSeen;

/// A rule with its counters.
pub(super) struct Armed {
    pub(super) rule: Rule,
    pub(super) ends_ms: Option<i64>,
    /// How many requests it was for.
    pub(super) matched: u64,
    /// On how many it has acted.
    pub(super) acted: u64,
    pub(super) random: ChaCha12Rng,
    pub(super) counters: Counters,
    /// The documents as they were when it was added.
    pub(super) documents: Option<Arc<Snapshot>>,
    /// Each request that it holds has a receiver, which is released when this is dropped.
    pub(super) holds: watch::Sender<()>,
}

impl Clone for Armed {
    /// The same rule with the same counters, holding nothing.
    fn clone(&self) -> Self {
        Self {
            rule: self.rule.clone(),
            ends_ms: self.ends_ms,
            matched: self.matched,
            acted: self.acted,
            random: self.random.clone(),
            counters: self.counters.clone(),
            documents: self.documents.clone(),
            holds: watch::Sender::new(()),
        }
    }
}

/// What the rules want of one request.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) delay: Duration,
    /// What happens instead of processing.
    pub(super) instead: Option<Act>,
    pub(super) bent: Bent,
    pub(super) changes: Vec<Change>,
    pub(super) deliver: Act,
    pub(super) holds_request: Option<Held>,
    pub(super) holds_reply: Option<Held>,
    /// A rule has decided the request's fate.
    fated: bool,
}

/// How a request is processed.
#[derive(Default, Clone)]
pub(crate) struct Bent {
    pub(crate) audience: Option<String>,
    pub(crate) clock_ms: i64,
    pub(crate) documents: Option<OldDocuments>,
    /// What the order of the keys in the JWKS is drawn from, if it is.
    pub(crate) key_order: Option<u64>,
}

/// Which documents are served.
#[derive(Clone)]
pub(crate) enum OldDocuments {
    /// These.
    Kept(Arc<Snapshot>),
    /// Those from before the last rotation.
    BeforeRotation,
}

/// A request or reply that waits for its rule to end.
pub(super) struct Held {
    ended: watch::Receiver<()>,
    ends_ms: Option<i64>,
}

impl Armed {
    /// Whether it can still act at this time.
    pub(super) fn is_on(&self, now_ms: i64) -> bool {
        !self.is_spent() && !self.is_past(now_ms)
    }

    /// Whether it is of no more use. A rule that acts no longer stays as long as it holds requests: to remove it is the
    /// way to release them.
    pub(super) fn is_over(&self, now_ms: i64) -> bool {
        self.is_past(now_ms) || (self.is_spent() && self.holds.receiver_count() == 0)
    }

    fn is_past(&self, now_ms: i64) -> bool {
        self.ends_ms.is_some_and(|ends_ms| now_ms >= ends_ms)
    }

    fn is_spent(&self) -> bool {
        self.left() == Some(0) || self.rule.when.turn.is_some_and(|turn| turn.is_over(self.matched))
    }

    /// On how many requests more it can act.
    fn left(&self) -> Option<u64> {
        self.rule.times.map(|times| u64::from(times).saturating_sub(self.acted))
    }

    /// What it says, and what it has done.
    pub(super) fn standing(&self, id: RuleId, now_ms: i64) -> Standing {
        let once = matches!(self.rule.when.turn, Some(Turn::Nth(_))).then_some(1);
        let left = self.left().into_iter().chain(once).min();
        Standing {
            id,
            rule: self.rule.clone(),
            ends_ms: self.ends_ms,
            matched: self.matched,
            acted: self.acted,
            left: if self.is_on(now_ms) { left } else { Some(0) },
            held: self.holds.receiver_count(),
        }
    }

    /// Adds what it wants of this request.
    pub(super) fn act(&mut self, seen: &RequestSeen, dialect: Dialect, now_ms: i64, plan: &mut Plan) {
        if !self.is_on(now_ms) || !self.rule.when.fits(seen) {
            return;
        }
        self.matched += 1;
        if self.rule.when.turn.is_some_and(|turn| !turn.is_due(self.matched)) {
            return;
        }
        // Drawn whatever other rules do, so that one more rule does not change the choices of this one.
        let happens = self.rule.when.probability.happens(&mut self.random);
        let delay = self.rule.delay.filter(|_| happens).map(|delay| delay.draw(&mut self.random));
        let key_order = (happens && self.rule.processing.unordered_keys).then(|| self.random.random());
        let decides_fate = self.rule.instead.is_some() || self.rule.deliver.is_some();
        if !happens || (decides_fate && plan.fated) {
            return;
        }
        self.acted += 1;
        plan.delay = plan.delay.saturating_add(delay.unwrap_or_default());
        plan.fated |= decides_fate;
        self.count(seen, dialect, now_ms, plan);
        self.instead(plan);
        self.bend(plan);
        plan.bent.key_order = plan.bent.key_order.or(key_order);
        plan.changes.extend(self.rule.change.iter().cloned());
        plan.changes.extend(self.rule.retry_after.as_ref().map(|says| says.change(now_ms)));
        self.deliver(plan);
    }

    fn count(&mut self, seen: &RequestSeen, dialect: Dialect, now_ms: i64, plan: &mut Plan) {
        let Some(limit) = &self.rule.limit else { return };
        let counted = self.counters.count(limit, seen, dialect, now_ms);
        plan.changes.extend(counted.changes);
        if let Some(refusal) = counted.refusal
            && plan.instead.is_none()
        {
            plan.instead = Some(Act::Answer(refusal));
            plan.fated = true;
        }
    }

    fn instead(&self, plan: &mut Plan) {
        let Some(instead) = self.rule.instead.as_ref().filter(|_| plan.instead.is_none()) else { return };
        plan.instead = Some(match instead {
            Instead::Answer(answer) => Act::Answer(answer.clone()),
            Instead::Refuse(refusal) => Act::Answer(refusal.answer()),
            Instead::Drop => Act::DropRequest,
            Instead::Reset => Act::ResetRequest,
            Instead::Hang => {
                plan.holds_request = Some(self.hold());
                Act::DropRequest
            }
        });
    }

    fn bend(&self, plan: &mut Plan) {
        let (bent, processing) = (&mut plan.bent, &self.rule.processing);
        bent.clock_ms = bent.clock_ms.saturating_add(processing.clock_ms);
        if bent.audience.is_none() {
            bent.audience.clone_from(&processing.audience);
        }
        if bent.documents.is_none() {
            bent.documents = match processing.stale {
                Some(Stale::AsArmed) => self.documents.clone().map(OldDocuments::Kept),
                Some(Stale::BeforeRotation) => Some(OldDocuments::BeforeRotation),
                None => None,
            };
        }
    }

    fn deliver(&self, plan: &mut Plan) {
        let Some(deliver) = self.rule.deliver else { return };
        plan.deliver = match deliver {
            Deliver::Drop => Act::DropReply,
            Deliver::Truncate(after) => Act::Truncate(after),
            Deliver::Drip(pace) => Act::Drip(pace),
            Deliver::Reset => Act::Reset,
            Deliver::ResetAfter => Act::ResetAfter,
            Deliver::Hang => {
                plan.holds_reply = Some(self.hold());
                Act::Proceed
            }
        };
    }

    fn hold(&self) -> Held {
        Held { ended: self.holds.subscribe(), ends_ms: self.ends_ms }
    }
}

impl Held {
    /// Until the rule is removed, or its period is over.
    pub(super) async fn released(mut self, clock: Clock) {
        let removed = async { while self.ended.changed().await.is_ok() {} };
        match self.ends_ms {
            Some(ends_ms) => tokio::select! {
                () = removed => {}
                () = clock.reached(ends_ms) => {}
            },
            None => removed.await,
        }
    }
}
