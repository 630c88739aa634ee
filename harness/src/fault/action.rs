//! What each action does to the lab, and how that is undone.

use std::num::NonZeroU32;
use std::time::Duration;

use super::bite::{Aim, Known};
use super::controls::{Controls, Expiry, LinkFault, Revocation, ServerFault, TokenLifetime, Which};
use super::hold::Barrier;
use super::one::Standing;
use super::operation::{Operation, failing};
use super::seen::{instance_of, tokens_of};
use super::work::Work;
use crate::journal::{Clock, Effect, Event, TokenKind, TokenName};
use crate::scenario::{
    Action, ClockOwner, KindOfToken, LinkEnd, RefuseToken, Revoke, TimeMode, TimePass, TokenChoice, Until,
};

/// Clocks count in whole seconds: a second more is certainly past an expiry.
const JUST_PAST: Duration = Duration::from_secs(1);

/// The same where everybody has to wait for it.
const JUST_PAST_REAL: Duration = Duration::from_millis(50);

/// So long calls may go on over a connection that is closed in good order.
const GRACE: Duration = Duration::from_secs(1);

/// In bytes, as networks count.
const KILOBYTE: NonZeroU32 = NonZeroU32::new(1_000).expect("it is above zero");

/// What carrying an action out has come to.
#[derive(Default)]
pub(super) struct Fired {
    /// The reporting part waits for it.
    pub(super) effect: Option<Effect>,
    /// Whether there was nothing to change: then there is nothing that could bite.
    pub(super) inert: bool,
    /// Whom it aimed at.
    pub(super) aim: Aim,
    /// Requests are held by it.
    pub(super) barrier: Option<Barrier>,
    /// What healing has Temporal's server do.
    pub(super) undone_by: Option<Operation>,
}

