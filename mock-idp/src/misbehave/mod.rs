//! Misbehaviour without an observer of one's own: rules that answer, delay, change, drop or break off.
//!
//! A [`Rule`] says which requests it is for and, in this order, what happens to each:
//!
//! 1. `limit`: it is counted, and refused when there were too many;
//! 2. `instead`: it is answered, dropped, reset or held without being processed;
//! 3. `processing`: it is processed by another clock, for another audience, with old documents, or with the keys of the
//!    JWKS in another order;
//! 4. `change` and `retry_after`: the reply is changed;
//! 5. `delay`: the reply waits;
//! 6. `deliver`: it leaves whole, in part, slowly or not at all.
//!
//! Several rules act on one request together, the oldest first: their delays and the steps of their clocks add up, their
//! changes follow each other, the oldest audience, document and order win. Only one rule decides the request's fate, by
//! `instead` or `deliver`: the oldest that matches. A younger one with `instead` or `deliver` does nothing at all, and uses
//! up none of its times. A limit counts in any case; when it is exceeded it answers, unless an older rule has.
//!
//! [`all`] lists the misbehaviours of real providers with a rule or a control for each.

mod armed;
mod catalogue;
mod delay;
mod limit;
mod probability;
mod refusal;
mod retry_after;
mod rule;
mod rules;
mod selection;

pub(crate) use armed::{Bent, OldDocuments};
pub use catalogue::{CLIENT, Example, GROUPS, Misbehaviour, SUBJECT, all};
pub use delay::{Delay, Spread, Tail};
pub use limit::{Allowance, Body, LimitHeaders, Per, RateLimit, Reset, Wait};
pub use probability::{NotAProbability, Probability};
pub use refusal::Refusal;
pub use retry_after::RetryAfter;
pub(crate) use retry_after::http_date;
pub use rule::{Deliver, Instead, Processing, Rule, Stale};
pub use rules::{RuleId, Rules, Standing};
pub(crate) use rules::{Saved, Snapshot};
pub use selection::{Selection, Turn};
