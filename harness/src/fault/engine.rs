//! The engine: arms, counts, fires, proves bites and heals, while events are recorded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use super::action;
use super::bite::{Known, Unproved};
use super::controls::{Controls, Inert};
use super::one::{Firing, Occasion, One, Standing};
use super::plan::Plan;
use super::reply::{self, Numbered};
use super::seen::Seen;
use super::trigger::{Counter, Draws};
use crate::journal::{Act, Consequences, Due, Event, Intervene, Journal, Record};
use crate::scenario::{Arm, Ending, ResolvedHeal, TimeMode};

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
    /// Whether nothing of it stands and nothing more will come of it.
    pub healed: bool,
}

/// Evaluates the faults of one scenario run. Give it to [`Journal::intervene_with`].
///
/// What waits for a time (`delay:`, `for:`) is a task of the runtime in which the triggering event is recorded, and
/// ends with the engine; its moment comes as an event of its own, `fault.due`.
pub struct Engine {
    journal: Journal,
    controls: Box<dyn Controls>,
    faults: Vec<One>,
    healing: Option<Healing>,
    ending: Ending,
    time: TimeMode,
    seed: u64,
    known: Known,
    /// Which fault answered a call, until its reply leaves.
    answered: BTreeMap<Numbered, String>,
    served: reply::Served,
    begun: bool,
    working: bool,
    finished: bool,
    healed: bool,
    timers: JoinSet<()>,
    progress: Arc<Mutex<Vec<Progress>>>,
}

/// What `heal:` waits for.
struct Healing {
    plan: ResolvedHeal,
    counter: Counter,
    /// Its trigger was met, once.
    met: bool,
    /// Its delay is over.
    due: bool,
}

impl Engine {
    /// An engine for this plan, and a view of its faults' progress that outlives it.
    pub fn new(journal: Journal, controls: Box<dyn Controls>, plan: Plan) -> (Self, Arc<Mutex<Vec<Progress>>>) {
        let faults: Vec<One> = plan.faults.into_iter().map(|fault| One::new(fault, plan.seed)).collect();
        let progress = Arc::new(Mutex::new(faults.iter().map(One::progress).collect()));
        let engine = Self {
            journal,
            controls: if plan.inert { Box::new(Inert) } else { controls },
            faults,
            healing: plan.heal.map(|plan| Healing { plan, counter: Counter::default(), met: false, due: false }),
            ending: plan.ending,
            time: plan.time,
            seed: plan.seed,
            known: Known::default(),
            answered: BTreeMap::new(),
            served: reply::Served::default(),
            begun: false,
            working: false,
            finished: false,
            healed: false,
            timers: JoinSet::new(),
            progress: Arc::clone(&progress),
        };
        (engine, progress)
    }

    fn say(&self, event: Event) {
        // Reported while an event is being recorded: queued, and nobody's to act on.
        let _ = self.journal.record(event);
    }

    /// Has `event` recorded after `delay`.
    fn later(&mut self, delay: Duration, event: Event) {
        let journal = self.journal.clone();
        self.timers.spawn(async move {
            tokio::time::sleep(delay).await;
            journal.record(event).settled().await;
        });
    }

    /// Arms what may wait by now: by `arm:`, and because the fault that it comes after has fired.
    fn arm(&mut self) {
        for index in 0..self.faults.len() {
            let one = &self.faults[index];
            let time = match one.fault.arm {
                Arm::Start => self.begun,
                Arm::Workload => self.working,
            };
            let turn = one.fault.when.after.as_ref().is_none_or(|id| self.has_fired(id));
            if !one.armed && time && turn {
                self.say(Event::FaultArmed { fault: one.fault.id.clone() });
                self.faults[index].armed = true;
            }
        }
    }

    fn has_fired(&self, id: &str) -> bool {
        self.faults.iter().any(|one| one.fault.id == id && one.fired > 0)
    }

    fn prove_bites(&mut self, seen: &Seen<'_>) {
        for index in 0..self.faults.len() {
            for _ in 0..self.faults[index].proved_by(seen) {
                self.bitten(index, seen.record);
            }
        }
    }

    fn bitten(&mut self, index: usize, proof: &Record) {
        self.faults[index].bit += 1;
        self.say(Event::FaultBit { fault: self.faults[index].fault.id.clone(), proof: proof.seq });
    }

