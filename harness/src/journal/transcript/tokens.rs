//! What a token is to the story, whatever the journal calls it.

use std::collections::BTreeMap;

use super::races::Races;
use crate::journal::{Event, IdpRequest, Record, Run, Seq, TokenChange, TokenKind, TokenName};

/// A token by its place in its line. Tokens of different workers that have the same place are the same to a reader:
/// which of two workers serves an activity is chance, that it uses its first or second token is not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// `path` of an access token: its number among those of its client and worker. Of a refresh token: the same for
    /// the first of its family, followed by one number per rotation.
    Issued { refresh: bool, client: String, path: Vec<u32> },
    /// The journal does not say whence it came.
    Unknown { refresh: bool, name: TokenName },
}

impl Key {
    pub(super) fn is_refresh(&self) -> bool {
        match self {
            Self::Issued { refresh, .. } | Self::Unknown { refresh, .. } => *refresh,
        }
    }
}

/// Every token's key and who asked for it.
pub(super) struct Tokens {
    keys: BTreeMap<TokenName, Key>,
    workers: BTreeMap<TokenName, Option<String>>,
    /// Tokens issued in answer to a request, also if another answer was sent.
    by_request: BTreeMap<Seq, Vec<TokenName>>,
}

impl Tokens {
    pub(super) fn of(run: &Run<'_>, races: &Races) -> Self {
        let answered = answered(run);
        let mut tokens = Self { keys: BTreeMap::new(), workers: BTreeMap::new(), by_request: BTreeMap::new() };
        let mut counts: BTreeMap<(String, Option<String>, Vec<u32>, bool), u32> = BTreeMap::new();
        // With racing grants the number of tokens is chance, the number of deaths that were survived is not.
        let mut deaths: BTreeMap<(String, Option<String>), u32> = BTreeMap::new();
        for record in run.records() {
            let Event::IdpToken(change) = &record.event else { continue };
            let token = &change.token;
            if change.change != TokenChange::Issued {
                if let (Some(Key::Issued { path, refresh: false, .. }), Some(worker)) =
                    (tokens.keys.get(token), tokens.workers.get(token))
                    && races.grants()
                {
                    let survived = deaths.entry((change.client.clone(), worker.clone())).or_default();
                    *survived = (*survived).max(path.first().copied().unwrap_or_default());
                }
                continue;
            }
            let request = asked_for(run, record).or_else(|| answered.get(token).copied());
            let worker = request.map(|(_, request)| request.instance.worker().to_owned());
            let refresh = change.token_kind == TokenKind::Refresh;
            let parent = request.and_then(|(_, request)| match tokens.keys.get(request.token.as_ref()?)? {
                Key::Issued { refresh: true, path, .. } if refresh => Some(path.clone()),
                _ => None,
            });
            let path = if races.grants() && !refresh {
                vec![deaths.get(&(change.client.clone(), worker.clone())).copied().unwrap_or_default() + 1]
            } else {
                let mut path = parent.unwrap_or_default();
                let count = counts.entry((change.client.clone(), worker.clone(), path.clone(), refresh)).or_default();
                *count += 1;
                path.push(*count);
                path
            };
            if let Some((seq, _)) = request {
                tokens.by_request.entry(seq).or_default().push(token.clone());
            }
            tokens.keys.insert(token.clone(), Key::Issued { refresh, client: change.client.clone(), path });
            tokens.workers.insert(token.clone(), worker);
        }
        tokens
    }

    /// The key of a token.
    pub(super) fn key(&self, token: &TokenName) -> Key {
        let unknown = || Key::Unknown { refresh: token.as_str().starts_with('R'), name: token.clone() };
        self.keys.get(token).cloned().unwrap_or_else(unknown)
    }

    /// The worker that asked for it; `None` if nobody did: the lab put it there.
    pub(super) fn worker(&self, token: &TokenName) -> Option<&str> {
        self.workers.get(token)?.as_deref()
    }

    /// What the request with this number brought about.
    pub(super) fn issued_for(&self, request: Seq) -> &[TokenName] {
        self.by_request.get(&request).map_or(&[], Vec::as_slice)
    }
}

/// The request while whose recording a token came about.
fn asked_for<'a>(run: &Run<'a>, record: &Record) -> Option<(Seq, &'a IdpRequest)> {
    match &run.get(record.cause?)?.event {
        Event::IdpRequest(request) => Some((record.cause?, request)),
        _ => None,
    }
}

/// The request of the reply that delivers each token, for journals that name no cause.
fn answered<'a>(run: &Run<'a>) -> BTreeMap<TokenName, (Seq, &'a IdpRequest)> {
    let mut open = BTreeMap::new();
    let mut answered = BTreeMap::new();
    for record in run.records() {
        match &record.event {
            Event::IdpRequest(request) => {
                open.insert(request.call, (record.seq, request));
            }
            Event::IdpResponse(reply) => {
                for token in &reply.issued {
                    if let Some(request) = open.get(&reply.request.call) {
                        answered.insert(token.clone(), *request);
                    }
                }
            }
            _ => {}
        }
    }
    answered
}
