//! The proof that a fault had an effect on somebody. A fault that fired but did not bite proves nothing of the worker.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::expiries::Expiries;
use super::seen::{Seen, is_instance};
use super::server::Server;
use super::work::Work;
use crate::journal::{
    Activity, Attempt, Call, Event, Instance, Record, TokenChange, TokenKind, TokenName, WorkflowId, is_final, is_poll,
    turns_client_away,
};
use crate::scenario::{LinkEnd, ResolvedBite};

/// What has to be seen after a fault has fired, and before the workload is over, for it to have bitten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bite {
    /// A reply was changed by it: known when it happens.
    ReplyChanged,
    /// As many requests have come as the barrier waits for.
    BarrierFull,
    /// A token that lived when the fault fired expired and is refused by the API, or is replaced before that happens.
    TokenExpired,
    /// A token that lived when the fault fired was revoked and is refused: by the API, or by the token endpoint.
    TokenRevoked,
    /// The API refuses the token that the fault named.
    RefusedEarly,
    /// The identity provider turns a client away.
    ClientTurnedAway,
    /// A client gets a token that was refused for good before.
    AccessRegained,
    /// The API refuses a token for the time on a clock, or a worker whose clock was moved replaces one that is alive and
    /// unrefused.
    RefusedForTime,
    /// The API meets a token that was signed with the new key, or one that was signed with a key that is gone.
    KeyMet,
    /// An attempt fails though nobody refused it anything, an RPC breaks off, or the reply to a request that was under way
    /// is lost: HTTP clients ask again by themselves, and the attempt goes on.
    AttemptFailed,
    /// The same, or a worker had sent something when the link was healed.
    Withheld,
    /// The gate refuses a call for its bearer.
    RefusedAtGate,
    /// An open poll ends otherwise than with a reply of the server's.
    PollEnded,
    /// A request goes over the slow link.
    LinkUsed,
    /// The worker ends.
    WorkerExited,
    /// A reply or a task is for the frozen worker, which cannot take it in.
    WorkerMisses,
    /// The frozen worker goes on.
    WorkerResumed,
    /// A call reaches the Temporal server while it is stopped.
    CallUnanswered,
    /// A call breaks off as the Temporal server ends, and one is answered once it is back.
    ServerBack,
    /// An attempt that would be followed by another fails, or is given up, while its activity is paused.
    AttemptWithheld,
    /// An activity of which attempts had started before starts with its first attempt.
    ActivityBegunAnew,
    /// A workflow that was asked to cancel itself closes so.
    WorkflowCancelled,
    /// A workflow closes because it was ended.
    WorkflowTerminated,
    /// A workflow that was reset starts an activity.
    WorkflowBegunAnew,
    /// A worker does a workflow task that it was given after the signal had reached the workflow.
    SignalGiven,
}

/// The default proof of every action, by the action's name.
pub static BITES: &[(&str, Bite)] = &[
    ("idp.revoke", Bite::TokenRevoked),
    ("idp.disable", Bite::ClientTurnedAway),
    ("idp.consent", Bite::AccessRegained),
    ("idp.respond", Bite::ReplyChanged),
    ("idp.delay", Bite::ReplyChanged),
    ("idp.drop_reply", Bite::ReplyChanged),
    ("idp.alter", Bite::ReplyChanged),
    ("idp.rate_limit", Bite::ReplyChanged),
    ("idp.reuse", Bite::TokenRevoked),
    ("idp.lifetime", Bite::RefusedForTime),
    ("idp.rotate_keys", Bite::KeyMet),
    ("idp.rotate_secret", Bite::ClientTurnedAway),
    ("api.respond", Bite::ReplyChanged),
    ("api.delay", Bite::ReplyChanged),
    ("api.drop_reply", Bite::ReplyChanged),
    ("api.refuse_token", Bite::RefusedEarly),
    ("api.hold", Bite::BarrierFull),
    ("gate.require_bearer", Bite::RefusedAtGate),
    ("gate.refuse", Bite::ReplyChanged),
    ("gate.delay", Bite::ReplyChanged),
    ("gate.drop_reply", Bite::ReplyChanged),
    ("gate.html", Bite::ReplyChanged),
    ("gate.cut_polls", Bite::PollEnded),
    ("gate.goaway", Bite::PollEnded),
    ("link.refuse", Bite::AttemptFailed),
    ("link.reset", Bite::AttemptFailed),
    ("link.blackhole", Bite::Withheld),
    ("link.half_open", Bite::Withheld),
    ("link.latency", Bite::LinkUsed),
    ("link.bandwidth", Bite::LinkUsed),
    ("worker.kill", Bite::WorkerExited),
    ("worker.stop", Bite::WorkerExited),
    ("worker.restart", Bite::WorkerExited),
    ("worker.freeze", Bite::WorkerMisses),
    ("worker.resume", Bite::WorkerResumed),
    ("temporal.pause", Bite::CallUnanswered),
    ("temporal.restart", Bite::ServerBack),
    ("temporal.kill", Bite::ServerBack),
    ("activity.pause", Bite::AttemptWithheld),
    ("activity.reset", Bite::ActivityBegunAnew),
    ("workflow.cancel", Bite::WorkflowCancelled),
    ("workflow.terminate", Bite::WorkflowTerminated),
    ("workflow.reset", Bite::WorkflowBegunAnew),
    ("workflow.signal", Bite::SignalGiven),
    ("time.pass", Bite::TokenExpired),
    ("clock.skew", Bite::RefusedForTime),
    ("clock.drift", Bite::RefusedForTime),
];

