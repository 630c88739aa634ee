//! Keeps secrets out of the journal, and says where they were seen.
//!
//! The lab's own secrets are canaries: 16 or more consecutive characters of a secret's random part are a leak
//!, however they are wrapped. Other people's secrets are not known by
//! value, so what has the shape of one is shown by a digest.

mod decode;
mod find;
mod foreign;

use std::sync::Arc;

use parking_lot::RwLock;
use serde_json::Value;

use self::find::{Found, Index};
use super::event::Event;
use super::id::TokenName;
use super::record::{Place, Sighting};
use super::recorder::Scrub;

/// From so many consecutive characters on, a part of a secret is a leak.
pub const LEAK: usize = 16;

/// Replaces secrets in events. Clones share what they know, so that secrets can be registered while events are
/// recorded.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Index>>);

impl Redactor {
    /// One that knows no secret yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on stretches of `random_part` are replaced by `name`. A part shorter than [`LEAK`] cannot leak by
    /// definition and is not kept.
    pub fn register(&self, name: TokenName, random_part: &str) {
        self.0.write().insert(name, random_part);
    }

    /// `text` without secrets, or `None` if there is none in it. What was seen is added to `seen` as found at `place`.
    fn redact(&self, text: &str, place: &str, seen: &mut Vec<Sighting>) -> Option<String> {
        let index = self.0.read();
        if !index.suspicious(text) && !foreign::suspicious(text) {
            return None;
        }
        let mut clean: Option<String> = None;
        // What was hidden below another encoding of the same place shows only once that one is replaced.
        loop {
            let current = clean.as_deref().unwrap_or(text);
            let found = index.find(current.as_bytes());
            if found.is_empty() {
                break;
            }
            for Found { secret, encoding, .. } in &found {
                let sighting = Sighting {
                    secret: index.name(*secret).clone(),
                    encoding: encoding.iter().map(|&name| name.to_owned()).collect(),
                    place: Place(place.to_owned()),
                };
                if !seen.contains(&sighting) {
                    seen.push(sighting);
                }
            }
            clean = Some(replace(current, &found, &index));
        }
        foreign::replace(clean.as_deref().unwrap_or(text)).or(clean)
    }

    fn walk(&self, value: &mut Value, place: &mut String, seen: &mut Vec<Sighting>) -> bool {
        match value {
            Value::String(text) => match self.redact(text, place, seen) {
                Some(clean) => {
                    *text = clean;
                    true
                }
                None => false,
            },
            Value::Array(items) => {
                let mut changed = false;
                for (i, item) in items.iter_mut().enumerate() {
                    changed |= below(place, &i.to_string(), |place| self.walk(item, place, seen));
                }
                changed
            }
            Value::Object(fields) => {
                let (mut changed, mut renamed) = (false, Vec::new());
                for (key, item) in fields.iter_mut() {
                    changed |= below(place, key, |place| self.walk(item, place, seen));
                    if let Some(clean) = self.redact(key, place, seen) {
                        renamed.push((key.clone(), clean));
                    }
                }
                for (key, clean) in renamed {
                    changed = true;
                    if let Some(item) = fields.remove(&key) {
                        fields.insert(clean, item);
                    }
                }
                changed
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
}

/// Calls `with` while `place` points at `key`. A key that holds a secret is no part of a pointer: its place is its
/// parent's, and of what is below it only the length is told.
fn below(place: &mut String, key: &str, with: impl FnOnce(&mut String) -> bool) -> bool {
    let before = place.len();
    place.push('/');
    if key.len() >= LEAK {
        place.push_str(&format!("({} characters)", key.len()));
    } else {
        place.push_str(&key.replace('~', "~0").replace('/', "~1"));
    }
    let result = with(place);
    place.truncate(before);
    result
}

fn replace(text: &str, found: &[Found], index: &Index) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    for Found { range, secret, encoding } in found {
        let start = (done..=range.start).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(done);
        let end = (range.end..=text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(text.len());
        clean.push_str(&text[done..start]);
        clean.push('⟦');
        clean.push_str(index.name(*secret).as_str());
        for name in encoding {
            clean.push('·');
            clean.push_str(name);
        }
        clean.push('⟧');
        done = end;
    }
    clean.push_str(&text[done..]);
    clean
}

/// Whether events of this kind carry nothing but names and numbers that the lab itself made up.
fn structural(event: &Event) -> bool {
    matches!(
        event,
        Event::RunEnded(_)
            | Event::WorkloadStarted { .. }
            | Event::WorkloadFinished
            | Event::LabLate { .. }
            | Event::FaultArmed { .. }
            | Event::FaultFired { .. }
            | Event::FaultBit { .. }
            | Event::FaultHealed { .. }
            | Event::FaultDue { .. }
            | Event::ClockMoved { .. }
            | Event::IdpToken(_)
            | Event::IdpKey { .. }
            | Event::HttpDone { .. }
            | Event::GateRpc { .. }
            | Event::GateRpcDone { .. }
            | Event::WorkerReady { .. }
            | Event::WorkerFrozen { .. }
            | Event::LinkWithheld { .. }
            | Event::WorkerResumed { .. }
            | Event::WorkerExited { .. }
    )
}

impl Scrub for Redactor {
    fn scrub(&mut self, event: &mut Event) -> Vec<Sighting> {
        let mut seen = Vec::new();
        if structural(event) {
            return seen;
        }
        // The most frequent kind is one text: no detour through a value.
        if let Event::WorkerOutput { line, .. } = event {
            if let Some(clean) = self.redact(line, "/line", &mut seen) {
                *line = clean;
            }
            return seen;
        }
        let mut value = serde_json::to_value(&*event).expect("an event has string keys only");
        if self.walk(&mut value, &mut String::new(), &mut seen) {
            *event = serde_json::from_value(value).expect("text replaced by text keeps an event's shape");
        }
        seen
    }
}

#[cfg(test)]
mod tests;
