//! The engine: arms, counts, fires, proves bites and heals, while events are recorded.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::action::{Action, instance_of};
use super::bite::{Before, Bite};
use super::controls::Controls;
use super::trigger::{Counter, Trigger};
use crate::journal::{Consequences, Event, Intervene, Journal, Record, TokenChange, TokenName};

/// A fault of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Its id.
    pub id: String,
    /// When it fires.
    pub trigger: Trigger,
    /// What it does.
    pub action: Action,
    /// How often it fires.
    pub count: u32,
    /// What proves that it bit; `None` takes the action's own.
    pub bite: Option<Bite>,
}

/// How far a fault has come. Fired is not bitten: both are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The fault's id.
    pub id: String,
    /// Name of its action.
    pub action: &'static str,
    /// How often it fired.
    pub fired: u32,
    /// How often it bit.
    pub bit: u32,
    /// Whether it was undone.
    pub healed: bool,
}

/// Evaluates the faults of one scenario run. Give it to [`Journal::intervene_with`].
pub struct Engine {
    journal: Journal,
    controls: Box<dyn Controls>,
    faults: Vec<Armed>,
    live: BTreeSet<TokenName>,
    armed: bool,
    progress: Arc<Mutex<Vec<Progress>>>,
}

struct Armed {
    fault: Fault,
    counter: Counter,
    fired: u32,
    /// Firings that nothing has proved yet.
    unproved: Vec<Before>,
    bit: u32,
    /// Replies that are still to be changed.
    replies: u32,
    healed: bool,
}

impl Engine {
    /// An engine for these faults, and a view of their progress that outlives it. They are armed by
    /// `workload.started`, and undone together once all have fired and bitten.
    pub fn new(journal: Journal, controls: Box<dyn Controls>, faults: Vec<Fault>) -> (Self, Arc<Mutex<Vec<Progress>>>) {
        let progress = faults
            .iter()
            .map(|fault| Progress {
                id: fault.id.clone(),
                action: fault.action.name(),
                fired: 0,
                bit: 0,
                healed: false,
            })
            .collect();
        let progress = Arc::new(Mutex::new(progress));
        let faults = faults
            .into_iter()
            .map(|fault| Armed {
                fault,
                counter: Counter::default(),
                fired: 0,
                unproved: Vec::new(),
                bit: 0,
                replies: 0,
                healed: false,
            })
            .collect();
        let engine =
            Self { journal, controls, faults, live: BTreeSet::new(), armed: false, progress: Arc::clone(&progress) };
        (engine, progress)
    }

    fn say(&self, event: Event) {
        // Reported while an event is being recorded: queued, and nobody's to act on.
        let _ = self.journal.record(event);
    }

    fn arm(&mut self) {
        self.armed = true;
        for armed in &self.faults {
            self.say(Event::FaultArmed { fault: armed.fault.id.clone() });
        }
    }

    /// What lived before this event is what a fault that it triggers can kill.
    fn follow_tokens(&mut self, event: &Event) {
        if let Event::IdpToken(change) = event {
            match change.change {
                TokenChange::Issued => self.live.insert(change.token.clone()),
                TokenChange::Expired | TokenChange::Revoked | TokenChange::Rotated => self.live.remove(&change.token),
            };
        }
    }

    fn prove_bites(&mut self, record: &Record) {
        for index in 0..self.faults.len() {
            let armed = &mut self.faults[index];
            let bite = armed.fault.bite.clone().unwrap_or_else(|| armed.fault.action.bite());
            let waiting = armed.unproved.len();
            armed.unproved.retain(|before| !bite.is_proved_by(before, record));
            for _ in armed.unproved.len()..waiting {
                self.bitten(index, record);
            }
        }
    }

    fn bitten(&mut self, index: usize, proof: &Record) {
        self.faults[index].bit += 1;
        self.say(Event::FaultBit { fault: self.faults[index].fault.id.clone(), proof: proof.seq });
    }

    fn fire_what_is_due(&mut self, record: &Record, consequences: &mut Consequences) {
        // A fault that waits for another counts from the event after the one that fired it.
        let fired_before: BTreeSet<String> =
            self.faults.iter().filter(|armed| armed.fired > 0).map(|armed| armed.fault.id.clone()).collect();
        for index in 0..self.faults.len() {
            let armed = &mut self.faults[index];
            let waits = armed.fault.trigger.after.as_ref().is_some_and(|id| !fired_before.contains(id));
            if waits
                || armed.fired >= armed.fault.count
                || armed.healed
                || !armed.counter.meets(&armed.fault.trigger, record)
            {
                continue;
            }
            armed.fired += 1;
            if let Action::Reply(reply) = &armed.fault.action {
                armed.replies += reply.times;
            }
            let before = Before { live: self.live.clone(), instance: instance_of(&record.event).cloned() };
            let done = armed.fault.action.fire(record, &mut *self.controls);
            let by_proof = !matches!(armed.fault.action, Action::Reply(_)) || armed.fault.bite.is_some();
            if by_proof && !done.inert {
                armed.unproved.push(before);
            }
            consequences.effects.extend(done.effect);
            let (fault, action) = (armed.fault.id.clone(), armed.fault.action.name().to_owned());
            self.say(Event::FaultFired { fault, action, trigger: Some(record.seq) });
        }
    }

    fn change_replies(&mut self, record: &Record, consequences: &mut Consequences) {
        for index in 0..self.faults.len() {
            let armed = &mut self.faults[index];
            let Action::Reply(reply) = &armed.fault.action else { continue };
            if armed.replies == 0 {
                continue;
            }
            let Some(directive) = reply.directive_for(&record.event) else { continue };
            armed.replies -= 1;
            let first_of_firing = armed.bit < armed.fired;
            consequences.directive = std::mem::take(&mut consequences.directive).and(directive);
            if first_of_firing && armed.fault.bite.is_none() {
                self.bitten(index, record);
            }
        }
    }

    fn heal_when_all_have_bitten(&mut self) {
        let done = |armed: &Armed| {
            armed.fired >= armed.fault.count && armed.bit >= armed.fired && armed.replies == 0 && armed.fired > 0
        };
        if !self.faults.iter().all(done) {
            return;
        }
        for armed in self.faults.iter_mut().filter(|armed| !armed.healed) {
            armed.healed = true;
            if armed.fault.action.heal(&mut *self.controls) {
                let _ = self.journal.record(Event::FaultHealed { fault: armed.fault.id.clone() });
            }
        }
    }

    fn publish(&self) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        for (shown, armed) in progress.iter_mut().zip(&self.faults) {
            (shown.fired, shown.bit, shown.healed) = (armed.fired, armed.bit, armed.healed);
        }
    }
}

impl Intervene for Engine {
    fn observe(&mut self, record: &Record, consequences: &mut Consequences) {
        // What faults themselves say triggers nothing: `after` is how one fault follows another.
        if matches!(
            record.event,
            Event::FaultArmed { .. } | Event::FaultFired { .. } | Event::FaultBit { .. } | Event::FaultHealed { .. }
        ) {
            return;
        }
        self.follow_tokens(&record.event);
        if matches!(record.event, Event::WorkloadStarted { .. }) {
            self.arm();
        }
        if self.armed {
            self.prove_bites(record);
            self.fire_what_is_due(record, consequences);
            self.change_replies(record, consequences);
            self.heal_when_all_have_bitten();
            self.publish();
        }
    }
}
