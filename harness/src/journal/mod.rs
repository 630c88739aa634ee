//! The journal: what every part of the lab saw, in one order, append-only, one per scenario run.
//!
//! Reports, transcripts and verdicts are projections of it; nothing is measured twice. This module knows no other
//! module of the harness: whoever wants to act on events implements [`Intervene`].

mod attribution;
mod event;
mod id;
mod kind;
mod record;
mod recorder;
mod refusal;
mod rpc;
mod run;
mod scrub;
pub mod transcript;
mod view;
mod whole;

pub use attribution::Attribution;
pub(crate) use attribution::{Activity, Candidates, Delivered, Live};
pub use event::*;
pub use id::{Call, Fingerprint, Instance, Seq, TokenName, WorkflowId};
pub use kind::{KIND_DOCS, KindDoc, Moment, kind_doc};
pub use mock_idp::fault::{Act, Answer, Directive, FieldChange};
pub use record::{Place, ReadError, Record, Sighting, read};
pub use recorder::{Consequences, Effect, Intervene, Journal, Recorded, Scrub, WaitError};
pub use refusal::{is_final, turns_client_away};
pub use rpc::is_poll;
pub use run::{AnswerCount, ControlFacts, EffectCount, Identity, RunEnd, RunHeader, SCHEMA_VERSION};
pub use scrub::{LEAK, Redactor};
pub use transcript::transcript;
pub use view::{Delivery, Run, TokenLife};
pub use whole::{Contents, Hole};
