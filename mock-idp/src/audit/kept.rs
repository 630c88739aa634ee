//! What is kept of requests and events: as it comes, which is quick. It is put into words when somebody reads it.

use std::sync::Arc;

use http::HeaderMap;

use super::event::{AuditEvent, AuditKind, Draft, token_name};
use super::request::{RequestRecord, Stage};
use super::shown::{self, Fields};
use crate::endpoint::Call;
use crate::observe::{IdpEvent, ReplySeen, RequestSeen};
use crate::store::Which;
use crate::token::{Death, TokenFacts};

/// More bytes of parameters or header fields are not kept as they came: they are made readable at once, which cuts them.
const MOST_BYTES: usize = 4096;

/// A request.
pub(super) struct KeptRequest {
    pub(super) seen: Arc<RequestSeen>,
    at_ms: i64,
    presented: Option<Arc<Presented>>,
    parameters: Sent,
    headers: Sent,
    pub(super) stage: Stage,
    pub(super) reply: Option<Arc<ReplySeen>>,
    pub(super) fault: Option<String>,
    pub(super) delivered: Option<bool>,
}

/// The token that a request presents: its name, and to whom it was issued.
pub(super) struct Presented {
    name: String,
    client: String,
}

impl KeptRequest {
    pub(super) fn arrived(seen: &Arc<RequestSeen>, call: &Call, token: Option<&TokenFacts>, at_ms: i64) -> Self {
        let presented = token
            .map(|token| Arc::new(Presented { name: token_name(token.id, token.kind), client: token.client.clone() }));
        Self {
            seen: Arc::clone(seen),
            at_ms,
            presented,
            parameters: call.form.as_ref().map(|form| Sent::of(form.all(), shown::parameter)).unwrap_or_default(),
            headers: Sent::of_headers(&call.headers),
            stage: Stage::Arrived,
            reply: None,
            fault: None,
            delivered: None,
        }
    }

    pub(super) fn presented(&self) -> Option<Arc<Presented>> {
        self.presented.clone()
    }

    pub(super) fn record(&self) -> RequestRecord {
        let (seen, reply) = (&self.seen, self.reply.as_ref());
        RequestRecord {
            number: seen.number,
            at_ms: self.at_ms,
            listener: seen.listener.clone(),
            endpoint: seen.endpoint,
            target: shown::cut(&seen.target),
            grant: seen.grant.as_deref().map(shown::cut),
            client: seen.client.as_deref().map(shown::cut),
            token: self.presented.as_ref().map(|token| token.name.clone()),
            token_client: self.presented.as_ref().map(|token| token.client.clone()),
            parameters: self.parameters.shown(shown::parameter),
            headers: self.headers.shown(shown::header),
            stage: self.stage,
            status: reply.map(|reply| reply.status),
            error: reply.and_then(|reply| reply.error.clone()),
            cause: reply.and_then(|reply| reply.cause.clone()),
            reason: reply.and_then(|reply| reply.reason.clone()),
            issued: reply.map(|reply| reply.issued.iter().map(|token| token.0).collect()).unwrap_or_default(),
            fault: self.fault.clone(),
            delivered: self.delivered,
        }
    }
}

/// Names and values as they were sent, in one piece of memory; or as they are shown.
enum Sent {
    /// Each name and each value with its length, four bytes, in front.
    Raw(Box<[u8]>),
    Shown(Fields),
}

impl Default for Sent {
    fn default() -> Self {
        Self::Shown(Fields::new())
    }
}

impl Sent {
    fn of_headers(headers: &HeaderMap) -> Self {
        Self::of(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())), shown::header)
    }

    fn of<'a, V: AsRef<[u8]>>(
        fields: impl Iterator<Item = (&'a str, V)>,
        show: fn(&str, &[u8]) -> (String, String),
    ) -> Self {
        let mut raw = Vec::with_capacity(256);
        let mut fields = fields.take(shown::MOST);
        for (name, value) in fields.by_ref() {
            put(&mut raw, name.as_bytes());
            put(&mut raw, value.as_ref());
            if raw.len() > MOST_BYTES {
                let kept = Self::Raw(raw.into()).shown(show);
                let rest = fields.map(|(name, value)| show(name, value.as_ref()));
                return Self::Shown(kept.into_iter().chain(rest).collect());
            }
        }
        Self::Raw(raw.into())
    }

    fn shown(&self, show: fn(&str, &[u8]) -> (String, String)) -> Fields {
        let mut rest = match self {
            Self::Raw(raw) => &**raw,
            Self::Shown(fields) => return fields.clone(),
        };
        let mut fields = Fields::new();
        while let (Some(name), Some(value)) = (take(&mut rest), take(&mut rest)) {
            fields.push(show(&String::from_utf8_lossy(name), value));
        }
        fields
    }
}

