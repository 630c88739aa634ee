//! Requests to the token endpoint, each with its reply and what became of that.

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::{
    Call, Delivery, Event, IdpRequest, IdpResponse, Instance, Record, Run, Seq, TokenKind, TokenName, is_final,
};

/// What a token is asked for: who asks, as whom, for what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) instance: Instance,
    client: Option<String>,
    scope: BTreeSet<String>,
    audience: Option<String>,
}

impl Key {
    /// The order of scopes says nothing (RFC 6749 §3.3).
    pub(super) fn of(request: &IdpRequest) -> Self {
        let scope = request.scope.as_deref().unwrap_or_default();
        Self {
            instance: request.instance.clone(),
            client: request.client.clone(),
            scope: scope.split_whitespace().map(str::to_owned).collect(),
            audience: request.audience.clone(),
        }
    }
}

/// One request to the token endpoint.
pub(super) struct Grant<'a> {
    pub(super) record: &'a Record,
    pub(super) request: &'a IdpRequest,
    pub(super) reply: Option<(Seq, &'a IdpResponse)>,
    pub(super) delivery: Option<Delivery>,
}

impl<'a> Grant<'a> {
    /// Its place in the journal.
    pub(super) fn at(&self) -> Seq {
        self.record.seq
    }

    /// The access token that its success brought, whether or not that arrived.
    pub(super) fn access(&self, run: &Run<'_>) -> Option<&'a TokenName> {
        let (_, reply) = self.reply.filter(|(_, reply)| is_success(reply))?;
        reply
            .issued
            .iter()
            .find(|token| run.tokens().get(*token).is_none_or(|life| life.issued.token_kind == TokenKind::Access))
    }

    /// When the worker had all of a success, if it ever did. A journal that does not say how a reply ended, ends
    /// before that was known.
    pub(super) fn succeeded(&self) -> Option<Seq> {
        let (_, reply) = self.reply?;
        self.delivery.filter(|delivery| delivery.whole && is_success(reply)).map(|delivery| delivery.at)
    }
}

fn is_success(reply: &IdpResponse) -> bool {
    (200..300).contains(&reply.status) && !reply.issued.is_empty()
}

/// Whether this is a request to the token endpoint.
pub(super) fn is_grant(request: &IdpRequest) -> bool {
    request.endpoint == "token"
}

/// Whether a reply of the token endpoint says that access is gone for good: only a person can help (RFC 6749 §5.2).
pub(super) fn is_permanent(reply: &IdpResponse) -> bool {
    is_grant(&reply.request) && reply.error.as_deref().is_some_and(is_final)
}

/// Every request to the token endpoint, in order.
pub(super) fn grants<'a>(run: &Run<'a>) -> Vec<Grant<'a>> {
    let mut grants: Vec<Grant<'a>> = Vec::new();
    let mut open: BTreeMap<Call, usize> = BTreeMap::new();
    for record in run.records() {
        match &record.event {
            Event::IdpRequest(request) if is_grant(request) => {
                open.insert(request.call, grants.len());
                grants.push(Grant { record, request, reply: None, delivery: run.delivery(request.call) });
            }
            Event::IdpResponse(reply) => {
                if let Some(&index) = open.get(&reply.request.call) {
                    grants[index].reply = Some((record.seq, reply));
                }
            }
            _ => {}
        }
    }
    grants
}
