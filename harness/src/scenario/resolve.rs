//! Brings a scenario and a target together.

use std::num::NonZeroU32;

use mock_idp::Dialect;
use mock_idp::file::{At, Duration};

use super::action::{Action, TimePass};
use super::api::ValidationMode;
use super::client::{Client, Grant, TokenFormat};
use super::delay::Delay;
use super::model::{Outcome, Requirement, Scenario, Shown, TimeMode};
use super::policy::{OnPermanent, Policy};
use super::requires::{Facts, Unmet, choose_client, unmet};
use super::resolved::{
    Ending, Resolved, ResolvedApi, ResolvedBite, ResolvedCheck, ResolvedExpect, ResolvedFault, ResolvedHeal,
    ResolvedIdp, ResolvedPolicy, ResolvedShown, ResolvedTrigger, ResolvedWorker, ResolvedWorkload,
};
use super::target::{Poll, Target};
use super::trigger::{OneOf, Scalar, Trigger};
use super::value::Entries;
use super::vocabulary::ROUTE_TRAITS;
use crate::journal::kind_doc;

/// Id of the client that the worker is, unless the target fixes it.
const CLIENT: &str = "worker";
const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(5 * 60);
const REFRESH_TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Added to the target's refresh margin where tokens expire in reality: long enough to do something with a token.
pub(super) const REAL_LIFETIME: Duration = Duration::from_secs(2);

/// Fills in all defaults.
///
/// # Errors
///
/// What the target or the machine lacks: the scenario says nothing here.
pub fn resolve(target: &Target, scenario: &Scenario, facts: &Facts) -> Result<Resolved, Vec<Unmet>> {
    let missing = unmet(target, scenario, facts);
    let Some(client) = choose_client(target, scenario).filter(|_| missing.is_empty()) else {
        return Err(missing);
    };
    let client = complete_client(client, target);
    let time = time_mode(target, scenario, facts);
    let idp = idp(&client, target, scenario, time, facts.dialect);
    Ok(Resolved {
        scenario: scenario.scenario.value.clone(),
        family: scenario.family.value.clone(),
        title: scenario.title.value.clone(),
        mirrors: texts(&scenario.mirrors),
        proves: texts(&scenario.proves),
        target: target.target.value.clone(),
        api: api(target, scenario, idp.token_format),
        client,
        idp,
        clocks: scenario.clocks.clone(),
        time,
        workers: workers(target, scenario),
        workload: workload(target, scenario),
        temporal: scenario.temporal.clone(),
        activities: target.activities.clone(),
        policy: policy(&target.policy),
        control_shows: control_shows(target, scenario),
        faults: faults(target, scenario),
        heal: scenario.heal.as_ref().map(|heal| ResolvedHeal {
            when: trigger(target, &heal.when),
            delay: heal.delay.as_ref().map_or(Delay::ZERO, |delay| delay.value.clone()),
        }),
        expect: ResolvedExpect {
            outcome: scenario.expect.outcome,
            ending: ending(scenario.expect.outcome, target.policy.on_permanent),
            within: scenario.expect.within.as_ref().map(|within| within.value),
        },
        races: texts(&scenario.transcript.races),
        checks: checks(target, scenario),
    })
}

fn texts(words: &[At<String>]) -> Vec<String> {
    words.iter().map(|word| word.value.clone()).collect()
}

fn complete_client(mut client: Client, target: &Target) -> Client {
    client.id.get_or_insert_with(|| At::from(CLIENT.to_owned()));
    if client.scopes.is_empty() {
        // A client that says nothing may do all that the API asks for.
        let scopes = target.api.routes.iter().flat_map(|route| &route.scopes);
        for scope in scopes {
            if !client.scopes.contains(scope) {
                client.scopes.push(scope.clone());
            }
        }
    }
    if client.grant == Grant::RefreshToken && client.subject.is_none() {
        client.subject = Some("user-1".to_owned());
    }
    client
}

pub(super) fn time_mode(target: &Target, scenario: &Scenario, facts: &Facts) -> TimeMode {
    let honest = scenario.faults.iter().any(|fault| matches!(fault.action.value, Action::TimePass(TimePass::Until(_))));
    if honest && target.policy.refresh.reads_clock() && !facts.movable_worker_clock {
        return TimeMode::Real;
    }
    scenario.clocks.time
}

/// How long tokens live where they expire in reality.
pub(super) fn real_lifetime(target: &Target) -> Duration {
    Duration::from_millis(target.policy.margin().as_millis().saturating_add(REAL_LIFETIME.as_millis()))
}