/// What proves that the action of this name bit, unless a scenario says its own.
pub fn default_bite(action: &str) -> Option<Bite> {
    BITES.iter().find(|(name, _)| *name == action).map(|(_, bite)| *bite)
}

impl Bite {
    /// In words, for `explain` and for a fault that did not bite.
    pub fn doc(self) -> &'static str {
        match self {
            Self::ReplyChanged => "a request got the changed reply",
            Self::BarrierFull => "as many requests came as the barrier waits for",
            Self::TokenExpired => "a token that expired was refused by the API, or replaced before that",
            Self::TokenRevoked => "a token that was revoked was refused, by the API or by the token endpoint",
            Self::RefusedEarly => "the API refused the token",
            Self::ClientTurnedAway => "the identity provider turned the client away",
            Self::AccessRegained => "a client got a token that had been refused for good",
            Self::RefusedForTime => "the API refused a token for the time on a clock, or one was replaced too early",
            Self::KeyMet => "the API met a token of the new key, or one of a key that is gone",
            Self::AttemptFailed => {
                "an activity attempt failed to which nothing was refused, the reply to a request that was under way was \
                 lost, or an RPC to Temporal broke off"
            }
            Self::Withheld => {
                "an activity attempt failed to which nothing was refused, the reply to a request that was under way was \
                 lost, an RPC to Temporal broke off, or a worker had sent something when the link was healed"
            }
            Self::RefusedAtGate => "the gate refused a call for its bearer",
            Self::PollEnded => "an open poll ended without the server's doing",
            Self::LinkUsed => "a request went over the slow link",
            Self::WorkerExited => "the worker ended",
            Self::WorkerMisses => "a reply or a task was for the frozen worker",
            Self::WorkerResumed => "the frozen worker went on",
            Self::CallUnanswered => "a call reached Temporal while it was stopped",
            Self::ServerBack => "a call to Temporal broke off as it ended, and one was answered once it was back",
            Self::AttemptWithheld => "an attempt failed or was given up while its activity was paused",
            Self::ActivityBegunAnew => "an activity that had been attempted began with its first attempt again",
            Self::WorkflowCancelled => "the workflow closed as cancelled",
            Self::WorkflowTerminated => "the workflow closed as terminated",
            Self::WorkflowBegunAnew => "an activity of the workflow began after it had gone back",
            Self::SignalGiven => "a worker did a workflow task that it was given after the signal",
        }
    }
}

/// What is known of tokens, clients and workflows when a fault fires.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The tokens that live, as far as was told, in order of issue.
    live: Vec<(TokenName, TokenKind)>,
    /// To whom access tokens were delivered.
    holders: BTreeMap<TokenName, Instance>,
    /// The tokens that expired.
    expired: BTreeSet<TokenName>,
    /// Clients whose last token request was refused for good.
    shut_out: BTreeSet<String>,
    /// Workflows of the scenario run that were not seen closed, with their numbers, in order of their start.
    open: Vec<(WorkflowId, u32)>,
    /// Activities of which an attempt has started.
    begun: BTreeSet<Activity>,
    /// Requests whose replies have not left in full, with whom they are for.
    under_way: BTreeMap<Call, LinkEnd>,
}

