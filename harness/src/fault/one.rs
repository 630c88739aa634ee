//! One fault on its way: armed, met, fired, bitten, undone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::bite::{Bite, Unproved, default_bite};
use super::engine::Progress;
use super::hold::Barrier;
use super::operation::Operation;
use super::seen::Seen;
use super::trigger::{Chance, Counter, Draws};
use crate::journal::{Call, Event, Seq};
use crate::scenario::{Action, ResolvedFault};

pub(super) struct One {
    pub(super) fault: ResolvedFault,
    pub(super) armed: bool,
    counter: Counter,
    chance: Chance,
    seed: u64,
    /// How often its trigger was met and chance was with it: each is a firing, some wait for their delay.
    met: u32,
    /// Firings that wait for their delay, by number.
    pub(super) waiting: BTreeMap<u32, Occasion>,
    pub(super) fired: u32,
    pub(super) unproved: Vec<Unproved>,
    pub(super) bit: u32,
    /// Firings that are not undone, in order.
    pub(super) standing: Vec<Standing>,
    /// Replies on their way that it is to alter, with the firing that does.
    pub(super) altering: BTreeMap<Call, u32>,
    /// Firings that have changed a reply.
    felt: BTreeSet<u32>,
    /// Healing has come over it: it fires no more.
    pub(super) over: bool,
}

/// The event that triggered a firing.
pub(super) struct Occasion {
    pub(super) seq: Seq,
    pub(super) event: Event,
    pub(super) fields: Value,
}

/// A firing with all that is drawn for it.
pub(super) struct Firing {
    /// How long after its trigger it acts.
    pub(super) delay: Duration,
    /// What it does, for how long each time.
    pub(super) action: Action,
    /// How long it lasts; `None`: until healing.
    pub(super) lasts: Option<Duration>,
    /// What was drawn, in milliseconds, by key.
    pub(super) drawn_ms: BTreeMap<String, u64>,
}

/// A firing whose effect lasts.
pub(super) struct Standing {
    pub(super) number: u32,
    /// What it does.
    pub(super) action: Action,
    /// Replies that are still to be changed.
    pub(super) replies: u32,
    /// Requests that are held.
    pub(super) barrier: Option<Barrier>,
    /// What healing has Temporal's server do.
    pub(super) undone_by: Option<Operation>,
}

impl One {
    pub(super) fn new(fault: ResolvedFault, seed: u64) -> Self {
        Self {
            chance: Chance::new(seed, &fault.id, fault.probability),
            seed,
            fault,
            armed: false,
            counter: Counter::default(),
            met: 0,
            waiting: BTreeMap::new(),
            fired: 0,
            unproved: Vec::new(),
            bit: 0,
            standing: Vec::new(),
            altering: BTreeMap::new(),
            felt: BTreeSet::new(),
            over: false,
        }
    }

    /// The number of the firing that this event triggers, if it triggers one.
    pub(super) fn meets(&mut self, seen: &Seen<'_>) -> Option<u32> {
        let waits = self.armed && !self.over && self.met < self.fault.count.get();
        if !waits || !self.counter.meets(&self.fault.when, seen) || !self.chance.strikes() {
            return None;
        }
        self.met += 1;
        Some(self.met)
    }

    /// The firing of this number: the same each time that it is asked for.
    pub(super) fn firing(&self, number: u32) -> Firing {
        let mut draws = Draws::of(self.seed, &self.fault.id, number);
        let action = self.fault.action.clone();
        let by = action.delay().map(|by| draws.take("by", by));
        Firing {
            delay: draws.take("delay", &self.fault.delay),
            action: match by {
                Some(by) => action.delayed_by(by.into()),
                None => action,
            },
            lasts: self.fault.lasts.as_ref().map(|lasts| draws.take("for", lasts)),
            drawn_ms: draws.drawn_ms,
        }
    }

    /// How many of its firings this event proves.
    pub(super) fn proved_by(&mut self, seen: &Seen<'_>) -> usize {
        let waiting = self.unproved.len();
        let bite = default_bite(self.fault.action.name());
        self.unproved.retain_mut(|firing| match (&self.fault.bite, bite) {
            (Some(own), _) => !firing.is_proved_as(own, seen),
            (None, Some(bite)) => !firing.is_proved(bite, seen.record),
            (None, None) => true,
        });
        waiting - self.unproved.len()
    }

    /// A firing of this or of another fault is recorded.
    pub(super) fn follow_firing(&mut self, fault: &str) {
        self.unproved.iter_mut().for_each(|firing| firing.expiries.fired(fault));
    }

    /// Whether an event proves its bite; otherwise the engine knows of it as it happens.
    pub(super) fn bites_by_event(&self) -> bool {
        self.fault.bite.is_some()
            || !matches!(default_bite(self.fault.action.name()), Some(Bite::ReplyChanged | Bite::BarrierFull))
    }

    /// Takes in that this firing has changed a reply. Whether that is its bite.
    pub(super) fn feels(&mut self, number: u32) -> bool {
        self.felt.insert(number) && !self.bites_by_event()
    }

    /// Whether it holds requests on this route.
    pub(super) fn holds(&self, route: Option<&str>) -> bool {
        match &self.fault.action {
            Action::ApiHold(hold) => hold.route.as_ref().is_none_or(|wanted| route == Some(&*wanted.value)),
            _ => false,
        }
    }

    /// Whether it has fired as often as it will, bitten as often, and has no reply left to change.
    pub(super) fn is_done(&self) -> bool {
        // What is bounded by a time of its own ends by itself.
        let spent = self.fault.lasts.is_some() || self.standing.iter().all(|standing| standing.replies == 0);
        self.fired >= self.fault.count.get() && self.bit >= self.fired && spent
    }

    pub(super) fn progress(&self) -> Progress {
        let ended = self.fault.lasts.is_some() && self.fired >= self.fault.count.get() && self.standing.is_empty();
        Progress {
            id: self.fault.id.clone(),
            action: self.fault.action.name(),
            fired: self.fired,
            bit: self.bit,
            healed: self.over || ended,
        }
    }
}