    fn fire_what_is_due(&mut self, seen: &Seen<'_>, consequences: &mut Consequences) {
        for index in 0..self.faults.len() {
            let Some(number) = self.faults[index].meets(seen) else { continue };
            let occasion =
                Occasion { seq: seen.record.seq, event: seen.record.event.clone(), fields: seen.fields().clone() };
            let one = &mut self.faults[index];
            let delay = one.firing(number).delay;
            if delay.is_zero() {
                self.act(index, number, occasion, consequences);
            } else {
                one.waiting.insert(number, occasion);
                let fault = Some(one.fault.id.clone());
                self.later(delay, Event::FaultDue { fault, firing: Some(number), what: Due::Act, drawn_ms: None });
            }
        }
    }

    /// Carries a fault's action out.
    fn act(&mut self, index: usize, number: u32, occasion: Occasion, consequences: &mut Consequences) {
        let one = &mut self.faults[index];
        one.fired += 1;
        let Firing { action, lasts, drawn_ms, .. } = one.firing(number);
        let done = action::fire(&action, &occasion.event, &self.known, self.time, &mut *self.controls);
        let replies = reply::times(&action, lasts.is_some()).unwrap_or_default();
        consequences.effects.extend(done.effect);
        // Undoing it knows nothing of the event that triggered it.
        let action = done.aim.worker.iter().fold(action, |action, worker| action.aimed_at(worker));
        if one.bites_by_event() && !done.inert {
            one.unproved.push(Unproved::new(&one.fault.id, self.known.clone(), occasion.fields, done.aim));
        }
        let (fault, name) = (one.fault.id.clone(), action.name().to_owned());
        if action.can_be_undone() {
            let (barrier, undone_by) = (done.barrier, done.undone_by);
            one.standing.push(Standing { number, action, replies, barrier, undone_by });
        }
        let trigger = Some(occasion.seq);
        self.say(Event::FaultFired { fault: fault.clone(), action: name, trigger, drawn_ms });
        if let Some(lasts) = lasts {
            let event = Event::FaultDue { fault: Some(fault), firing: Some(number), what: Due::Undo, drawn_ms: None };
            self.later(lasts, event);
        }
    }

    fn change_replies(&mut self, record: &Record, consequences: &mut Consequences) {
        if let Some(call) = reply::leaving(&record.event) {
            consequences.fault = self.answered.remove(&call);
        }
        if !self.controls.directs_replies() {
            return;
        }
        for index in 0..self.faults.len() {
            let one = &mut self.faults[index];
            let Some(standing) = one.standing.iter_mut().find(|standing| standing.replies > 0) else { continue };
            let directive = reply::directive(&standing.action, &record.event, &self.served, &*self.controls);
            let Some(directive) = directive else { continue };
            if directive.act != Act::Proceed && consequences.directive.act != Act::Proceed {
                // An earlier fault has this one; delays alone add up.
                continue;
            }
            standing.replies -= 1;
            let (number, id) = (standing.number, one.fault.id.clone());
            if let Some(call) = reply::arriving(&record.event) {
                self.answered.insert(call, id);
            } else {
                consequences.fault.get_or_insert(id);
            }
            // Whether an alteration changes anything is known when it is made.
            let altering = match (&directive.act, reply::leaving(&record.event)) {
                (Act::Alter(_), Some(Numbered::Http(call))) => Some(call),
                _ => None,
            };
            consequences.directive = std::mem::take(&mut consequences.directive).and(directive);
            match altering {
                Some(call) => drop(one.altering.insert(call, number)),
                None if one.feels(number) => self.bitten(index, record),
                None => {}
            }
        }
        self.served.count(&record.event, &consequences.directive);
    }

    /// A reply has left, altered if a fault was to do that and anything was left for it to do.
    fn sent(&mut self, record: &Record) {
        let Event::HttpDone { call, unaltered, .. } = &record.event else { return };
        for index in 0..self.faults.len() {
            let one = &mut self.faults[index];
            let altered = one.altering.remove(call).filter(|_| !unaltered);
            if altered.is_some_and(|number| one.feels(number)) {
                self.bitten(index, record);
            }
        }
    }

    fn hold(&mut self, record: &Record, consequences: &mut Consequences) {
        let Event::ApiRequest(request) = &record.event else { return };
        if !self.controls.directs_replies() {
            return;
        }
        for index in 0..self.faults.len() {
            let one = &mut self.faults[index];
            if !one.holds(request.route.as_deref()) {
                continue;
            }
            let Some(at) = one.standing.iter().position(|standing| standing.barrier.is_some()) else { continue };
            let Some(barrier) = &mut one.standing[at].barrier else { continue };
            consequences.effects.push(barrier.arrive());
            if barrier.is_full() {
                let held = barrier.holds();
                one.standing.remove(at);
                if held && !one.bites_by_event() {
                    self.bitten(index, record);
                }
            }
        }
    }