impl Known {
    /// Takes in an event.
    pub(super) fn follow(&mut self, event: &Event) {
        match event {
            Event::IdpToken(change) => match change.change {
                TokenChange::Issued => self.live.push((change.token.clone(), change.token_kind)),
                TokenChange::Expired | TokenChange::Revoked | TokenChange::Rotated => {
                    self.live.retain(|(token, _)| *token != change.token);
                    if change.change == TokenChange::Expired {
                        self.expired.insert(change.token.clone());
                    }
                }
            },
            Event::IdpResponse(reply) => {
                for token in &reply.issued {
                    self.holders.insert(token.clone(), reply.request.instance.clone());
                }
                let Some(client) = &reply.request.client else { return };
                if !reply.issued.is_empty() {
                    self.shut_out.remove(client);
                } else if reply.error.as_deref().is_some_and(is_final) {
                    self.shut_out.insert(client.clone());
                }
            }
            Event::WorkflowStarted { workflow, n } => self.open.push((workflow.clone(), *n)),
            Event::WorkflowClosed { workflow, .. } => self.open.retain(|(open, _)| open != workflow),
            Event::ActivityStarted(attempt) => drop(self.begun.insert(Activity::of(attempt))),
            Event::IdpRequest(request) => drop(self.under_way.insert(request.call, LinkEnd::Idp)),
            Event::ApiRequest(request) => drop(self.under_way.insert(request.call, LinkEnd::Api)),
            Event::HttpDone { call, .. } => drop(self.under_way.remove(call)),
            _ => {}
        }
    }

    /// What a living token is.
    pub(super) fn kind(&self, token: &TokenName) -> Option<TokenKind> {
        self.live.iter().find(|(living, _)| living == token).map(|(_, kind)| *kind)
    }

    /// The access tokens that live, in order of issue.
    pub(super) fn live_access(&self) -> impl Iterator<Item = &TokenName> {
        self.live.iter().filter(|(_, kind)| *kind == TokenKind::Access).map(|(token, _)| token)
    }

    /// The workflows of the scenario run that are open, with their numbers within the workload.
    pub(super) fn open(&self) -> impl Iterator<Item = &(WorkflowId, u32)> {
        self.open.iter()
    }
}

/// Whom a firing aimed at, where that is anybody in particular.
#[derive(Debug, Default)]
pub(super) struct Aim {
    pub(super) token: Option<TokenName>,
    pub(super) worker: Option<String>,
    pub(super) link: Option<LinkEnd>,
    pub(super) worker_clock: bool,
    pub(super) work: Work,
}

/// Which attempts were refused something since a firing: those have a reason of their own to fail.
#[derive(Debug, Default)]
struct Told {
    /// Instances that were: attempts that were under way before the firing count as theirs.
    instances: BTreeSet<Instance>,
    /// Attempts that began since, and whose instance was refused nothing meanwhile.
    unrefused: Vec<Attempt>,
}

impl Told {
    fn begins(&mut self, attempt: &Attempt) {
        self.unrefused.push(attempt.clone());
    }

    fn refused(&mut self, instance: &Instance) {
        self.instances.insert(instance.clone());
        self.unrefused.retain(|attempt| attempt.instance != *instance);
    }

    fn explains(&self, attempt: &Attempt) -> bool {
        self.instances.contains(&attempt.instance) && !self.unrefused.contains(attempt)
    }
}

/// One firing that nothing has proved yet.
#[derive(Debug)]
pub(super) struct Unproved {
    /// What was the case as it fired.
    known: Known,
    /// The fields of the triggering event.
    trigger: Value,
    aim: Aim,
    /// Tokens that have died since, of those that lived, with how.
    dead: BTreeMap<TokenName, TokenChange>,
    pub(super) expiries: Expiries,
    /// Tokens that the new key signed, once there is one.
    new_key: Option<BTreeSet<TokenName>>,
    told: Told,
    /// Instances that were frozen since.
    frozen: BTreeSet<Instance>,
    server: Server,
    /// How many events were as the scenario's own proof wants them.
    matching: u32,
}