/// Carries an action, of which all is drawn by now, out that `trigger` has triggered. Changes of replies and barriers concern what follows: the
/// engine sees to them.
pub(super) fn fire(
    action: &Action,
    trigger: &Event,
    known: &Known,
    time: TimeMode,
    controls: &mut dyn Controls,
) -> Fired {
    let mut fired = Fired::default();
    match action {
        Action::IdpRevoke(revoke) => match revocation(revoke, trigger, known) {
            Some(what) => controls.revoke(&what),
            None => fired.inert = true,
        },
        Action::IdpDisable(choice) => controls.disable_client(choice.client.as_deref()),
        Action::IdpConsent(choice) => controls.grant_access(choice.client.as_deref()),
        Action::IdpReuse(choice) => controls.reuse_refresh_token(choice.client.as_deref()),
        Action::IdpLifetime(lifetime) => controls.set_lifetime(Some(TokenLifetime {
            lives: lifetime.access_token.to_std(),
            stated: lifetime.stated.map(crate::scenario::Duration::to_std),
        })),
        Action::GateRequireBearer(it) => controls.require_bearer(it.required),
        Action::GateCutPolls(cut) => {
            fired.effect = Some(controls.cut_polls(cut.code.map(|code| i32::from(code.number()))));
        }
        Action::GateGoAway(away) => controls.go_away(away.grace.as_ref().map_or(GRACE, |grace| grace.value.to_std())),
        Action::IdpRotateKeys(rotate) => controls.rotate_keys(rotate.keep_old),
        Action::IdpRotateSecret(rotate) => {
            controls.rotate_secret(rotate.overlap.map_or(Duration::ZERO, crate::scenario::Duration::to_std));
        }
        Action::ApiRefuseToken(refuse) => match to_refuse(refuse, trigger, known) {
            tokens if tokens.is_empty() => fired.inert = true,
            tokens => {
                tokens.iter().for_each(|token| controls.refuse_at_api(token));
                fired.aim.token = tokens.into_iter().next();
            }
        },
        Action::ApiHold(hold) => fired.barrier = Some(Barrier::new(hold.until.get())),
        Action::LinkRefuse(_)
        | Action::LinkReset(_)
        | Action::LinkBlackhole(_)
        | Action::LinkHalfOpen(_)
        | Action::LinkLatency(_)
        | Action::LinkBandwidth(_) => {
            if let Some((end, fault)) = link(action) {
                fired.inert = !controls.break_link(end, fault);
                fired.aim.link = Some(end);
            }
        }
        Action::WorkerStop(end) | Action::WorkerRestart(end) => {
            let worker = worker(end.instance.as_ref(), trigger);
            let notice = end.notice.map(crate::scenario::Duration::to_std);
            fired.effect = Some(match action {
                Action::WorkerStop(_) => controls.stop_worker(worker.as_deref(), notice),
                _ => controls.restart_worker(worker.as_deref(), notice),
            });
            fired.aim.worker = worker;
        }
        Action::WorkerKill(choice) | Action::WorkerFreeze(choice) | Action::WorkerResume(choice) => {
            let worker = worker(choice.instance.as_ref(), trigger);
            fired.effect = Some(match action {
                Action::WorkerFreeze(_) => controls.freeze_worker(worker.as_deref()),
                Action::WorkerResume(_) => controls.resume_worker(worker.as_deref()),
                _ => controls.kill_worker(worker.as_deref()),
            });
            fired.aim.worker = worker;
        }
        Action::TemporalPause(_) => fired.effect = Some(controls.hurt_server(ServerFault::Pause)),
        Action::TemporalRestart(end) => {
            fired.effect = Some(controls.hurt_server(ServerFault::Restart { down: end.down().to_std() }));
        }
        Action::TemporalKill(end) => {
            fired.effect = Some(controls.hurt_server(ServerFault::Kill { down: end.down().to_std() }));
        }
        Action::ActivityPause(_)
        | Action::ActivityReset(_)
        | Action::WorkflowCancel(_)
        | Action::WorkflowTerminate(_)
        | Action::WorkflowReset(_)
        | Action::WorkflowSignal(_) => match Operation::of(action, trigger, known) {
            Some(operation) if !operation.workflows.is_empty() => {
                fired.aim.work = Work::new(operation.workflows.clone(), failing(trigger));
                fired.undone_by = operation.undone();
                fired.effect = Some(controls.operate(operation));
            }
            _ => fired.inert = true,
        },
        Action::TimePass(TimePass::By(by)) => controls.pass_time(by.to_std()),
        Action::TimePass(TimePass::Until(until)) => match controls.until_expiry(expiry(*until, trigger)) {
            Some(by) if time == TimeMode::Real => fired.effect = Some(controls.sit_out(by + JUST_PAST_REAL)),
            Some(by) => controls.pass_time(by + JUST_PAST),
            None => fired.inert = true,
        },
        Action::ClockSkew(skew) => {
            controls.skew(clock(skew.of), skew.by.as_millis());
            fired.aim.worker_clock = skew.of == ClockOwner::Worker;
        }
        Action::ClockDrift(drift) => {
            controls.drift(clock(drift.of), drift.by.as_millis());
            fired.aim.worker_clock = drift.of == ClockOwner::Worker;
        }
        Action::IdpRespond(_)
        | Action::IdpDelay(_)
        | Action::IdpDropReply(_)
        | Action::IdpAlter(_)
        | Action::IdpRateLimit(_)
        | Action::ApiRespond(_)
        | Action::ApiDelay(_)
        | Action::ApiDropReply(_)
        | Action::GateRefuse(_)
        | Action::GateDelay(_)
        | Action::GateDropReply(_)
        | Action::GateHtml(_) => {}
    }
    fired
}