fn put(raw: &mut Vec<u8>, part: &[u8]) {
    // A request is shorter than this number can say.
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
    raw.extend_from_slice(&length.to_le_bytes());
    raw.extend_from_slice(part);
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let (part, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *rest = after;
    Some(part)
}

/// A line of the audit log.
pub(super) struct KeptEvent {
    pub(super) number: u64,
    pub(super) at_ms: i64,
    pub(super) request: Option<u64>,
    pub(super) what: What,
}

pub(super) enum What {
    /// It is in words already.
    Said(Draft),
    Happened(IdpEvent),
    Decided {
        seen: Arc<RequestSeen>,
        reply: Arc<ReplySeen>,
        presented: Option<Arc<Presented>>,
    },
}

impl KeptEvent {
    pub(super) fn event(&self) -> AuditEvent {
        let Draft { kind, client, token, reason } = match &self.what {
            What::Said(draft) => draft.clone(),
            What::Happened(event) => happened(event),
            What::Decided { seen, reply, presented } => decided(seen, reply, presented.as_deref()),
        };
        AuditEvent { number: self.number, at_ms: self.at_ms, kind, request: self.request, client, token, reason }
    }
}

fn happened(event: &IdpEvent) -> Draft {
    match event {
        IdpEvent::Issued(token) => {
            let scopes = token.scopes.join(" ");
            Draft::of(AuditKind::Issued, token, format!("issued for {} with scope `{scopes}`", token.subject))
        }
        IdpEvent::Died { token, death } => match death {
            Death::Expired => Draft::of(AuditKind::Expired, token, "its lifetime is over"),
            Death::Revoked(reason) => Draft::of(AuditKind::Revoked, token, format!("revoked: {reason}")),
            Death::Rotated(request) => {
                Draft::of(AuditKind::Rotated, token, format!("replaced by its successor at #{request}"))
            }
        },
        IdpEvent::Authorization(event) => {
            let who = event.subject.as_deref().map(|subject| format!(" ({subject})")).unwrap_or_default();
            let reason = format!("{:?}{who}: {}", event.step, event.reason);
            Draft { client: event.client.clone(), ..Draft::new(AuditKind::Authorization, reason) }
        }
        IdpEvent::Revoked { which: Which::Token(id), reason } => {
            Draft::new(AuditKind::Revoked, format!("token {} was revoked: {reason}", id.0))
        }
        IdpEvent::Revoked { which, reason } => {
            Draft::new(AuditKind::Revoked, format!("all of {which:?} were revoked: {reason}"))
        }
        IdpEvent::KeyAdded { kid } => Draft::new(AuditKind::Key, format!("{kid} was made for the JWKS")),
        IdpEvent::KeyRotated { kid } => Draft::new(AuditKind::Key, format!("{kid} signs from now on")),
        IdpEvent::KeyReplaced { kid } => {
            let reason = format!("{kid} is another key from now on: by it nothing verifies that the old one signed");
            Draft::new(AuditKind::Key, reason)
        }
        IdpEvent::KeyRemoved { kid } => {
            Draft::new(AuditKind::Key, format!("{kid} was taken out of the JWKS: what it signed verifies no longer"))
        }
    }
}

fn decided(seen: &RequestSeen, reply: &ReplySeen, presented: Option<&Presented>) -> Draft {
    let whose = presented.map(|token| format!("token {} of client {}: ", token.name, token.client));
    let whose = whose.unwrap_or_default();
    let reason = match (&reply.cause, &reply.reason) {
        (Some(cause), Some(reason)) => format!("refused ({cause}): {whose}{reason}"),
        (_, Some(reason)) => format!("answered with {}: {whose}{reason}", reply.status),
        (_, None) => format!("answered with {}", reply.status),
    };
    let token = presented.map(|token| token.name.clone());
    Draft { kind: AuditKind::Decided, client: seen.client.clone(), token, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_shown_as_if_it_had_been_shown_at_once() {
        let long = "x".repeat(MOST_BYTES);
        for sent in [
            vec![],
            vec![("grant_type", "refresh_token"), ("refresh_token", "hush"), ("empty", "")],
            vec![("scope", "before"), ("refresh_token", long.as_str()), ("scope", "after")],
        ] {
            let at_once: Fields = sent.iter().map(|(name, value)| shown::parameter(name, value.as_bytes())).collect();
            let kept = Sent::of(sent.iter().copied(), shown::parameter);
            assert_eq!(matches!(kept, Sent::Shown(_)), sent.iter().any(|(_, value)| *value == long));
            assert_eq!(kept.shown(shown::parameter), at_once);
        }
        assert_eq!(Sent::of((0..100).map(|_| ("a", "b")), shown::parameter).shown(shown::parameter).len(), shown::MOST);
    }
}
