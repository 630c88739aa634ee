//! A rule: which requests, how often, and what happens to them.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::delay::Delay;
use super::limit::RateLimit;
use super::probability::Probability;
use super::refusal::Refusal;
use super::retry_after::RetryAfter;
use super::selection::{Selection, Turn};
use crate::endpoint::Endpoint;
use crate::fault::{Answer, Change, Drip, FieldChange};

/// What happens to which requests, how often or how long. Without [`Rule::times`] and [`Rule::lasting`] it holds until
/// it is removed; with both, until the first of them is over. [The module](super) says in which order its parts act, and
/// how several rules act together.
///
/// ```
/// use mock_idp::{Endpoint, Rule};
///
/// let rule: Rule = serde_json::from_str(
///     r#"{"when": {"endpoint": "token", "turn": {"every": 3}}, "instead": {"answer": {"status": 503}},
///         "retry_after": {"date": "90s"}, "delay": {"fixed": "250ms"}, "times": 2}"#,
/// )?;
/// # let _ = rule;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use = "a rule does nothing before it is added"]
pub struct Rule {
    /// Which requests.
    pub(super) when: Selection,
    /// For so many of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) times: Option<u32>,
    /// For so long, by the provider's clock.
    #[serde(
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::optional"
    )]
    pub(super) lasting: Option<Duration>,
    /// What its choices and delays are drawn from; without one the provider's seed and the order of the rules that draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<u64>,
    /// How many are served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit: Option<RateLimit>,
    /// What happens instead of processing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instead: Option<Instead>,
    /// How they are processed.
    #[serde(skip_serializing_if = "Processing::is_plain")]
    pub(super) processing: Processing,
    /// What changes in the reply, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) change: Vec<Change>,
    /// What `Retry-After` says, after all other changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after: Option<RetryAfter>,
    /// How long the reply waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delay: Option<Delay>,
    /// How the reply leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deliver: Option<Deliver>,
}

/// What happens to a request instead of its being processed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Instead {
    /// It is answered so.
    Answer(Answer),
    /// It is refused so.
    Refuse(Refusal),
    /// The connection closes (FIN).
    Drop,
    /// The connection is reset (RST).
    Reset,
    /// Nothing, until the rule is removed or its period is over; then the connection closes. The end of its `times` does
    /// not release it.
    Hang,
}

/// How a request is processed that is not answered otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Processing {
    /// Access tokens are for this audience, whatever the client and the request say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// It is decided by a clock that is so many milliseconds ahead, or behind if negative, as on one node of a cluster
    /// whose clock is wrong. `Date` shows it.
    #[serde(skip_serializing_if = "is_zero")]
    pub clock_ms: i64,
    /// The JWKS or a discovery document is an old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale: Option<Stale>,
    /// The JWKS has its keys in an order that is drawn for each request: none is promised (RFC 7517 §5.1).
    #[serde(skip_serializing_if = "is_false")]
    pub unordered_keys: bool,
}

/// How old a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stale {
    /// As it was when the rule was added.
    AsArmed,
    /// As it was before the last rotation of keys, or replacement of one; as it is, if there was none.
    BeforeRotation,
}

/// How a reply leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deliver {
    /// Not at all: the connection closes (FIN) without a byte of it.
    Drop,
    /// With so many bytes of its body, then the connection closes (FIN).
    Truncate(usize),
    /// In small pieces.
    Drip(Drip),
    /// With half of its body, then the connection is reset (RST).
    Reset,
    /// Whole, then the connection is reset (RST).
    ResetAfter,
    /// When the rule is removed or its period is over. The end of its `times` does not release it.
    Hang,
}

