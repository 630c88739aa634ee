//! What a part of the lab is told to do with the very request that it reported.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The outcome of a gating event: wait so long, then do this.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Directive {
    /// Held back for so long before the reply leaves. The request itself was decided at its number.
    pub delay: Duration,
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
    /// Is processed; then the connection is closed without a byte of reply.
    DropReply,
    /// Is processed; of the reply its head and so many bytes of its body are sent, then the connection is closed (FIN).
    /// A body that is not longer is sent whole.
    Truncate(usize),
    /// Is processed; the head and half of the body are sent, then the connection is reset (RST).
    Reset,
    /// Is processed; the reply loses or changes these fields of its JSON body.
    Alter(Vec<FieldChange>),
}

/// A scripted HTTP reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// Header fields, in order.
    pub headers: Vec<(String, String)>,
    /// The body as it is sent.
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

impl Directive {
    /// Nothing happens.
    pub fn proceed() -> Self {
        Self::default()
    }

    /// Whether this changes nothing.
    pub fn is_proceed(&self) -> bool {
        self.delay.is_zero() && self.act == Act::Proceed
    }

    /// What of this is left to do to the reply: an answer that was given to the request is the reply by now.
    #[must_use]
    pub fn left_for_reply(self) -> Self {
        match self.act {
            Act::Answer(_) => Self { act: Act::Proceed, ..self },
            _ => self,
        }
    }

    /// This, then `other`: delays add up, the first act that does something wins.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            delay: self.delay + other.delay,
            act: match self.act {
                Act::Proceed => other.act,
                act => act,
            },
        }
    }
}