impl Unproved {
    pub(super) fn new(fault: &str, known: Known, trigger: Value, aim: Aim) -> Self {
        Self {
            expiries: Expiries::since(fault.to_owned(), known.expired.clone()),
            known,
            trigger,
            aim,
            dead: BTreeMap::new(),
            new_key: None,
            told: Told::default(),
            frozen: BTreeSet::new(),
            server: Server::default(),
            matching: 0,
        }
    }

    /// Whether this event, which came after the firing, proves what the scenario wants as proof.
    pub(super) fn is_proved_as(&mut self, own: &ResolvedBite, seen: &Seen<'_>) -> bool {
        // What the triggering event did not say cannot be the same in another.
        let same = |field: &String| {
            let before = &self.trigger[field];
            !before.is_null() && seen.fields()[field] == *before
        };
        if seen.is(&own.event, &own.filters) && own.same.iter().all(same) {
            self.matching += 1;
        }
        self.matching >= own.nth.get()
    }

    /// Whether this record, which came after the firing, proves the bite.
    pub(super) fn is_proved(&mut self, bite: Bite, record: &Record) -> bool {
        let proved = self.proves(bite, &record.event);
        self.expiries.follow(record);
        self.follow(&record.event);
        proved
    }

    fn proves(&self, bite: Bite, event: &Event) -> bool {
        match (bite, event) {
            (Bite::TokenExpired, Event::ApiResponse(reply)) => {
                // Its issuer says nothing of the expiry of a token that it has revoked; who validates offline does.
                let outlived = reply.request.refused.as_deref() == Some("expired")
                    && self.expiries.explains_refusal_of(reply.request.token.as_ref())
                    && reply.request.token.as_ref().is_some_and(|token| self.known.holders.contains_key(token));
                reply.status == 401 && (outlived || self.expired(reply.request.token.as_ref()))
            }
            (Bite::TokenExpired, Event::IdpResponse(reply)) => {
                let presented = self.expired(reply.request.token.as_ref());
                let replaced = !reply.issued.is_empty() && self.dead.keys().any(|token| self.expired(Some(token)));
                replaced || (presented && reply.error.as_deref().is_some_and(is_final))
            }
            (Bite::TokenRevoked, Event::ApiResponse(reply)) => {
                reply.status == 401 && self.died(reply.request.token.as_ref(), TokenChange::Revoked)
            }
            (Bite::TokenRevoked, Event::IdpResponse(reply)) => {
                reply.error.as_deref().is_some_and(is_final)
                    && self.died(reply.request.token.as_ref(), TokenChange::Revoked)
            }
            (Bite::RefusedEarly, Event::ApiResponse(reply)) => {
                reply.request.refused.as_deref() == Some("refused_early") && reply.request.token == self.aim.token
            }
            (Bite::ClientTurnedAway, Event::IdpResponse(reply)) => {
                reply.error.as_deref().is_some_and(turns_client_away)
            }
            (Bite::AccessRegained, Event::IdpResponse(reply)) => {
                !reply.issued.is_empty()
                    && reply.request.client.as_ref().is_some_and(|client| self.known.shut_out.contains(client))
            }
            (Bite::RefusedForTime, Event::ApiResponse(reply)) => {
                matches!(reply.request.refused.as_deref(), Some("expired" | "not_yet_valid" | "issued_in_future"))
                    && self.expiries.explains_refusal_of(reply.request.token.as_ref())
            }
            (Bite::RefusedForTime, Event::IdpResponse(reply)) => {
                self.aim.worker_clock && !reply.issued.is_empty() && self.holds_a_good_token(&reply.request.instance)
            }
            (Bite::KeyMet, Event::ApiResponse(reply)) => {
                let of_new_key = |token| self.new_key.as_ref().is_some_and(|new| new.contains(token));
                self.new_key.is_some() && reply.request.refused.as_deref() == Some("unknown_key")
                    || reply.request.token.as_ref().is_some_and(of_new_key)
            }
            (Bite::AttemptFailed | Bite::Withheld, Event::ActivityFailed { attempt, .. }) => {
                self.aim.link != Some(LinkEnd::Temporal) && !self.told.explains(attempt)
            }
            (Bite::AttemptFailed | Bite::Withheld, Event::GateRpcDone { code: None, .. }) => {
                self.aim.link == Some(LinkEnd::Temporal)
            }
            (Bite::AttemptFailed | Bite::Withheld, Event::HttpDone { call, delivered: false, .. }) => {
                self.aim.link.is_some() && self.known.under_way.get(call) == self.aim.link.as_ref()
            }
            (Bite::Withheld, Event::LinkWithheld { on, .. }) => self.aim.link.is_some_and(|end| end.name() == on),
            (Bite::RefusedAtGate, Event::GateRpc { refused: Some(_), .. }) => true,
            (Bite::PollEnded, Event::GateRpcDone { rpc, code, .. }) => is_poll(rpc) && *code != Some(0),
            (Bite::LinkUsed, Event::IdpRequest(_)) => self.aim.link == Some(LinkEnd::Idp),
            (Bite::LinkUsed, Event::ApiRequest(_)) => self.aim.link == Some(LinkEnd::Api),
            (Bite::LinkUsed, Event::GateRpc { .. }) => self.aim.link == Some(LinkEnd::Temporal),
            (Bite::WorkerExited, Event::WorkerExited { instance, expected: true, .. }) => self.is_aimed_at(instance),
            (Bite::WorkerMisses, Event::ApiResponse(reply)) => self.frozen.contains(&reply.request.instance),
            (Bite::WorkerMisses, Event::IdpResponse(reply)) => self.frozen.contains(&reply.request.instance),
            (Bite::WorkerMisses, Event::ActivityStarted(attempt)) => self.frozen.contains(&attempt.instance),
            (Bite::WorkerResumed, Event::WorkerResumed { instance }) => self.is_aimed_at(instance),
            (Bite::CallUnanswered | Bite::ServerBack, event) => self.server.proves(bite, event),
            _ => self.aim.work.proves(bite, event, |activity| self.known.begun.contains(activity)),
        }
    }