fn idp(client: &Client, target: &Target, scenario: &Scenario, time: TimeMode, dialect: Dialect) -> ResolvedIdp {
    let stated = scenario.idp.access_token_lifetime.as_ref().map_or(ACCESS_TOKEN_LIFETIME, |it| it.value);
    let rotation = &scenario.idp.rotation;
    ResolvedIdp {
        access_token_lifetime: match time {
            TimeMode::Moved => stated,
            TimeMode::Real => real_lifetime(target),
        },
        refresh_token_lifetime: scenario
            .idp
            .refresh_token_lifetime
            .as_ref()
            .map_or(REFRESH_TOKEN_LIFETIME, |it| it.value),
        token_format: match dialect.opaque_prefix() {
            Some(_) => TokenFormat::Opaque,
            None => scenario.idp.token_format.unwrap_or(client.token_format),
        },
        signing: scenario.idp.signing.unwrap_or_default(),
        rotation: client.rotation && dialect.single_use().is_ok(),
        rotation_grace: rotation.grace.unwrap_or(Duration::ZERO),
        reuse: rotation.reuse.unwrap_or_default(),
        dialect,
    }
}

fn api(target: &Target, scenario: &Scenario, format: TokenFormat) -> ResolvedApi {
    let api = &target.api;
    let mode = scenario.api.mode().or(api.validate.mode.as_ref().map(|mode| mode.value));
    ResolvedApi {
        mode: mode.unwrap_or(match format {
            TokenFormat::Jwt => ValidationMode::Jwks,
            TokenFormat::Opaque => ValidationMode::Introspect,
        }),
        leeway: scenario.api.validate.leeway.or(api.validate.leeway).unwrap_or(Duration::ZERO),
        correlate: api.correlate.as_ref().map(|correlate| correlate.value.clone()),
        routes: api.routes.clone(),
        upstream: api.upstream.as_ref().map(|upstream| upstream.value.clone()),
        audience: api.audience.clone(),
    }
}

fn workers(target: &Target, scenario: &Scenario) -> Vec<ResolvedWorker> {
    let many = target.workers.is_some();
    let polls = target.polls.as_ref().map_or_else(|| vec![Poll::Workflow, Poll::Activity], |polls| polls.value.clone());
    let resolved = target.all_workers().enumerate().map(|(index, worker)| {
        let given = worker.instances.as_ref();
        ResolvedWorker {
            name: match &worker.name {
                Some(name) => name.value.clone(),
                None if many => format!("worker{}", index + 1),
                None => "worker".to_owned(),
            },
            instances: scenario.worker.instances.as_ref().or(given).map_or(NonZeroU32::MIN, |it| it.value),
            restart: scenario.worker.restart.unwrap_or(worker.restart),
            task_queues: texts(&worker.task_queues),
            polls: worker.polls.as_ref().map_or_else(|| polls.clone(), |polls| polls.value.clone()),
            start_timeout: worker.start_timeout.unwrap_or(START_TIMEOUT),
        }
    });
    resolved.collect()
}

fn workload(target: &Target, scenario: &Scenario) -> ResolvedWorkload {
    let given = &target.workload;
    let count = scenario.workload.count.as_ref().or(given.count.as_ref()).map_or(NonZeroU32::MIN, |it| it.value);
    let concurrency = scenario.workload.concurrency.as_ref().or(given.concurrency.as_ref());
    ResolvedWorkload {
        workflow: given.workflow.value.clone(),
        input: given.input.iter().map(|input| input.value.clone()).collect(),
        count,
        concurrency: concurrency.map_or(count, |it| it.value.min(count)),
        task_queue: given.task_queue.as_ref().map(|queue| queue.value.clone()),
    }
}

fn policy(policy: &Policy) -> ResolvedPolicy {
    ResolvedPolicy {
        refresh: policy.refresh,
        refresh_margin: policy.margin(),
        attempts: policy.attempts.unwrap_or(Policy::DEFAULT_ATTEMPTS),
        on_permanent: policy.on_permanent,
        error_types: policy.error_types.clone(),
    }
}

fn faults(target: &Target, scenario: &Scenario) -> Vec<ResolvedFault> {
    let resolved = scenario.faults.iter().enumerate().map(|(index, fault)| {
        let id = fault.id.as_ref().map_or_else(|| format!("f{}", index + 1), |id| id.value.clone());
        ResolvedFault {
            bite: scenario.bites.get(&id).map(|bite| ResolvedBite {
                filters: filters(target, &bite.event, &bite.filters),
                ..ResolvedBite::from(bite)
            }),
            id,
            when: fault.when.as_ref().map_or_else(workload_start, |when| trigger(target, when)),
            action: fault.action.value.clone(),
            arm: fault.arm,
            count: fault.count.unwrap_or(NonZeroU32::MIN),
            delay: fault.delay.as_ref().map_or(Delay::ZERO, |delay| delay.value.clone()),
            lasts: fault.lasts.as_ref().map(|lasts| lasts.value.clone()),
            probability: fault.probability.as_ref().map_or(1.0, |probability| probability.value),
        }
    });
    resolved.collect()
}

