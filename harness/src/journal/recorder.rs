//! The recorder: numbers events under one lock, asks what to do, and writes them down.
//!
//! The lock is re-entrant within one thread: whatever a decision or an intervention reports while it runs is queued
//! and numbered right after the event that brought it about. So an event with a lower number saw the old state of
//! the lab and one with a higher number the new, and no part needs a lock of its own while it records.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs::File;
use std::future::Future;
use std::io::{self, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::ReentrantMutex;
use tokio::sync::watch;

use super::event::Event;
use super::id::Seq;
use super::record::{Record, Sighting};
use super::run::RunEnd;
use super::whole::Contents;
use mock_idp::fault::Directive;

/// Something that the reporting part waits for before it goes on, once the lock is released: a kill that must be
/// confirmed, a barrier that must fill.
pub type Effect = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What an event brought about.
#[derive(Default)]
pub struct Consequences {
    /// What the reporting part shall do.
    pub directive: Directive,
    /// What it waits for first.
    pub effects: Vec<Effect>,
    /// The fault that made a reply what it is: goes into the event that reports the reply.
    pub fault: Option<String>,
}

/// Acts on events while they are recorded: counts triggers, changes the lab's state, decides outcomes.
pub trait Intervene: Send {
    /// Called under the journal's lock for each event, in order. Events that this reports through the journal are
    /// numbered right after.
    fn observe(&mut self, record: &Record, consequences: &mut Consequences);
}

/// Replaces secrets before an event is kept.
pub trait Scrub: Send {
    /// Replaces each secret in `event` and says what was seen where.
    fn scrub(&mut self, event: &mut Event) -> Vec<Sighting>;
}

/// What [`Journal::record`] returns.
#[must_use = "a gating part has to do what the recording says"]
pub struct Recorded {
    /// The event's number; `None` if it was reported while another event was being recorded and is numbered later.
    pub seq: Option<Seq>,
    /// What to do with the request.
    pub directive: Directive,
    effects: Vec<Effect>,
}

impl Recorded {
    /// Waits for the effects, then says what to do.
    pub async fn settled(self) -> Directive {
        for effect in self.effects {
            effect.await;
        }
        self.directive
    }
}

/// Nobody recorded what was waited for in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not seen within {0:?}")]
pub struct WaitError(pub Duration);

/// A journal that is being written. Clones write to the same one.
#[derive(Clone)]
pub struct Journal(Arc<Shared>);

struct Shared {
    state: ReentrantMutex<State>,
    length: watch::Sender<usize>,
    opened: Instant,
}

struct State {
    recording: Cell<bool>,
    /// `run.ended` is there: a journal is whole then, and grows no more.
    ended: Cell<bool>,
    queued: RefCell<VecDeque<Event>>,
    records: RefCell<Vec<Arc<Record>>>,
    intervene: RefCell<Option<Box<dyn Intervene>>>,
    scrub: RefCell<Option<Box<dyn Scrub>>>,
    file: RefCell<Option<File>>,
    failure: RefCell<Option<io::Error>>,
}

impl Journal {
    /// A journal that is kept in memory only.
    pub fn in_memory() -> Self {
        Self::with_file(None)
    }

    /// A journal that is appended to the new file `path`, line by line.
    ///
    /// # Errors
    ///
    /// If the file exists or cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self::append_to(File::create_new(path)?))
    }

    /// A journal that is written to `file` from where it stands.
    pub fn append_to(file: File) -> Self {
        Self::with_file(Some(file))
    }

    fn with_file(file: Option<File>) -> Self {
        Self(Arc::new(Shared {
            state: ReentrantMutex::new(State {
                recording: Cell::new(false),
                ended: Cell::new(false),
                queued: RefCell::default(),
                records: RefCell::default(),
                intervene: RefCell::default(),
                scrub: RefCell::default(),
                file: RefCell::new(file),
                failure: RefCell::default(),
            }),
            length: watch::Sender::new(0),
            opened: Instant::now(),
        }))
    }

    /// From now on `intervene` acts on each event.
    pub fn intervene_with(&self, intervene: impl Intervene + 'static) {
        *self.0.state.lock().intervene.borrow_mut() = Some(Box::new(intervene));
    }

    /// From now on `scrub` sees each event before it is kept.
    pub fn scrub_with(&self, scrub: impl Scrub + 'static) {
        *self.0.state.lock().scrub.borrow_mut() = Some(Box::new(scrub));
    }

    /// Lets go of whoever intervenes and scrubs. They usually hold the journal, so that neither would ever be freed.
    pub fn release(&self) {
        let state = self.0.state.lock();
        let intervene = state.intervene.borrow_mut().take();
        let scrub = state.scrub.borrow_mut().take();
        drop((intervene, scrub));
    }

    /// Records an event.
    pub fn record(&self, event: Event) -> Recorded {
        self.record_with(event, |_, _| ())
    }

    /// Records an event whose outcome is decided at its number: `decide` runs under the lock, after the faults that
    /// the event triggers have changed the lab, and fills in what the event says of the outcome.
    ///
    /// Reported while another event is being recorded on this thread, the event is decided at once, queued, and gets
    /// no directive. What comes after `run.ended` is decided and not kept: it says nothing of the run.
    pub fn record_with(&self, mut event: Event, decide: impl FnOnce(&mut Event, &Directive)) -> Recorded {
        let state = self.0.state.lock();
        if state.ended.get() || state.recording.get() {
            decide(&mut event, &Directive::proceed());
            if !state.ended.get() {
                state.queued.borrow_mut().push_back(event);
            }
            return Recorded { seq: None, directive: Directive::proceed(), effects: Vec::new() };
        }
        let _recording = Recording::begin(&state);
        let mut consequences = Consequences::default();
        let seq = self.next(&state);
        let mut record = Record { seq, at_us: self.elapsed_us(), cause: None, event, sightings: Vec::new() };
        self.observe(&state, &record, &mut consequences);
        decide(&mut record.event, &consequences.directive);
        if let Some(fault) = consequences.fault.take() {
            record.event.attribute_to(fault);
        }
        self.keep(&state, record);

        // A caused event may cause more; their outcome is nobody's to take, their effects are.
        loop {
            let Some(event) = state.queued.borrow_mut().pop_front().filter(|_| !state.ended.get()) else { break };
            let mut caused = Consequences::default();
            let record = Record {
                seq: self.next(&state),
                at_us: self.elapsed_us(),
                cause: Some(seq),
                event,
                sightings: Vec::new(),
            };
            self.observe(&state, &record, &mut caused);
            self.keep(&state, record);
            consequences.effects.append(&mut caused.effects);
        }
        let length = state.records.borrow().len();
        self.0.length.send_replace(length);
        Recorded { seq: Some(seq), directive: consequences.directive, effects: consequences.effects }
    }

    /// Records the end, with what the journal holds by now if the lab did its part. Nothing can be recorded after it.
    pub async fn end(&self, failure: Option<String>) {
        self.exclusively(|| {
            let end = match failure {
                Some(reason) => RunEnd::LabFailed { reason },
                None => RunEnd::Complete(Contents::of(self.records().iter().map(|record| &**record))),
            };
            self.record(Event::RunEnded(end))
        })
        .settled()
        .await;
    }

    /// Runs `act` while nobody else records: no event of others comes between what it changes and what it reports.
    pub fn exclusively<T>(&self, act: impl FnOnce() -> T) -> T {
        let _state = self.0.state.lock();
        act()
    }

    fn next(&self, state: &State) -> Seq {
        Seq(state.records.borrow().len() as u64 + 1)
    }

    fn elapsed_us(&self) -> u64 {
        u64::try_from(self.0.opened.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn observe(&self, state: &State, record: &Record, consequences: &mut Consequences) {
        if let Some(intervene) = state.intervene.borrow_mut().as_mut() {
            intervene.observe(record, consequences);
        }
    }

    fn keep(&self, state: &State, mut record: Record) {
        if let Some(scrub) = state.scrub.borrow_mut().as_mut() {
            record.sightings = scrub.scrub(&mut record.event);
        }
        let written = state.file.borrow_mut().as_mut().map_or(Ok(()), |file| {
            let mut line = serde_json::to_vec(&record)?;
            line.push(b'\n');
            file.write_all(&line)
        });
        if let Err(error) = written {
            // A journal with a hole proves nothing: nothing is written after it, and whoever judges it is told.
            *state.file.borrow_mut() = None;
            state.failure.borrow_mut().get_or_insert(error);
        }
        if matches!(record.event, Event::RunEnded(_)) {
            state.ended.set(true);
        }
        state.records.borrow_mut().push(Arc::new(record));
    }

    /// The error that ended the writing of the file, if there was one. Asked once, before anything is judged.
    pub fn take_failure(&self) -> Option<io::Error> {
        self.0.state.lock().failure.borrow_mut().take()
    }

    /// How long it has been open: what [`Record::at`] of an event recorded now would say.
    pub fn elapsed(&self) -> Duration {
        self.0.opened.elapsed()
    }

    /// What has been recorded so far.
    pub fn records(&self) -> Vec<Arc<Record>> {
        self.0.state.lock().records.borrow().clone()
    }

    /// The first event, of the past or to come, for which `wanted` is true.
    ///
    /// # Errors
    ///
    /// If there is none within `limit`.
    pub async fn seen(&self, limit: Duration, wanted: impl Fn(&Record) -> bool) -> Result<Arc<Record>, WaitError> {
        let mut length = self.0.length.subscribe();
        let search = async {
            let mut from = 0;
            loop {
                let fresh = self.0.state.lock().records.borrow()[from..].to_vec();
                from += fresh.len();
                if let Some(found) = fresh.into_iter().find(|record| wanted(record)) {
                    return found;
                }
                // The sender lives as long as `self`, so this cannot fail.
                let _ = length.wait_for(|&length| length > from).await;
            }
        };
        tokio::time::timeout(limit, search).await.map_err(|_| WaitError(limit))
    }
}

/// Marks that an event is being recorded, also if a decision panics.
struct Recording<'a>(&'a State);

impl<'a> Recording<'a> {
    fn begin(state: &'a State) -> Self {
        state.recording.set(true);
        Self(state)
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        self.0.recording.set(false);
    }
}
