//! What each OAuth client asked of the identity provider, worker by worker, and what became of its tokens.

use std::collections::{BTreeMap, BTreeSet};

use super::line::{Line, Story, merge};
use super::requests::{IdpExchange, causal};
use super::workflows::Teller;
use crate::journal::{Event, IdpToken, Run, TokenChange, TokenName};

/// Endpoints that a worker reads as often as it likes, which says nothing of its tokens.
const NOISE: &[&str] = &["discovery", "jwks"];

type Lanes<'e, 'a> = BTreeMap<&'a str, Vec<&'e IdpExchange<'a>>>;

impl<'a> Teller<'a> {
    /// The clients, each with the stories of its workers. Several are numbered by what they did: ids may be drawn.
    pub(super) fn clients(&self, run: &Run<'a>) -> Vec<Vec<(usize, Story)>> {
        let expired = self.expired_in_use(run);
        let mut clients: BTreeMap<&str, Lanes<'_, 'a>> = BTreeMap::new();
        for sent in self.exchanges.idp.values().filter(|sent| !NOISE.contains(&sent.request.endpoint.as_str())) {
            let lanes = clients.entry(sent.request.client.as_deref().unwrap_or_default()).or_default();
            lanes.entry(sent.request.instance.worker()).or_default().push(sent);
        }
        for life in run.tokens().values() {
            clients.entry(&life.issued.client).or_default();
        }
        let told = clients.into_iter().map(|(client, lanes)| self.client(run, &expired, client, lanes));
        let mut stories: Vec<_> = told.collect();
        stories.sort();
        if stories.len() > 1 {
            for (number, client) in (1..).zip(&mut stories) {
                for title in client.iter_mut().filter_map(|(_, story)| story.first_mut()) {
                    *title = std::mem::take(title).text(format!(" (client {number})"));
                }
            }
        }
        stories
    }

    fn client(
        &self,
        run: &Run<'a>,
        expired: &BTreeSet<&TokenName>,
        client: &str,
        lanes: Lanes<'_, 'a>,
    ) -> Vec<(usize, Story)> {
        let fate = |token: &TokenName| Fate { run, expired }.of(token);
        let mut stories = Vec::new();
        let given = run
            .tokens()
            .iter()
            .filter(|(token, life)| life.issued.client == client && self.tokens.worker(token).is_none());
        let given: BTreeSet<Line> = given.map(|(token, _)| self.token(1, run, token).text(fate(token))).collect();
        if !given.is_empty() {
            let mut story = vec![Line::at(0).text("client was given")];
            story.extend(given);
            stories.push((1, story));
        }
        if self.races.grants() {
            let grants = lanes.values().flatten().filter(|sent| sent.request.endpoint == "token").count();
            let range = self.races.grants_range(grants as u64);
            stories.push((1, vec![Line::at(0).text(format!("client, grants of all workers: {range}"))]));
            return stories;
        }
        let on_a_worker = lanes.into_values().map(|sent| {
            let lines = sent.into_iter().map(|sent| (sent, self.asked(run, sent, &fate))).collect();
            [Line::at(0).text("client on a worker")].into_iter().chain(causal(lines)).collect()
        });
        stories.extend(merge(on_a_worker));
        stories
    }

    fn asked(&self, run: &Run<'a>, sent: &IdpExchange<'a>, fate: &impl Fn(&TokenName) -> String) -> Line {
        let request = sent.request;
        let what = request.grant.as_deref().unwrap_or(&request.endpoint);
        let mut line = Line::at(1).text(what);
        if let Some(token) = &request.token {
            line = line.text(" with ").token(self.tokens.key(token));
        }
        line = line.with(sent.answer(|reply| (reply.status, reply.error.as_deref(), reply.retry_after_ms)));
        if let Some(fault) = sent.reply.and_then(|(_, reply)| reply.fault.as_deref()) {
            line = line.text(format!(", by {fault}"));
        }
        let delivered = sent.reply.map_or(&[][..], |(_, reply)| reply.issued.as_slice());
        for token in delivered {
            line = line.text(", ").with(self.token(0, run, token)).text(fate(token));
        }
        for token in self.tokens.issued_for(sent.at).iter().filter(|token| !delivered.contains(token)) {
            line = line.text(", kept back: ").with(self.token(0, run, token)).text(fate(token));
        }
        line.with(sent.loss())
    }

    /// A token, with what sets it apart from the client's others.
    fn token(&self, indent: usize, run: &Run<'a>, token: &TokenName) -> Line {
        let mut line = Line::at(indent).token(self.tokens.key(token));
        let Some(life) = run.tokens().get(token) else { return line };
        let issued = &life.issued;
        if issued.sub != issued.client {
            line = line.text(format!(" for {}", issued.sub));
        }
        let mine = |other: &&IdpToken| other.client == issued.client;
        let all: BTreeSet<&String> =
            run.tokens().values().map(|life| &life.issued).filter(mine).flat_map(|other| &other.scopes).collect();
        if all.iter().any(|scope| !issued.scopes.contains(scope)) {
            line = line.text(format!(" [{}]", issued.scopes.join(" ")));
        }
        line
    }

    /// Tokens whose expiry somebody met: they were presented afterwards, or their worker asked for another one. That
    /// the last tokens of a run expire before its end depends on how long it took.
    fn expired_in_use(&self, run: &Run<'a>) -> BTreeSet<&'a TokenName> {
        let mut dead: BTreeSet<&TokenName> = BTreeSet::new();
        let mut met = BTreeSet::new();
        for record in run.records() {
            let presented = match &record.event {
                Event::IdpToken(change) if change.change == TokenChange::Expired => {
                    dead.insert(&change.token);
                    continue;
                }
                Event::IdpToken(change) if change.change == TokenChange::Issued => {
                    let worker = self.tokens.worker(&change.token);
                    let replaced = |token: &&&'a TokenName| {
                        let old = run.tokens().get(**token).map(|life| &life.issued);
                        let same =
                            |old: &IdpToken| (old.token_kind, &old.client) == (change.token_kind, &change.client);
                        old.is_some_and(same) && self.tokens.worker(token) == worker
                    };
                    met.extend(dead.iter().filter(replaced).copied());
                    continue;
                }
                Event::ApiRequest(request) => request.token.as_ref(),
                Event::IdpRequest(request) => request.token.as_ref(),
                _ => continue,
            };
            met.extend(presented.filter(|token| dead.contains(token)));
        }
        met
    }
}

struct Fate<'r, 'a> {
    run: &'r Run<'a>,
    expired: &'r BTreeSet<&'r TokenName>,
}

impl Fate<'_, '_> {
    fn of(&self, token: &TokenName) -> String {
        let died = self.run.tokens().get(token).and_then(|life| life.died);
        let word = match died {
            Some((_, TokenChange::Revoked)) => "revoked",
            Some((_, TokenChange::Rotated)) => "rotated",
            Some((_, TokenChange::Expired)) if self.expired.contains(token) => "expired",
            _ => return String::new(),
        };
        format!(" ({word})")
    }
}
