//! Whether a target and a machine have what a scenario requires.

use mock_idp::Dialect;
use mock_idp::file::Duration;

use super::action::{Action, ClockOwner, TimePass};
use super::client::{Client, Grant, TokenFormat};
use super::model::{Fault, Requirement, Scenario, TimeMode};
use super::placeholder::{LabValue, Placeholder, Template};
use super::resolve::{real_lifetime, time_mode};
use super::target::Target;
use crate::journal::{Moment, kind_doc};

/// Longer no reply is held until a token has expired: clients that give one up after 5 s are common, and what they do
/// then says nothing of the expiry.
const LONGEST_REPLY: Duration = Duration::from_secs(5);

/// What the machine, and the way in which workers are started, allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Whether a worker's clock can be moved: libfaketime is here and usable. A Go program keeps the system's time all the
    /// same, which nothing finds out yet.
    pub movable_worker_clock: bool,
    /// Whether workers are processes, which can be killed; not so for a library user's future.
    pub processes: bool,
    /// Whether the harness can start one more Temporal server, for a scenario that hurts its own.
    pub own_server: bool,
    /// Whose ways the identity provider has.
    pub dialect: Dialect,
}

impl Facts {
    /// A worker that runs in this very process: it cannot be killed alone, and its clock is that of everybody here.
    pub fn in_process() -> Self {
        Self { processes: false, ..Self::default() }
    }
}

impl Default for Facts {
    /// Worker processes on a machine without libfaketime.
    fn default() -> Self {
        Self { movable_worker_clock: false, processes: true, own_server: true, dialect: Dialect::Generic }
    }
}

/// Why a scenario says nothing here. Neither is ever shown as a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmet {
    /// The target lacks something.
    NotApplicable(String),
    /// This machine lacks something.
    Skipped(String),
}

/// All requirements of a scenario that are not met, those included that its own settings and faults imply.
pub fn unmet(target: &Target, scenario: &Scenario, facts: &Facts) -> Vec<Unmet> {
    let mut missing = Vec::new();
    let mut not_applicable = |reason: String| missing.push(Unmet::NotApplicable(reason));

    if choose_client(target, scenario).is_none() {
        not_applicable(format!("no client of the target has {}", wanted(scenario).join(" and ")));
    }
    let mut instances = scenario.worker.instances.as_ref().map(|instances| instances.value);
    for requirement in &scenario.requires {
        match &requirement.value {
            Requirement::Effects if !target.api.routes.iter().any(|route| route.effect) => {
                not_applicable("no route of the target has an effect".to_owned());
            }
            Requirement::Paging if !target.api.routes.iter().any(|route| route.paging) => {
                not_applicable("no route of the target is read page by page (`paging: true`)".to_owned());
            }
            Requirement::Refresh(promises) if !promises.contains(&target.policy.refresh) => {
                not_applicable(format!("the target's refresh policy is {}", word(&target.policy.refresh)));
            }
            Requirement::Rotation | Requirement::TokenFormat(TokenFormat::Jwt) => {
                if let Some(instead) = instead(facts.dialect, &requirement.value) {
                    not_applicable(format!("dialect {}: {instead}", facts.dialect));
                }
            }
            Requirement::FrontendRenewal if !is_given(target, &[LabValue::TemporalTokenFile]) => {
                not_applicable("no worker of the target is given `{temporal.token_file}`".to_owned());
            }
            Requirement::Instances(count) => instances = instances.max(Some(*count)),
            _ => {}
        }
    }
    if scenario.guards_frontend() {
        if !is_given(target, &[LabValue::TemporalToken, LabValue::TemporalTokenFile]) {
            not_applicable(
                "no worker of the target is given a bearer for Temporal, `{temporal.token_file}`".to_owned(),
            );
        }
        // Temporal's server knows JWTs only.
        let jwt = Requirement::TokenFormat(TokenFormat::Jwt);
        if let Some(instead) = instead(facts.dialect, &jwt) {
            not_applicable(format!("dialect {}: {instead}", facts.dialect));
        }
    }
    for worker in target.all_workers() {
        if let (Some(wanted), Some(most)) = (instances, worker.max_instances.as_ref())
            && wanted > most.value
        {
            not_applicable(format!("{wanted} instances of a worker are needed, the target allows {}", most.value));
        }
    }
    if needs_worker_clock(scenario) && !facts.movable_worker_clock {
        missing.push(Unmet::Skipped(
            "the worker's clock cannot be moved here (libfaketime; `tokenlapse doctor` says why)".to_owned(),
        ));
    }
    if scenario.faults.iter().any(|fault| passes_fixed_time(&fault.action))
        && target.policy.refresh.reads_clock()
        && !facts.movable_worker_clock
    {
        missing.push(Unmet::Skipped(
            "time cannot pass for a worker that reads its clock, as that clock cannot be moved here (libfaketime; \
             `tokenlapse doctor` says why)"
                .to_owned(),
        ));
    }
    if time_mode(target, scenario, facts) == TimeMode::Real
        && real_lifetime(target) > LONGEST_REPLY
        && scenario.faults.iter().any(|fault| holds_until_expiry(fault))
    {
        let reason = format!(
            "tokens would have to live {} in reality (`refresh_margin` {} and 2s more), and no client waits that long \
             for a reply; if the worker renews later than that, its `policy` should say so",
            real_lifetime(target),
            target.policy.margin()
        );
        // Where clocks can be moved nobody would have to wait, unless the scenario says so.
        missing.push(match scenario.clocks.time {
            TimeMode::Real => Unmet::NotApplicable(reason),
            TimeMode::Moved => {
                Unmet::Skipped(format!("the worker's clock cannot be moved here (libfaketime), so {reason}"))
            }
        });
    }
    if scenario.faults.iter().any(|fault| fault.action.hurts_server()) && !facts.own_server {
        missing.push(Unmet::Skipped(
            "it hurts the Temporal server, which has to be one of its own then: `--temporal dev` starts it".to_owned(),
        ));
    }
    if needs_processes(scenario) && !facts.processes {
        missing.push(Unmet::NotApplicable("the worker is no process of its own".to_owned()));
    }
    missing
}

