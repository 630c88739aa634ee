//! What a fault does.

use std::time::Duration;

use super::bite::Bite;
use super::controls::{Controls, LinkEnd, LinkFault, Revocation};
use crate::journal::{Act, Answer, Clock, Directive, Effect, Event, FieldChange, Record, TokenKind, TokenName};

/// An action with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Time passes on all clocks together; `None` until just past the expiry of the triggering event's token, else of
    /// the token that expires last.
    TimePass(Option<Duration>),
    /// One clock is moved.
    ClockSkew {
        /// Whose.
        of: Clock,
        /// By how many milliseconds.
        by_ms: i64,
    },
    /// Tokens die before their time; `None` means the triggering event's token, else the newest access token.
    IdpRevoke(Option<Revocation>),
    /// A client is switched off.
    IdpDisable {
        /// Which; `None` means all.
        client: Option<String>,
    },
    /// The API refuses the triggering event's token from now on.
    ApiRefuseToken,
    /// Replies are changed.
    Reply(ReplyFault),
    /// A link is broken.
    Link {
        /// Which.
        on: LinkEnd,
        /// How.
        fault: LinkFault,
    },
    /// A worker is killed: the one that the triggering event names, else all.
    WorkerKill,
}

/// Changes the next replies of identity provider or API.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplyFault {
    /// `idp` or `api`.
    pub on: LinkEnd,
    /// Endpoint of the identity provider (`token`) or route of the API; `None` means any.
    pub place: Option<String>,
    /// How many replies.
    pub times: u32,
    /// What becomes of them.
    pub reply: Reply,
}

/// What becomes of a reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// This is answered; the request is not processed.
    Respond(Answer),
    /// It comes later.
    Delay(Duration),
    /// The request is processed, the reply is lost.
    Drop,
    /// Fields of its JSON body are changed.
    Alter(Vec<FieldChange>),
}

impl Reply {
    /// Whether the request must not be processed: then it is decided when the request arrives.
    fn is_instead(&self) -> bool {
        matches!(self, Self::Respond(_))
    }

    fn directive(&self) -> Directive {
        match self {
            Self::Respond(answer) => Directive { act: Act::Answer(answer.clone()), ..Directive::default() },
            Self::Delay(delay) => Directive { delay: *delay, act: Act::Proceed },
            Self::Drop => Directive { act: Act::DropReply, ..Directive::default() },
            Self::Alter(changes) => Directive { act: Act::Alter(changes.clone()), ..Directive::default() },
        }
    }
}

impl ReplyFault {
    /// What this does to the request or reply that `event` reports, if anything.
    pub(super) fn directive_for(&self, event: &Event) -> Option<Directive> {
        let (on, arrives, place) = match event {
            Event::IdpRequest(request) => (LinkEnd::Idp, true, Some(request.endpoint.as_str())),
            Event::IdpResponse(reply) => (LinkEnd::Idp, false, Some(reply.request.endpoint.as_str())),
            Event::ApiRequest(request) => (LinkEnd::Api, true, request.route.as_deref()),
            Event::ApiResponse(reply) => (LinkEnd::Api, false, reply.request.route.as_deref()),
            _ => return None,
        };
        let here = self.on == on && self.place.as_deref().is_none_or(|wanted| place == Some(wanted));
        (here && arrives == self.reply.is_instead()).then(|| self.reply.directive())
    }
}

/// What firing an action left to do.
#[derive(Default)]
pub(super) struct Fired {
    /// The reporting part waits for it.
    pub(super) effect: Option<Effect>,
    /// Whether anything was changed at all; if not, there is nothing that could bite.
    pub(super) inert: bool,
}

