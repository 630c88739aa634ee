//! Which scenario and check kills which defect of the reference worker, and by what.

use std::collections::BTreeSet;

use libtest_mimic::Failed;
use serde_json::Value;
use tokenlapse::check;

use crate::world::{Outcome, World};

/// A defect with the scenario that finds it.
pub(crate) struct Kill {
    pub(crate) defect: &'static str,
    scenario: &'static str,
    /// The checks that fail, each with a part of what it says: the right cause.
    checks: &'static [(&'static str, &'static str)],
    /// Checks that may fail, too, as a consequence; no other one may.
    also: &'static [&'static str],
}

const fn kill(
    defect: &'static str,
    scenario: &'static str,
    checks: &'static [(&'static str, &'static str)],
    also: &'static [&'static str],
) -> Kill {
    Kill { defect, scenario, checks, also }
}

/// Defects that no scenario of the catalogue can find yet, with the reason.
const ALIVE: &[(&str, &str)] = &[];

const NOT_NEEDED: &str = "was live and unrefused";
const TOO_MANY: &str = "token requests; expected at most";
const AGAIN: &str = "again, though its successor had been granted";
const HANGS: &str = "is still running; expected completed within";

#[rustfmt::skip]
pub(crate) const KILLS: &[Kill] = &[
    kill("never-refreshes", "expiry-between-activities", &[("no-refused-reuse", "had dealt with its refusal"), ("recovers", HANGS)], &[]),
    kill("reuses-refused-token", "expiry-between-activities", &[("no-refused-reuse", "sent token T1 again to GET /orders/1/items")], &[]),
    kill("refreshes-twice", "clock-skew-drift", &[("refreshes-on-retry", NOT_NEEDED), ("bounded-load", TOO_MANY)], &[]),
    kill("refreshes-ahead", "revocation-offline", &[("refreshes-on-retry", NOT_NEEDED), ("bounded-load", TOO_MANY)], &[]),
    kill("token-per-attempt", "expiry-inside-paging", &[("bounded-load", TOO_MANY), ("refreshes-on-retry", NOT_NEEDED)], &[]),
    kill("grant-storm", "rotation-herd", &[("bounded-load", TOO_MANY), ("refreshes-on-retry", NOT_NEEDED)], &[]),
    kill("drops-fresh-token", "early-refusal-late-answer", &[("refreshes-on-retry", "while T2 was live"), ("bounded-load", TOO_MANY)], &[]),
    kill("retries-revoked", "revocation-refresh-token", &[("stops-on-permanent", "after it was told that access is gone"), ("diagnosable", "failed as IdpUnavailable, but met: revoked"), ("recovers", "is still running; expected failed within")], &[]),
    kill("outage-is-fatal", "outage-token-endpoint-503", &[("persists-on-transient", "failed, though nothing that it met was for good"), ("recovers", "ended as failed; expected completed")], &[]),
    kill("refusal-is-fatal", "expiry-between-activities", &[("persists-on-transient", "failed, though nothing that it met was for good"), ("recovers", "ended as failed; expected completed")], &[]),
    kill("untyped-failures", "revocation-client-disabled", &[("diagnosable", "failed without a type")], &[]),
    kill("one-type-for-all", "revocation-refresh-token", &[("diagnosable", "failed as TokenExpired, but met: revoked; expected TokenRevoked")], &[]),
    kill("token-in-message", "early-refusal-before-exp", &[("no-secret-leaks", "T1 shows in a failure (activity.failed at /failure/message)")], &[]),
    kill("token-in-cause", "revocation-introspected", &[("no-secret-leaks", "/cause/message)")], &[]),
    kill("token-in-details", "revocation-client-disabled", &[("no-secret-leaks", "T1 (hex) shows in a failure")], &[]),
    kill("token-in-result", "expiry-inside-paging", &[("no-secret-leaks", "T1 shows in an activity's result")], &[]),
    kill("token-in-heartbeat", "expiry-inside-paging", &[("no-secret-leaks", "T1 shows in heartbeat details")], &[]),
    kill("token-in-log", "revocation-family-reuse", &[("no-secret-leaks", "T1 (base64) shows in a worker's output")], &[]),
    kill("secret-on-stdout", "expiry-between-activities", &[("no-secret-leaks", "S1 shows in a worker's output")], &[]),
    kill("borrows-identity", "early-refusal-short-life", &[("right-identity", "asked for a token as client somebody-else")], &[]),
    kill("acts-as-itself", "revocation-refresh-token", &[("right-identity", "of client worker for worker; expected a token of client worker for user-1")], &["recovers"]),
    kill("loses-scope", "revocation-offline", &[("right-identity", "which was asked for without orders.write"), ("recovers", "ended as failed; expected completed")], &[]),
    kill("reads-before-lock", "rotation-herd", &[("single-redemption", AGAIN)], &["recovers", "bounded-load"]),
    // On a slow machine the second request leaves when the first one's reply is there: then it was not needed, either.
    kill("redeems-twice", "revocation-refresh-token", &[("single-redemption", AGAIN)], &["bounded-load", "recovers", "refreshes-on-retry"]),
    kill("keeps-old-refresh-token", "revocation-refresh-token", &[("single-redemption", AGAIN)], &[]),
    kill("never-saves", "rotation-restart", &[("single-redemption", "worker.2 presented R1 again"), ("recovers", "ended as failed; expected completed")], &[]),
    kill("saves-late", "rotation-restart", &[("single-redemption", "worker.2 presented R1 again"), ("recovers", "ended as failed; expected completed")], &[]),
    kill("new-key-per-attempt", "outage-effect-reply-lost", &[("effect-once", "POST /orders/1/ship happened 2 times for workflow 1; expected at most 1")], &[]),
    kill("ships-twice", "outage-api-503", &[("effect-once", "POST /orders/1/ship happened 2 times for workflow 1; expected at most 1")], &[]),
    kill("pretends-success", "outage-api-503", &[("effect-once", "happened 0 times, though workflow 1 completed")], &[]),
    kill("skips-failed-page", "expiry-inside-paging", &[("nothing-skipped", "GET /orders/1/items was answered 2 times, though all workflows completed; expected at least 3")], &[]),
    kill("ignores-retry-after", "rate-limit-seconds", &[("honours-retry-after", "called the token endpoint 2.")], &[]),
    kill("misreads-retry-date", "rate-limit-api-date", &[("honours-retry-after", "called GET /orders/{id}/items 0.")], &[]),
    kill("caps-retry-after", "rate-limit-api-seconds", &[("honours-retry-after", "called GET /orders/{id}/items 1.")], &[]),
    kill("stops-polling", "outage-html-502", &[("truthful-health", "lives, but has made no Poll"), ("recovers", HANGS)], &[]),
    kill("exits-on-failure", "early-refusal-before-exp", &[("truthful-health", "ended with code 0, though no fault killed it"), ("recovers", "is still running, and no worker is left")], &[]),
];