    /// The moment that a timer waited for has come.
    fn due(&mut self, record: &Record, consequences: &mut Consequences) {
        let Event::FaultDue { fault, firing, what, .. } = &record.event else { return };
        let index = fault.as_ref().and_then(|id| self.faults.iter().position(|one| one.fault.id == *id));
        match (what, index, firing) {
            (Due::Act, Some(index), Some(number)) => {
                if let Some(occasion) = self.faults[index].waiting.remove(number)
                    && !self.healed
                {
                    self.act(index, *number, occasion, consequences);
                }
            }
            (Due::Undo, Some(index), Some(number)) => {
                let one = &mut self.faults[index];
                if let Some(at) = one.standing.iter().position(|standing| standing.number == *number) {
                    let standing = one.standing.remove(at);
                    action::undo(&standing, &mut *self.controls);
                    self.say(Event::FaultHealed { fault: self.faults[index].fault.id.clone() });
                }
            }
            (Due::Heal, ..) => {
                if let Some(healing) = &mut self.healing {
                    healing.due = true;
                }
            }
            _ => {}
        }
    }

    fn meet_healing(&mut self, seen: &Seen<'_>) {
        let Some(healing) = &self.healing else { return };
        let turn = healing.plan.when.after.as_ref().is_none_or(|id| self.has_fired(id));
        let Some(healing) = self.healing.as_mut().filter(|healing| !healing.met) else { return };
        if !turn || !healing.counter.meets(&healing.plan.when, seen) {
            return;
        }
        healing.met = true;
        // No fault is called so: it is none.
        let mut draws = Draws::of(self.seed, "", 1);
        let delay = draws.take("delay", &healing.plan.delay);
        if delay.is_zero() {
            healing.due = true;
        } else {
            let drawn_ms = draws.drawn_ms.get("delay").copied();
            self.later(delay, Event::FaultDue { fault: None, firing: None, what: Due::Heal, drawn_ms });
        }
    }

    /// Undoes what stands, when its time has come.
    fn heal(&mut self) {
        let completes = self.ending == Ending::Completed;
        let due = match &self.healing {
            Some(healing) => healing.due,
            None => self.faults.iter().all(One::is_done),
        };
        // What shall fail or hang must not be rescued before that is judged; afterwards nothing has to stand.
        let heals = if completes { due } else { self.finished };
        if self.healed || !heals {
            return;
        }
        self.healed = true;
        let by_itself = |one: &One| one.fault.lasts.is_some() && self.healing.is_none() && completes;
        for index in 0..self.faults.len() {
            let one = &mut self.faults[index];
            if by_itself(one) {
                continue;
            }
            one.over = true;
            one.waiting.clear();
            let standing = std::mem::take(&mut one.standing);
            for standing in &standing {
                action::undo(standing, &mut *self.controls);
            }
            if !standing.is_empty() {
                self.say(Event::FaultHealed { fault: self.faults[index].fault.id.clone() });
            }
        }
    }

    fn publish(&self) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        for (shown, one) in progress.iter_mut().zip(&self.faults) {
            *shown = one.progress();
        }
    }
}

impl Intervene for Engine {
    fn observe(&mut self, record: &Record, consequences: &mut Consequences) {
        match &record.event {
            Event::FaultDue { .. } => self.due(record, consequences),
            // What faults themselves say triggers nothing: `after` is how one fault follows another.
            Event::FaultArmed { .. } | Event::FaultBit { .. } | Event::FaultHealed { .. } => return,
            Event::FaultFired { fault, .. } => {
                self.faults.iter_mut().for_each(|one| one.follow_firing(fault));
                return;
            }
            event => {
                self.known.follow(event);
                if !self.begun {
                    self.begun = true;
                    self.arm();
                }
                if matches!(event, Event::WorkloadStarted { .. }) {
                    self.working = true;
                    self.arm();
                }
                let seen = Seen::new(record);
                // What comes after the workload (workers are ended) says nothing of the faults.
                if !self.finished {
                    self.prove_bites(&seen);
                }
                self.fire_what_is_due(&seen, consequences);
                self.change_replies(record, consequences);
                self.hold(record, consequences);
                self.sent(record);
                self.meet_healing(&seen);
                self.finished |= matches!(event, Event::WorkloadFinished);
            }
        }
        // A fault that comes after another counts from the event after the one that fired it.
        self.arm();
        self.heal();
        self.publish();
    }
}