/// Whether a worker of the target is given one of these values.
fn is_given(target: &Target, values: &[LabValue]) -> bool {
    let names = |template: &Template| {
        template.placeholders().any(|placeholder| values.iter().any(|value| *placeholder == Placeholder::Lab(*value)))
    };
    target.all_workers().any(|worker| {
        let env = worker.env.iter().any(|(_, text)| names(&text.value));
        env || worker.command.value.iter().any(|word| names(&word.value))
    })
}

/// The first client that fits; the default client if the target names none.
pub(super) fn choose_client(target: &Target, scenario: &Scenario) -> Option<Client> {
    let fits = |client: &Client| {
        scenario.requires.iter().all(|requirement| match &requirement.value {
            Requirement::Grant(grant) => client.grant == *grant,
            Requirement::Rotation => client.grant == Grant::RefreshToken && client.rotation,
            Requirement::TokenFormat(format) => client.token_format == *format,
            _ => true,
        })
    };
    let mut clients = target.all_clients().peekable();
    if clients.peek().is_none() {
        return Some(Client::default()).filter(fits);
    }
    clients.find(|client| fits(client)).cloned()
}

/// What a vendor has instead of what is required, in words.
fn instead(dialect: Dialect, requirement: &Requirement) -> Option<String> {
    match requirement {
        Requirement::Rotation => dialect.single_use().err().map(|instead| format!("refresh tokens: {instead}")),
        Requirement::TokenFormat(TokenFormat::Jwt) => {
            dialect.opaque_prefix().map(|prefix| format!("access tokens are opaque (`{prefix}…`), no JWTs"))
        }
        _ => None,
    }
}

fn wanted(scenario: &Scenario) -> Vec<String> {
    scenario
        .requires
        .iter()
        .filter_map(|requirement| match &requirement.value {
            Requirement::Grant(grant) => Some(format!("grant {}", grant.name())),
            Requirement::Rotation => Some("rotated refresh tokens".to_owned()),
            Requirement::TokenFormat(format) => Some(format!("{} access tokens", TokenFormat::name(*format))),
            _ => None,
        })
        .collect()
}

fn needs_worker_clock(scenario: &Scenario) -> bool {
    scenario.clocks.worker.is_some()
        || scenario.requires.iter().any(|requirement| requirement.value == Requirement::MovableWorkerClock)
        || scenario.faults.iter().any(|fault| match &fault.action.value {
            Action::ClockSkew(skew) => skew.of == ClockOwner::Worker,
            Action::ClockDrift(drift) => drift.of == ClockOwner::Worker,
            _ => false,
        })
}