impl Processing {
    fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

fn is_zero(ms: &i64) -> bool {
    *ms == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Default for Rule {
    /// For every request, and nothing happens.
    fn default() -> Self {
        Self {
            when: Selection::default(),
            times: None,
            lasting: None,
            seed: None,
            limit: None,
            instead: None,
            processing: Processing::default(),
            change: Vec::new(),
            retry_after: None,
            delay: None,
            deliver: None,
        }
    }
}

/// Which requests, and how often.
impl Rule {
    /// For requests of one endpoint.
    pub fn on(endpoint: Endpoint) -> Self {
        Self { when: Selection { endpoint: Some(endpoint), ..Selection::default() }, ..Self::default() }
    }

    /// For every request, those included for which nothing is served.
    pub fn everywhere() -> Self {
        Self::default()
    }

    /// Only for requests that claim to be from this client.
    pub fn client(mut self, client: impl Into<String>) -> Self {
        self.when.client = Some(client.into());
        self
    }

    /// Only for requests with this `grant_type`.
    pub fn grant(mut self, grant: impl Into<String>) -> Self {
        self.when.grant = Some(grant.into());
        self
    }

    /// Only for the one with this number, from 1, of the requests that match, counted from when the rule is added.
    pub fn nth(mut self, number: NonZeroU32) -> Self {
        self.when.turn = Some(Turn::Nth(number));
        self
    }

    /// Only for each of the requests that match whose number is a multiple of this, counted likewise.
    pub fn every(mut self, number: NonZeroU32) -> Self {
        self.when.turn = Some(Turn::Every(number));
        self
    }

    /// Only for so many of the requests that match, by chance.
    pub fn probability(mut self, probability: Probability) -> Self {
        self.when.probability = probability;
        self
    }

    /// Draws its choices and delays from this. Same seed and same requests, same choices.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// For the next request.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// For the next so many requests.
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// For so long from when it is added, by the identity provider's clock: moving that clock can end it.
    pub fn lasting(self, period: Duration) -> Self {
        Self { lasting: Some(period), ..self }
    }
}

/// What happens, without processing.
impl Rule {
    /// Answered so, without being processed.
    pub fn answer(self, answer: Answer) -> Self {
        self.instead(Instead::Answer(answer))
    }

    /// Answered with this status and nothing else, without being processed.
    pub fn status(self, status: u16) -> Self {
        self.answer(Answer { status, headers: Vec::new(), body: String::new() })
    }

    /// Answered with this status and text of this media type, without being processed.
    pub fn body(self, status: u16, content_type: &str, body: impl Into<String>) -> Self {
        let headers = vec![("Content-Type".into(), content_type.into())];
        self.answer(Answer { status, headers, body: body.into() })
    }

    /// Refused with this `error` (RFC 6749 §5.2) and status, without being processed.
    pub fn error(self, status: u16, code: &str) -> Self {
        self.refuse(Refusal { status, ..Refusal::new(code) })
    }

    /// Refused so, without being processed.
    pub fn refuse(self, refusal: Refusal) -> Self {
        self.instead(Instead::Refuse(refusal))
    }

    /// This happens instead of processing.
    pub fn instead(self, instead: Instead) -> Self {
        Self { instead: Some(instead), ..self }
    }

    /// Counted; refused without being processed if there were too many.
    pub fn limit(self, limit: RateLimit) -> Self {
        Self { limit: Some(limit), ..self }
    }
}

/// What happens, besides processing.
impl Rule {
    /// Processed so.
    pub fn processing(self, processing: Processing) -> Self {
        Self { processing, ..self }
    }

    /// The reply loses or changes these fields of its JSON body.
    pub fn alter(mut self, changes: impl IntoIterator<Item = FieldChange>) -> Self {
        self.change.extend(changes.into_iter().map(Change::from));
        self
    }

    /// The reply changes so, after the changes that the rule has already.
    pub fn change(mut self, change: Change) -> Self {
        self.change.push(change);
        self
    }

    /// A field of the reply's JSON body has this value.
    pub fn set(self, field: &str, value: impl Into<Value>) -> Self {
        self.change(Change::Set(BTreeMap::from([(field.to_owned(), value.into())])))
    }

    /// The reply's JSON body lacks a field.
    pub fn omit(self, field: &str) -> Self {
        self.change(Change::Omit(vec![field.to_owned()]))
    }

    /// A header field of the reply has this value.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.change(Change::SetHeaders(BTreeMap::from([(name.to_owned(), value.to_owned())])))
    }

    /// `Retry-After` says so.
    pub fn retry_after(self, says: RetryAfter) -> Self {
        Self { retry_after: Some(says), ..self }
    }

    /// Held back for so long, besides what else happens.
    pub fn delay(self, delay: impl Into<Delay>) -> Self {
        Self { delay: Some(delay.into()), ..self }
    }

    /// Processed; then the connection closes without a byte of reply.
    pub fn drop_reply(self) -> Self {
        self.deliver(Deliver::Drop)
    }

    /// Processed; then the connection is reset in the middle of the reply.
    pub fn reset(self) -> Self {
        self.deliver(Deliver::Reset)
    }

    /// Processed; the reply's body ends after so many bytes.
    pub fn truncate(self, after: usize) -> Self {
        self.deliver(Deliver::Truncate(after))
    }

    /// The reply leaves so.
    pub fn deliver(self, deliver: Deliver) -> Self {
        Self { deliver: Some(deliver), ..self }
    }

    /// Whether it ever draws.
    pub(super) fn draws(&self) -> bool {
        let probability = self.when.probability;
        let more = self.processing.unordered_keys || self.delay.is_some_and(Delay::is_random);
        probability.is_random() || (probability != Probability::NEVER && more)
    }
}
