//! The journal as the identity provider's observer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mock_idp::fault::Sent;
use mock_idp::{Death, IdpEvent, Observer, Outcome, ReplySeen, RequestSeen, Secret, TokenFacts};
use tokio::sync::Notify;

use super::retry_after;
use super::tokens::Names;
use crate::journal::{
    Call, Event, IdpRequest, IdpResponse, IdpToken, Instance, Journal, Recorded, Redactor, TokenChange, TokenKind,
    TokenName,
};

/// Reports every request, decision and reply of an identity provider to the journal, whose lock orders them.
pub struct Observed {
    journal: Journal,
    names: Names,
    redactor: Redactor,
    calls: Arc<AtomicU64>,
    expiries: Arc<Notify>,
    open: Mutex<BTreeMap<u64, IdpRequest>>,
}

impl Observed {
    /// An observer that numbers requests from `calls`, which the whole lab shares, and keeps the tokens that are
    /// issued out of `journal`. It notifies `expiries` of each token that may be the next to expire.
    pub fn new(journal: Journal, names: Names, calls: Arc<AtomicU64>, expiries: Arc<Notify>) -> Self {
        let redactor = Redactor::new();
        journal.scrub_with(redactor.clone());
        Self { journal, names, redactor, calls, expiries, open: Mutex::default() }
    }

    /// Keeps a secret that is no token out of the journal, too.
    pub fn keep_out(&self, name: TokenName, secret: &Secret) {
        self.redactor.register(name, secret.random_part());
    }

    fn token(&self, token: &TokenFacts, change: TokenChange, reason: Option<String>) -> Event {
        Event::IdpToken(IdpToken {
            token: self.names.name(token.id, token.kind),
            token_kind: match token.kind {
                mock_idp::TokenKind::Access => TokenKind::Access,
                mock_idp::TokenKind::Refresh => TokenKind::Refresh,
            },
            change,
            client: token.client.clone(),
            sub: token.subject.clone(),
            scopes: token.scopes.clone(),
            expires_at_ms: Some(token.expires_at_ms),
            reason,
        })
    }
}

fn outcome(recorded: Recorded) -> Outcome {
    let directive = recorded.directive.clone();
    let before = async move {
        recorded.settled().await;
    };
    Outcome { directive, before: Some(Box::pin(before)) }
}

impl Observer for Observed {
    fn request(&self, seen: &RequestSeen, decide: &mut dyn FnMut()) -> Outcome {
        let request = IdpRequest {
            call: Call(self.calls.fetch_add(1, Ordering::Relaxed)),
            instance: Instance::from(seen.listener.as_str()),
            endpoint: seen.endpoint.name().to_owned(),
            grant: seen.grant.clone(),
            client: seen.client.clone(),
            token: seen.token.and_then(|token| self.names.known(token)),
            scope: seen.scope.clone(),
            audience: seen.audience.clone().or_else(|| {
                let resources = &seen.resources;
                (!resources.is_empty()).then(|| resources.join(" "))
            }),
        };
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(seen.number, request.clone());
        outcome(self.journal.record_with(Event::IdpRequest(request), |_, directive| {
            if directive.act.processes() {
                decide();
            }
        }))
    }

    fn event(&self, event: &IdpEvent) {
        let event = match event {
            IdpEvent::Issued(token) => {
                self.expiries.notify_one();
                let name = self.names.name(token.id, token.kind);
                self.redactor.register(name, token.value.random_part());
                self.token(token, TokenChange::Issued, None)
            }
            IdpEvent::Died { token, death } => match death {
                Death::Expired => self.token(token, TokenChange::Expired, None),
                Death::Revoked(reason) => self.token(token, TokenChange::Revoked, Some(reason.clone())),
                Death::Rotated(_) => self.token(token, TokenChange::Rotated, None),
            },
            // Everything is kept here, so that each death is told by itself.
            IdpEvent::Revoked { .. } => return,
            IdpEvent::KeyRotated { kid } => Event::IdpKey { kid: kid.clone() },
            // Scenarios rotate only: which key signs is all that there is to tell.
            IdpEvent::KeyAdded { .. } | IdpEvent::KeyReplaced { .. } | IdpEvent::KeyRemoved { .. } => return,
            // Workers have no users who sign in.
            IdpEvent::Authorization(_) => return,
        };
        let _ = self.journal.record(event);
    }

    fn reply(&self, seen: &RequestSeen, reply: &ReplySeen) -> Outcome {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).get(&seen.number).cloned();
        let Some(request) = open else { return Outcome::default() };
        outcome(self.journal.record(Event::IdpResponse(IdpResponse {
            request,
            status: reply.status,
            error: reply.error.clone(),
            reason: reply.reason.clone(),
            issued: reply.issued.iter().filter_map(|token| self.names.known(*token)).collect(),
            retry_after_ms:
                reply.retry_after.as_ref().and_then(|text| retry_after::wait_ms(text, reply.date.as_deref())),
            fault: None,
        })))
    }

    fn done(&self, seen: &RequestSeen, Sent { delivered, unaltered }: Sent) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&seen.number);
        if let Some(request) = open {
            let _ = self.journal.record(Event::HttpDone { call: request.call, delivered, unaltered });
        }
    }
}