    fn is_aimed_at(&self, instance: &Instance) -> bool {
        self.aim.worker.as_ref().is_none_or(|aimed| is_instance(instance, aimed))
    }

    fn follow(&mut self, event: &Event) {
        self.aim.work.follow(event);
        self.server.follow(event);
        match event {
            Event::IdpToken(change) if change.change == TokenChange::Issued => {
                if let Some(signed) = &mut self.new_key {
                    signed.insert(change.token.clone());
                }
            }
            Event::IdpToken(change) if self.known.kind(&change.token).is_some() => {
                self.dead.entry(change.token.clone()).or_insert(change.change);
            }
            Event::ActivityStarted(attempt) => self.told.begins(attempt),
            Event::IdpResponse(reply) if reply.status >= 400 => self.told.refused(&reply.request.instance),
            Event::WorkerFrozen { instance } if self.is_aimed_at(instance) => {
                self.frozen.insert(instance.clone());
            }
            Event::IdpKey { .. } => {
                self.new_key.get_or_insert_default();
            }
            // Who was refused has a reason to ask for another one.
            Event::ApiResponse(reply) if reply.status >= 400 => {
                self.told.refused(&reply.request.instance);
                if let Some(token) = reply.request.token.as_ref().filter(|_| reply.status == 401) {
                    self.known.holders.remove(token);
                }
            }
            _ => {}
        }
    }

    fn died(&self, token: Option<&TokenName>, how: TokenChange) -> bool {
        token.is_some_and(|token| self.dead.get(token) == Some(&how))
    }

    /// Whether a token that lived has expired since, by this firing or as time went by.
    fn expired(&self, token: Option<&TokenName>) -> bool {
        token.is_some_and(|token| self.died(Some(token), TokenChange::Expired) && self.expiries.has(token))
    }

    /// Whether an instance has had an access token since before the firing that is alive and was not refused.
    fn holds_a_good_token(&self, instance: &Instance) -> bool {
        self.known.holders.iter().any(|(token, holder)| {
            holder == instance && self.known.kind(token) == Some(TokenKind::Access) && !self.dead.contains_key(token)
        })
    }
}