impl Kill {
    pub(crate) fn holds(&self, world: &World) -> Outcome {
        let Self { defect, scenario, .. } = self;
        let (code, report) = world.run(&world.folder()?, &["--defect", defect, scenario])?;
        let (verdict, reason) = report.verdict(scenario)?;
        if verdict != "fail" || code != Some(1) {
            return Err(format!("{defect} survives {scenario}: {verdict} {reason}, code {code:?}").into());
        }
        let checks = report.scenario(scenario)?["checks"].as_array().cloned().unwrap_or_default();
        for (id, cause) in self.checks {
            let said = detail_of_failure(&checks, id)?;
            if !said.contains(cause) {
                return Err(format!("{id} fails, but says `{said}` instead of `{cause}`").into());
            }
        }
        let allowed = |id: &str| self.checks.iter().any(|(known, _)| *known == id) || self.also.contains(&id);
        for check in &checks {
            let (id, verdict) = (check["id"].as_str().unwrap_or_default(), check["verdict"].as_str());
            if !allowed(id) && !matches!(verdict, Some("pass" | "not_applicable")) {
                return Err(format!("{id} has nothing to do with {defect}, but says: {}", check["detail"]).into());
            }
        }
        Ok(())
    }
}

fn detail_of_failure<'a>(checks: &'a [Value], id: &str) -> Result<&'a str, Failed> {
    let check = checks.iter().find(|check| check["id"] == id).ok_or_else(|| format!("there is no check {id}"))?;
    match check["verdict"].as_str() {
        Some("fail") => Ok(check["detail"].as_str().unwrap_or_default()),
        other => Err(format!("{id} has to fail, but is {other:?}: {}", check["detail"]).into()),
    }
}

/// The same scenarios, so that what kills a defect is the defect.
pub(crate) fn the_correct_worker_passes(world: &World) -> Outcome {
    let scenarios: BTreeSet<&str> = KILLS.iter().map(|kill| kill.scenario).collect();
    let (code, report) = world.run(&world.folder()?, &scenarios.into_iter().collect::<Vec<_>>())?;
    for scenario in report.scenarios() {
        if scenario["verdict"] != "pass" {
            return Err(format!("{} is {}: {}", scenario["id"], scenario["verdict"], scenario["reason"]).into());
        }
    }
    if code == Some(0) { Ok(()) } else { Err(format!("code {code:?}").into()) }
}

/// A check that no defect fails, or a defect that nothing kills, is not done.
pub(crate) fn is_complete() -> Outcome {
    let killing: BTreeSet<&str> = KILLS.iter().flat_map(|kill| kill.checks).map(|(check, _)| *check).collect();
    let idle: Vec<_> = check::ALL.iter().map(|check| check.id()).filter(|id| !killing.contains(id)).collect();
    if !idle.is_empty() {
        return Err(format!("no defect fails {idle:?}").into());
    }
    for defect in reference_worker::defect::all() {
        let kills: Vec<_> = KILLS.iter().filter(|kill| kill.defect == defect.name).collect();
        let alive = ALIVE.iter().any(|(name, reason)| *name == defect.name && !reason.is_empty());
        if kills.is_empty() != alive {
            return Err(format!("{} is to be killed, or to be excused, not both", defect.name).into());
        }
        let wanted = defect.checks[0];
        let found = |kill: &&Kill| kill.checks.iter().any(|(check, _)| *check == wanted);
        if !alive && !kills.iter().any(found) {
            return Err(format!("{} exists for {wanted}, which does not kill it", defect.name).into());
        }
    }
    let known = |name: &str| reference_worker::defect::named(name).is_some();
    match KILLS.iter().map(|kill| kill.defect).chain(ALIVE.iter().map(|(name, _)| *name)).find(|name| !known(name)) {
        Some(name) => Err(format!("there is no defect {name}").into()),
        None => Ok(()),
    }
}
