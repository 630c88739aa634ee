//! When a fault fires.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::journal::Record;

/// Fires at the `nth` event of a kind that passes the filters, counted from arming.
#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// Kind of the event, `idp.request`.
    pub event: String,
    /// All of them must hold.
    pub filters: Vec<Filter>,
    /// From 1. With `count` > 1 the fault fires at this one and at those that follow.
    pub nth: u32,
    /// What is counted apart from each other.
    pub per: Scope,
    /// Counts only after the fault with this id has fired.
    pub after: Option<String>,
}

/// A field of the event is one of these values.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Name of the field.
    pub field: String,
    /// Accepted values. `true` and `false` for a field that holds something else ask whether it is present.
    pub any_of: Vec<Value>,
}

/// What events are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// All together.
    #[default]
    Scenario,
    /// Each workflow for itself.
    Workflow,
    /// Each worker instance for itself.
    Instance,
    /// Each OAuth client for itself.
    Client,
    /// Each token for itself.
    Token,
}

impl Scope {
    fn field(self) -> Option<&'static str> {
        match self {
            Self::Scenario => None,
            Self::Workflow => Some("workflow"),
            Self::Instance => Some("instance"),
            Self::Client => Some("client"),
            Self::Token => Some("token"),
        }
    }
}

impl Filter {
    fn passes(&self, fields: &Value) -> bool {
        let found = fields.get(&self.field).unwrap_or(&Value::Null);
        self.any_of.iter().any(|wanted| match (wanted, found) {
            (Value::Bool(present), found) if !found.is_boolean() => *present != found.is_null(),
            // A worker named without its generation means all of its generations.
            (Value::String(wanted), Value::String(found)) if self.field == "instance" => {
                wanted == found || found.rsplit_once('.').is_some_and(|(worker, _)| worker == wanted)
            }
            (wanted, found) => wanted == found,
        })
    }
}

/// Counts the events that a trigger waits for.
#[derive(Debug, Default)]
pub(super) struct Counter {
    seen: BTreeMap<String, u32>,
}

impl Counter {
    /// Whether the trigger is met by this event: it is the `nth` in its scope, or a later one.
    pub(super) fn meets(&mut self, trigger: &Trigger, record: &Record) -> bool {
        if record.event.kind() != trigger.event {
            return false;
        }
        // Only events that somebody waits for are taken apart.
        let Ok(fields) = serde_json::to_value(&record.event) else { return false };
        if !trigger.filters.iter().all(|filter| filter.passes(&fields)) {
            return false;
        }
        let scope = match trigger.per.field() {
            None => String::new(),
            // What the event does not say cannot be counted apart.
            Some(field) => match fields.get(field).and_then(Value::as_str) {
                Some(name) => name.to_owned(),
                None => return false,
            },
        };
        let seen = self.seen.entry(scope).or_default();
        *seen += 1;
        *seen >= trigger.nth
    }
}