/// Undoes one firing of an environment fault. Changes of replies and barriers end with what the engine keeps of them.
pub(super) fn undo(standing: &Standing, controls: &mut dyn Controls) {
    if let Some(operation) = &standing.undone_by {
        // It comes about by itself, and nobody reports anything that could wait for it.
        drop(controls.operate(operation.clone()));
    }
    match &standing.action {
        Action::IdpLifetime(_) => controls.set_lifetime(None),
        Action::GateRequireBearer(it) => controls.require_bearer(!it.required),
        Action::LinkRefuse(_)
        | Action::LinkBlackhole(_)
        | Action::LinkHalfOpen(_)
        | Action::LinkLatency(_)
        | Action::LinkBandwidth(_) => {
            if let Some((end, fault)) = link(&standing.action) {
                controls.mend_link(end, fault);
            }
        }
        // It comes about whether or not anybody waits for it.
        Action::WorkerFreeze(choice) => drop(controls.resume_worker(choice.instance.as_deref())),
        // It comes about by itself, as above.
        Action::TemporalPause(_) => drop(controls.hurt_server(ServerFault::Resume)),
        Action::ClockSkew(skew) => controls.skew(clock(skew.of), -skew.by.as_millis()),
        Action::ClockDrift(drift) => controls.drift(clock(drift.of), -drift.by.as_millis()),
        _ => {}
    }
}

fn link(action: &Action) -> Option<(LinkEnd, LinkFault)> {
    match action {
        Action::LinkRefuse(link) => Some((link.on, LinkFault::Refuse)),
        Action::LinkReset(link) => Some((link.on, LinkFault::Reset)),
        Action::LinkBlackhole(link) => Some((link.on, LinkFault::Blackhole)),
        Action::LinkHalfOpen(link) => Some((link.on, LinkFault::HalfOpen)),
        Action::LinkLatency(link) => Some((link.on, LinkFault::Latency(link.by.longest().to_std()))),
        Action::LinkBandwidth(link) => Some((link.on, LinkFault::Bandwidth(link.rate.saturating_mul(KILOBYTE)))),
        _ => None,
    }
}

fn clock(of: ClockOwner) -> Clock {
    match of {
        ClockOwner::Idp => Clock::Idp,
        ClockOwner::Api => Clock::Api,
        ClockOwner::Worker => Clock::Worker,
    }
}

fn worker(named: Option<&String>, trigger: &Event) -> Option<String> {
    named.cloned().or_else(|| instance_of(trigger).map(|instance| instance.as_str().to_owned()))
}

fn expiry(until: Until, trigger: &Event) -> Expiry<'_> {
    match (until, tokens_of(trigger).first()) {
        (Until::TokenExpiry, Some(token)) => Expiry::Token(token),
        _ => Expiry::Last,
    }
}

/// Which tokens die; `None` if the choice falls on none.
fn revocation(revoke: &Revoke, trigger: &Event, known: &Known) -> Option<Revocation> {
    let wanted = revoke.kind.map(|kind| match kind {
        KindOfToken::Access => TokenKind::Access,
        KindOfToken::Refresh => TokenKind::Refresh,
    });
    // An event may speak of several: the one of the kind that is wanted is meant.
    let named = tokens_of(trigger).into_iter().find(|token| wanted.is_none() || known.kind(token) == wanted);
    let choice = revoke.token.as_ref().map(|choice| choice.value);
    let which = match (choice, named) {
        (Some(TokenChoice::Trigger) | None, Some(token)) => Which::This(token.clone()),
        (Some(TokenChoice::Trigger), None) => return None,
        (Some(TokenChoice::All), _) => Which::All,
        (Some(TokenChoice::Newest) | None, _) => Which::Newest,
    };
    let kind = wanted.or_else(|| match which {
        Which::This(_) => None,
        Which::Newest | Which::All => named.and_then(|token| known.kind(token)).or(Some(TokenKind::Access)),
    });
    Some(Revocation { which, kind, client: revoke.client.clone(), subject: revoke.subject.clone() })
}

/// The tokens that the API refuses from now on.
fn to_refuse(refuse: &RefuseToken, trigger: &Event, known: &Known) -> Vec<TokenName> {
    match refuse.token.as_ref().map(|choice| choice.value) {
        None | Some(TokenChoice::Trigger) => {
            tokens_of(trigger).first().map(|&token| token.clone()).into_iter().collect()
        }
        Some(TokenChoice::Newest) => known.live_access().last().cloned().into_iter().collect(),
        Some(TokenChoice::All) => known.live_access().cloned().collect(),
    }
}
