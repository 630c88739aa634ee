//! What the identity provider's clock said when an event was recorded. Events carry the time since the journal was
//! opened; the first token says what that was on the identity provider's clock.

use super::context::Context;
use crate::journal::{Clock, Event, Record, Run, Seq, TokenChange, TokenKind, TokenLife};
use crate::scenario::ClockOwner;

/// `exp` and `iat` are whole seconds.
const RESOLUTION_MS: i64 = 1000;

pub(super) struct IdpClock {
    /// The clock when the journal was opened, if its offset had been nil.
    opened_ms: Option<i64>,
    offset_at_start_ms: i64,
    moves: Vec<(Seq, i64)>,
}

impl IdpClock {
    pub(super) fn of(run: &Run<'_>, context: &Context) -> Self {
        let start = context.resolved.clocks.moved().find(|(owner, _)| *owner == ClockOwner::Idp);
        let moves = run.records().iter().filter_map(|record| match record.event {
            Event::ClockMoved { clock: Clock::Idp, offset_ms } => Some((record.seq, offset_ms)),
            _ => None,
        });
        let mut clock = Self {
            opened_ms: None,
            offset_at_start_ms: start.map_or(0, |(_, offset)| offset.as_millis()),
            moves: moves.collect(),
        };
        let first = run.records().iter().find_map(|record| match &record.event {
            // From then on lifetimes are not the scenario's.
            Event::FaultFired { action, .. } if action == "idp.lifetime" => Some(None),
            Event::IdpToken(token) if token.change == TokenChange::Issued && token.token_kind == TokenKind::Access => {
                Some(token.expires_at_ms.map(|expires_at_ms| (record, expires_at_ms)))
            }
            _ => None,
        });
        let lifetime_ms = millis(context.resolved.idp.access_token_lifetime.as_millis());
        clock.opened_ms = first.flatten().map(|(record, expires_at_ms)| {
            expires_at_ms - lifetime_ms - millis(record.at_us / 1000) - clock.offset_ms(record.seq)
        });
        clock
    }

    fn offset_ms(&self, at: Seq) -> i64 {
        let before = self.moves.partition_point(|(moved, _)| *moved < at);
        before.checked_sub(1).map_or(self.offset_at_start_ms, |last| self.moves[last].1)
    }

    /// Whether a token was dead when `record` came, or as good as dead: with less than `margin_ms` to live.
    pub(super) fn is_over(&self, token: &TokenLife, record: &Record, margin_ms: u64) -> bool {
        if token.died.is_some_and(|(at, _)| at < record.seq) {
            return true;
        }
        let (Some(expires_at_ms), Some(opened_ms)) = (token.issued.expires_at_ms, self.opened_ms) else { return false };
        let now_ms = opened_ms + millis(record.at_us / 1000) + self.offset_ms(record.seq);
        expires_at_ms - now_ms <= millis(margin_ms) + RESOLUTION_MS
    }
}

fn millis(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX / 4)
}