fn control_shows(target: &Target, scenario: &Scenario) -> Vec<Vec<ResolvedShown>> {
    let resolved = |shown: &Shown| ResolvedShown {
        event: shown.event.value.clone(),
        filters: filters(target, &shown.event, &shown.filters),
    };
    let lists = scenario.requires.iter().filter_map(|requirement| match &requirement.value {
        Requirement::ControlShows(events) => Some(events.iter().map(resolved).collect()),
        _ => None,
    });
    lists.collect()
}

fn workload_start() -> ResolvedTrigger {
    ResolvedTrigger {
        event: "workload.started".to_owned(),
        filters: Vec::new(),
        nth: NonZeroU32::MIN,
        per: super::trigger::Per::Scenario,
        after: None,
        then: super::trigger::Then::This,
    }
}

fn trigger(target: &Target, trigger: &Trigger) -> ResolvedTrigger {
    ResolvedTrigger {
        event: trigger.event.value.clone(),
        filters: filters(target, &trigger.event, &trigger.filters),
        nth: trigger.nth.as_ref().map_or(NonZeroU32::MIN, |nth| nth.value),
        per: trigger.per.value,
        after: trigger.after.as_ref().map(|after| after.value.clone()),
        then: trigger.then,
    }
}

pub(super) fn filters_as_written(given: &Entries<OneOf>) -> Vec<(String, Vec<Scalar>)> {
    let values = |any_of: &OneOf| any_of.values().iter().map(|value| value.value.clone()).collect();
    given.iter().map(|(name, any_of)| (name.value.clone(), values(any_of))).collect()
}

/// What a target's route is becomes the names of the routes that are so: an event knows its route by name only.
fn filters(target: &Target, event: &str, given: &Entries<OneOf>) -> Vec<(String, Vec<Scalar>)> {
    let known = kind_doc(event).map_or(&[][..], |kind| kind.filters);
    let is_trait = |name: &str| ROUTE_TRAITS.contains(&name) && !known.contains(&name);
    filters_as_written(given)
        .into_iter()
        .map(|(name, any_of)| match is_trait(&name) {
            true => ("route".to_owned(), routes_that_are(target, &name, &any_of)),
            false => (name, any_of),
        })
        .collect()
}

fn routes_that_are(target: &Target, what: &str, any_of: &[Scalar]) -> Vec<Scalar> {
    let wanted = |is: bool| any_of.contains(&Scalar::Bool(is));
    let named = target.api.routes.iter().filter(|route| {
        wanted(match what {
            "effect" => route.effect,
            _ => route.paging,
        })
    });
    let mut routes: Vec<Scalar> = named.map(|route| Scalar::Text(route.route.to_string())).collect();
    if wanted(false) {
        // A request on a route that the target does not name is none of those that are so.
        routes.push(Scalar::Bool(false));
    }
    routes
}

fn ending(outcome: Outcome, on_permanent: OnPermanent) -> Ending {
    match (outcome, on_permanent) {
        (Outcome::Completed, _) | (Outcome::Permanent, OnPermanent::Complete) => Ending::Completed,
        (Outcome::Failed, _) | (Outcome::Permanent, OnPermanent::Fail) => Ending::Failed,
        (Outcome::Cancelled, _) => Ending::Cancelled,
        (Outcome::Terminated, _) => Ending::Terminated,
        (Outcome::Running, _) | (Outcome::Permanent, OnPermanent::Wait) => Ending::Running,
    }
}

/// The target's settings, then the scenario's, which win.
fn checks(target: &Target, scenario: &Scenario) -> Vec<ResolvedCheck> {
    let mut resolved: Vec<ResolvedCheck> = Vec::new();
    for (who, settings) in [("target", &target.checks), ("scenario", &scenario.checks)] {
        for (id, setting) in settings.iter() {
            let off = setting.off.as_ref().map(|reason| format!("{} ({who})", reason.value));
            match resolved.iter_mut().find(|check| check.id == id.value) {
                Some(check) => {
                    check.off = off.or(check.off.take());
                    check.slack = setting.slack.or(check.slack);
                }
                None => resolved.push(ResolvedCheck { id: id.value.clone(), off, slack: setting.slack }),
            }
        }
    }
    resolved
}
