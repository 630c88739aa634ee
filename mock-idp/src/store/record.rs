//! What is kept of a token.

use std::sync::Arc;

use super::swept::Lasting;
use super::terms::Terms;
use crate::token::{TokenId, TokenKind};

/// A refresh token is remembered for so long after its time, in milliseconds, so that presenting it is told from
/// presenting something that never was one.
const REMEMBERED_MS: i64 = 3_600_000;

/// A token, without its value: it is found by the digest of that.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) id: TokenId,
    pub(super) family: u64,
    pub(super) terms: Arc<Terms>,
    pub(super) issued_at_ms: i64,
    pub(super) expires_at_ms: i64,
    pub(super) kind: TokenKind,
}

impl TokenKind {
    /// Until when what is kept of a token that expires then is of use.
    pub(super) fn remembered_until_ms(self, expires_at_ms: i64) -> i64 {
        match self {
            Self::Access => expires_at_ms,
            Self::Refresh => expires_at_ms.saturating_add(REMEMBERED_MS),
        }
    }
}

impl Lasting for Record {
    fn until_ms(&self) -> i64 {
        self.kind.remembered_until_ms(self.expires_at_ms)
    }
}
