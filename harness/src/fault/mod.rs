//! Faults: a trigger and an action, evaluated while events are recorded.
//!
//! A fault is driven by what happens, never by a sleep: [`Engine`] sees each event under the journal's lock, counts
//! it for the triggers that wait for it, and carries actions out on the spot, so that a fault triggered by the second
//! token request changes the answer to that very request.
//!
//! Faults come as scenario files say them, resolved: [`Plan`]. What an action does to the lab goes through
//! [`Controls`], which the lab implements; what it does to one reply is a [`Directive`](crate::journal::Directive);
//! what proves that it had an effect on somebody is its [`Bite`].

mod action;
mod at_gate;
mod bite;
mod controls;
mod engine;
mod expiries;
mod hold;
mod one;
mod operation;
mod plan;
mod reply;
mod seen;
mod server;
mod trigger;
mod work;

pub use bite::{BITES, Bite, default_bite};
pub use controls::{Controls, Expiry, Inert, LinkFault, Revocation, ServerFault, TokenLifetime, Which};
pub use engine::{Engine, Progress};
pub use operation::{Activities, Deed, Operation};
pub use plan::Plan;
pub(crate) use seen::{Seen, is_instance};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Action;

    #[test]
    fn every_action_has_one_default_proof_and_words_for_it() {
        let names: Vec<_> = BITES.iter().map(|(name, _)| *name).collect();
        let documented: Vec<_> = Action::DOCS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, documented);
        assert!(BITES.iter().all(|(_, bite)| !bite.doc().is_empty()));
    }
}
