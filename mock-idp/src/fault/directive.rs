//! What a part of the lab is told to do with the very request that it reported.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::change::Change;
use super::written;

/// The outcome of a gating event: wait so long, change the reply so, then do this.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Directive {
    /// Held back for so long before the reply leaves. The request itself was decided at its number.
    pub delay: Duration,
    /// Changes of the reply, in their order.
    pub changes: Vec<Change>,
    /// What happens to the request or reply.
    pub act: Act,
}

/// What happens to a request or reply.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Act {
    /// Goes on as if nothing were there.
    #[default]
    Proceed,
    /// Is answered so, without being processed.
    Answer(Answer),
    /// Is not processed; the connection is closed (FIN) without a byte of reply.
    DropRequest,
    /// Is not processed; the connection is reset (RST) without a byte of reply.
    ResetRequest,
    /// Is processed; then the connection is closed without a byte of reply.
    DropReply,
    /// Is processed; of the reply its head and so many bytes of its body are sent, then the connection is closed (FIN).
    /// A body that is not longer is sent whole.
    Truncate(usize),
    /// Is processed; the reply's body is sent in small pieces.
    Drip(Drip),
    /// Is processed; the head and half of the body are sent, then the connection is reset (RST).
    Reset,
    /// Is processed; the whole reply is sent, then the connection is reset (RST).
    ResetAfter,
    /// Is processed; the reply loses or changes these fields of its JSON body.
    Alter(Vec<FieldChange>),
}

/// The pace of a slow body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drip {
    /// Bytes in a piece; 0 counts as 1.
    pub bytes: usize,
    /// From one piece to the next. The first one leaves with the head.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub every: Duration,
}

/// A scripted HTTP reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// HTTP status code.
    #[serde(deserialize_with = "written::status")]
    pub status: u16,
    /// Header fields, in order. What frames the body is the connection's: `Content-Length` and `Transfer-Encoding` are
    /// left out.
    #[serde(default, deserialize_with = "written::list")]
    pub headers: Vec<(String, String)>,
    /// The body as it is sent.
    #[serde(default)]
    pub body: String,
}

/// A change of one field of a JSON body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Name of the top-level field.
    pub field: String,
    /// Its new value; `None` removes it.
    pub value: Option<serde_json::Value>,
}

impl Act {
    /// Whether the request is processed.
    pub fn processes(&self) -> bool {
        !matches!(self, Self::Answer(_) | Self::DropRequest | Self::ResetRequest)
    }
}

impl Directive {
    /// Nothing happens.
    pub fn proceed() -> Self {
        Self::default()
    }

    /// Whether this changes nothing.
    pub fn is_proceed(&self) -> bool {
        *self == Self::default()
    }

    /// What of this is left to do to the reply: an answer that was given to the request is the reply by now.
    #[must_use]
    pub fn left_for_reply(self) -> Self {
        match self.act {
            Act::Answer(_) => Self { act: Act::Proceed, ..self },
            _ => self,
        }
    }

    /// This, then `other`: delays add up, changes follow each other, the first act that does something wins.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.changes.extend(other.changes);
        Self {
            delay: self.delay.saturating_add(other.delay),
            changes: self.changes,
            act: match self.act {
                Act::Proceed => other.act,
                act => act,
            },
        }
    }
}