impl Action {
    /// Its name in scenario files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::TimePass(_) => "time.pass",
            Self::ClockSkew { .. } => "clock.skew",
            Self::IdpRevoke(_) => "idp.revoke",
            Self::IdpDisable { .. } => "idp.disable",
            Self::ApiRefuseToken => "api.refuse_token",
            Self::Reply(fault) => match (fault.on, &fault.reply) {
                (LinkEnd::Idp, Reply::Respond(_)) => "idp.respond",
                (LinkEnd::Idp, Reply::Delay(_)) => "idp.delay",
                (LinkEnd::Idp, Reply::Drop) => "idp.drop_reply",
                (LinkEnd::Idp, Reply::Alter(_)) => "idp.alter",
                (_, Reply::Respond(_)) => "api.respond",
                (_, Reply::Delay(_)) => "api.delay",
                (_, Reply::Drop) => "api.drop_reply",
                (_, Reply::Alter(_)) => "api.alter",
            },
            Self::Link { fault, .. } => match fault {
                LinkFault::Refuse => "link.refuse",
                LinkFault::Reset => "link.reset",
                LinkFault::Latency(_) => "link.latency",
            },
            Self::WorkerKill => "worker.kill",
        }
    }

    /// What proves that it bit, unless a scenario says its own.
    pub fn bite(&self) -> Bite {
        match self {
            Self::TimePass(_) | Self::IdpRevoke(_) | Self::ApiRefuseToken => Bite::TokenDied,
            Self::ClockSkew { .. } => Bite::RefusedForTime,
            Self::IdpDisable { .. } => Bite::ClientTurnedAway,
            Self::Reply(_) => Bite::ReplyChanged,
            Self::Link { .. } => Bite::AttemptFailed,
            Self::WorkerKill => Bite::WorkerExited,
        }
    }

    /// Carries it out. Reply faults do nothing here: the engine applies them to the events that follow.
    pub(super) fn fire(&self, trigger: &Record, controls: &mut dyn Controls) -> Fired {
        let token = token_of(&trigger.event);
        let mut fired = Fired::default();
        match self {
            Self::TimePass(by) => match by.or_else(|| controls.until_expiry(token)) {
                Some(by) => fired.effect = controls.pass_time(by),
                None => fired.inert = true,
            },
            Self::ClockSkew { of, by_ms } => fired.effect = controls.skew(*of, *by_ms),
            Self::IdpRevoke(Some(what)) => controls.revoke(what),
            Self::IdpRevoke(None) => {
                controls.revoke(&match token {
                    Some(token) => Revocation::Token(token.clone()),
                    None => Revocation::Newest(TokenKind::Access),
                });
            }
            Self::IdpDisable { client } => controls.disable_client(client.as_deref()),
            Self::ApiRefuseToken => match token {
                Some(token) => controls.refuse_at_api(token),
                None => fired.inert = true,
            },
            Self::Reply(_) => {}
            Self::Link { on, fault } => controls.break_link(*on, *fault),
            Self::WorkerKill => fired.effect = Some(controls.kill_worker(instance_of(&trigger.event))),
        }
        fired
    }

    /// Undoes it, if it is an environment fault. The death of a credential is never undone.
    pub(super) fn heal(&self, controls: &mut dyn Controls) -> bool {
        match self {
            Self::ClockSkew { of, by_ms } => {
                // An effect of healing concerns the worker's clock file only, which is written at once.
                drop(controls.skew(*of, -by_ms));
                true
            }
            Self::Link { on, .. } => {
                controls.mend_link(*on);
                true
            }
            Self::Reply(_) => true,
            Self::TimePass(_)
            | Self::IdpRevoke(_)
            | Self::IdpDisable { .. }
            | Self::ApiRefuseToken
            | Self::WorkerKill => false,
        }
    }
}

fn token_of(event: &Event) -> Option<&TokenName> {
    match event {
        Event::IdpRequest(request) => request.token.as_ref(),
        Event::IdpResponse(reply) => reply.issued.first().or(reply.request.token.as_ref()),
        Event::IdpToken(change) => Some(&change.token),
        Event::ApiRequest(request) => request.token.as_ref(),
        Event::ApiResponse(reply) => reply.request.token.as_ref(),
        _ => None,
    }
}

/// The worker instance that an event speaks of.
pub(super) fn instance_of(event: &Event) -> Option<&crate::journal::Instance> {
    match event {
        Event::IdpRequest(request) => Some(&request.instance),
        Event::IdpResponse(reply) => Some(&reply.request.instance),
        Event::ApiRequest(request) => Some(&request.instance),
        Event::ApiResponse(reply) => Some(&reply.request.instance),
        Event::GateRpc { instance, .. } | Event::GateRpcDone { instance, .. } => Some(instance),
        Event::ActivityStarted(attempt) | Event::ActivityCancelled(attempt) => Some(&attempt.instance),
        Event::ActivityCompleted { attempt, .. }
        | Event::ActivityFailed { attempt, .. }
        | Event::ActivityHeartbeat { attempt, .. } => Some(&attempt.instance),
        Event::WorkerStarted { instance, .. }
        | Event::WorkerReady { instance }
        | Event::WorkerOutput { instance, .. }
        | Event::WorkerExited { instance, .. } => Some(instance),
        _ => None,
    }
}
