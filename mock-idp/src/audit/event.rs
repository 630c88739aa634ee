//! A line of the audit log.

use serde::Serialize;

use crate::fault::Act;
use crate::token::{TokenFacts, TokenId, TokenKind};

/// A change of state or a decision, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
pub struct AuditEvent {
    /// Its number, from 1. A reset does not start again.
    pub number: u64,
    /// When, in milliseconds since the Unix epoch, by the identity provider's clock.
    pub at_ms: i64,
    /// What kind of thing happened.
    pub kind: AuditKind,
    /// The request in which it happened; a control has none.
    pub request: Option<u64>,
    /// The client that it concerns.
    pub client: Option<String>,
    /// The token that it concerns: `A` or `R`, for access or refresh token, and its number.
    pub token: Option<String>,
    /// What happened and why, in one sentence.
    pub reason: String,
}

/// Kinds of audit events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
pub enum AuditKind {
    /// A request was decided, or answered by a fault.
    #[serde(rename = "request.decided")]
    Decided,
    /// A reply did not reach its client whole.
    #[serde(rename = "reply.lost")]
    Lost,
    /// A token was issued.
    #[serde(rename = "token.issued")]
    Issued,
    /// A token's lifetime is over.
    #[serde(rename = "token.expired")]
    Expired,
    /// A token was revoked.
    #[serde(rename = "token.revoked")]
    Revoked,
    /// A refresh token was replaced by its successor.
    #[serde(rename = "token.rotated")]
    Rotated,
    /// A step on a user's way to tokens.
    #[serde(rename = "authorization")]
    Authorization,
    /// A key was added, signs from now on, was replaced or removed.
    #[serde(rename = "key")]
    Key,
    /// Whoever drives the test changed something.
    #[serde(rename = "control")]
    Control,
}

impl AuditKind {
    /// `token.issued`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decided => "request.decided",
            Self::Lost => "reply.lost",
            Self::Issued => "token.issued",
            Self::Expired => "token.expired",
            Self::Revoked => "token.revoked",
            Self::Rotated => "token.rotated",
            Self::Authorization => "authorization",
            Self::Key => "key",
            Self::Control => "control",
        }
    }
}

/// What happened, before it has a number.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) kind: AuditKind,
    pub(super) client: Option<String>,
    pub(super) token: Option<String>,
    pub(super) reason: String,
}

impl Draft {
    pub(super) fn new(kind: AuditKind, reason: impl Into<String>) -> Self {
        Self { kind, client: None, token: None, reason: reason.into() }
    }

    pub(super) fn of(kind: AuditKind, token: &TokenFacts, reason: impl Into<String>) -> Self {
        let name = token_name(token.id, token.kind);
        Self { kind, client: Some(token.client.clone()), token: Some(name), reason: reason.into() }
    }
}

/// `A1`, `R2`: a token without its value.
pub(crate) fn token_name(id: TokenId, kind: TokenKind) -> String {
    let letter = match kind {
        TokenKind::Access => 'A',
        TokenKind::Refresh => 'R',
    };
    format!("{letter}{}", id.0)
}

/// `DropReply`: what a fault does, without what it holds. `None` if it does nothing.
pub(super) fn act_name(act: &Act) -> Option<String> {
    if *act == Act::Proceed {
        return None;
    }
    let text = format!("{act:?}");
    Some(text.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default().to_owned())
}
