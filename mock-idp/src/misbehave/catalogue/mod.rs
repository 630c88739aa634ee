//! The misbehaviours of real providers: one entry each, with what it stands for and how to have it.

mod answers;
mod delivery;
mod documents;
mod fields;
mod forms;
mod retry_after;
mod state;

use super::rule::Rule;
use crate::idp::Idp;

/// The client of the examples that are about one.
pub const CLIENT: &str = "worker";
/// The subject of the examples that are about one.
pub const SUBJECT: &str = "alice";

/// A misbehaviour of real providers.
#[derive(Debug, Clone, Copy)]
pub struct Misbehaviour {
    /// Its name: unique, in lower case with hyphens.
    pub id: &'static str,
    /// What happens.
    pub doc: &'static str,
    /// Where it was seen, or which failure mode it causes (`tokenlapse explain FM-01`).
    pub seen: &'static str,
    /// How to have it.
    pub example: Example,
}

/// How to have a misbehaviour.
#[derive(Debug, Clone, Copy)]
pub enum Example {
    /// Add this rule; it heals when the rule is removed.
    Rule(fn() -> Rule),
    /// A state of the provider: what is done to it, and what heals it.
    Control {
        /// Has it.
        arm: fn(&Idp),
        /// Heals it. What died stays dead.
        heal: fn(&Idp),
    },
}

/// Every misbehaviour, by subject.
pub const GROUPS: &[(&str, &[Misbehaviour])] = &[
    ("Answers", answers::ALL),
    ("Rate limits and `Retry-After`", retry_after::ALL),
    ("Fields of a token reply", fields::ALL),
    ("Forms of a reply", forms::ALL),
    ("Time and connection", delivery::ALL),
    ("Documents", documents::ALL),
    ("State", state::ALL),
];

/// Every misbehaviour, in the order of [`GROUPS`].
pub fn all() -> impl Iterator<Item = &'static Misbehaviour> {
    GROUPS.iter().flat_map(|(_, entries)| entries.iter())
}

const fn rule(id: &'static str, doc: &'static str, seen: &'static str, example: fn() -> Rule) -> Misbehaviour {
    Misbehaviour { id, doc, seen, example: Example::Rule(example) }
}

const fn control(
    id: &'static str,
    doc: &'static str,
    seen: &'static str,
    arm: fn(&Idp),
    heal: fn(&Idp),
) -> Misbehaviour {
    Misbehaviour { id, doc, seen, example: Example::Control { arm, heal } }
}
