//! What becomes of the Temporal server that a fault has hurt, as far as that proves its bite.

use super::bite::Bite;
use crate::journal::{Event, ServerState};

/// The gRPC status of a call whose server is lost.
const UNAVAILABLE: i32 = 14;

/// What was seen of the server since one firing.
#[derive(Debug, Default)]
pub(super) struct Server {
    /// How it stands, once anything was done to it.
    state: Option<ServerState>,
    /// Whether a call was lost.
    lost: bool,
}

impl Server {
    /// Whether this event, which came after the firing, proves the bite.
    pub(super) fn proves(&self, bite: Bite, event: &Event) -> bool {
        match (bite, event) {
            // It cannot be answered before the server goes on.
            (Bite::CallUnanswered, Event::GateRpc { .. }) => self.state == Some(ServerState::Paused),
            (Bite::ServerBack, Event::GateRpcDone { code: Some(0), .. }) => {
                self.lost && self.state == Some(ServerState::Back)
            }
            _ => false,
        }
    }

    pub(super) fn follow(&mut self, event: &Event) {
        match event {
            Event::TemporalServer { state, .. } => self.state = Some(*state),
            // Also before it is gone: as it ends in good order it lets its calls go first.
            Event::GateRpcDone { code: Some(UNAVAILABLE), .. } => self.lost = true,
            _ => {}
        }
    }
}