fn needs_processes(scenario: &Scenario) -> bool {
    scenario.requires.iter().any(|requirement| requirement.value == Requirement::Processes)
        || scenario.faults.iter().any(|fault| fault.action.value.needs_processes())
}

/// Whether a part of the lab that somebody waits for does not go on until a token has expired.
fn holds_until_expiry(fault: &Fault) -> bool {
    let trigger = fault.when.as_ref().and_then(|when| kind_doc(&when.event));
    matches!(fault.action.value, Action::TimePass(TimePass::Until(_)))
        && fault.delay.is_none()
        && trigger.is_some_and(|kind| kind.moment == Moment::Gating)
}

/// Time until a token's expiry can pass in reality, with short lifetimes; a fixed amount cannot.
fn passes_fixed_time(action: &Action) -> bool {
    matches!(action, Action::TimePass(TimePass::By(_)))
}

fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAPSE: &str = "faults: [{ when: { event: api.response }, do: { time.pass: { until: token-expiry } } }]\n";

    fn lacks(policy: &str, rest: &str, movable: bool) -> Vec<Unmet> {
        let target =
            format!("target: t\nworker: {{ command: [./w] }}\nworkload: {{ workflow: W }}\npolicy: {policy}\n");
        let target = Target::parse(&target, "t.yaml").expect("a target");
        let scenario = Scenario::parse(&format!("scenario: s\nfamily: f\ntitle: t\n{rest}"), "s.yaml").expect("good");
        unmet(&target, &scenario, &Facts { movable_worker_clock: movable, ..Facts::default() })
    }

    #[test]
    fn the_server_that_all_share_is_not_hurt() {
        let target = Target::parse("target: t\nworker: { command: [./w] }\nworkload: { workflow: W }\n", "t.yaml");
        let target = target.expect("a target");
        for action in ["temporal.pause", "temporal.restart", "temporal.kill"] {
            let text = format!("scenario: s\nfamily: f\ntitle: t\nfaults: [{{ do: {{ {action}: {{}} }} }}]\n");
            let scenario = Scenario::parse(&text, "s.yaml").expect("good");
            assert_eq!(unmet(&target, &scenario, &Facts::default()), [], "{action}");
            let shared = Facts { own_server: false, ..Facts::default() };
            let said = unmet(&target, &scenario, &shared);
            let [Unmet::Skipped(reason)] = &said[..] else { panic!("{action}: {said:?}") };
            assert!(reason.contains("`--temporal dev`"), "{reason}");
        }
    }

    #[test]
    fn no_reply_is_held_for_a_token_that_outlives_the_patience_of_clients() {
        let real = format!("clocks: {{ time: real }}\n{LAPSE}");
        for (policy, waits) in [
            ("{ refresh: any }", true),
            ("{ refresh: proactive, refresh_margin: 3001ms }", true),
            ("{ refresh: proactive, refresh_margin: 3s }", false),
            ("{ refresh: any, refresh_margin: 0s }", false),
            ("{ refresh: on-retry }", false),
        ] {
            let said = lacks(policy, &real, true);
            assert_eq!(matches!(&said[..], [Unmet::NotApplicable(_)]), waits, "{policy}: {said:?}");
            assert_eq!(said.is_empty(), !waits, "{policy}: {said:?}");
            // Where clocks move only if the worker's does, another machine would do.
            let said = lacks(policy, LAPSE, false);
            assert_eq!(matches!(&said[..], [Unmet::Skipped(_)]), waits, "{policy}: {said:?}");
            assert_eq!(lacks(policy, LAPSE, true), [], "{policy}: nobody waits");
        }
        let said = lacks("{ refresh: any }", &real, true);
        let Unmet::NotApplicable(reason) = &said[0] else { panic!("{said:?}") };
        assert!(
            reason.starts_with("tokens would have to live 1m2s in reality (`refresh_margin` 1m and 2s more)"),
            "{reason}"
        );
        // Nobody waits for what comes later, or for an event that has happened.
        for fault in [LAPSE.replace("do:", "delay: 1s, do:"), LAPSE.replace("api.response", "workflow.closed")] {
            assert_eq!(lacks("{ refresh: any }", &format!("clocks: {{ time: real }}\n{fault}"), true), [], "{fault}");
        }
    }
}
