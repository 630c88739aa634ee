//! What a scenario says may differ from run to run, and the ranges that stand for it.

use serde_json::Value;

use crate::journal::Run;

/// Actions that trouble each workflow at most once per firing. All others without `times:` may do so for as long as
/// they last.
const ONCE: &[&str] = &[
    "time.pass",
    "idp.revoke",
    "api.refuse_token",
    "link.reset",
    "worker.restart",
    "temporal.restart",
    "temporal.kill",
    "activity.reset",
    "workflow.reset",
];

/// Actions that make things late, or end them, and refuse nothing.
const HARMLESS: &[&str] = &[
    "api.hold",
    "api.delay",
    "idp.delay",
    "link.latency",
    "link.bandwidth",
    "temporal.pause",
    "activity.pause",
    "workflow.cancel",
    "workflow.terminate",
    "workflow.signal",
];

/// The kinds of events whose number may differ, with the bounds that the scenario gives.
pub(super) struct Races {
    kinds: Vec<String>,
    workflows: Option<u64>,
    instances: u64,
    /// How many times a workflow can be troubled on one worker; `None`: no bound follows from the scenario.
    troubles: Option<u64>,
}

impl Races {
    pub(super) fn of(run: &Run<'_>) -> Self {
        let resolved = run.header().map_or(&Value::Null, |header| &header.resolved);
        let kinds = resolved["races"].as_array().into_iter().flatten();
        let workers = resolved["workers"].as_array().into_iter().flatten();
        let faults = resolved["faults"].as_array().map(Vec::as_slice);
        Self {
            kinds: kinds.filter_map(|kind| kind.as_str().map(str::to_owned)).collect(),
            workflows: resolved["workload"]["count"].as_u64(),
            instances: workers.map(|worker| worker["instances"].as_u64().unwrap_or(1)).sum::<u64>().max(1),
            troubles: faults.and_then(|faults| faults.iter().map(troubles).sum()),
        }
    }

    fn any(&self, families: &[&str]) -> bool {
        let family = |kind: &String| kind.split_once('.').is_some_and(|(family, _)| families.contains(&family));
        self.kinds.iter().any(family)
    }

    /// Whether requests at the identity provider race.
    pub(super) fn grants(&self) -> bool {
        self.any(&["idp"])
    }

    /// Whether attempts, or the requests in them, race.
    pub(super) fn requests(&self) -> bool {
        self.any(&["activity", "api"])
    }

    /// Whether starts and exits of workers race.
    pub(super) fn workers(&self) -> bool {
        self.any(&["worker"])
    }

    /// Whether firing and biting of faults race.
    pub(super) fn faults(&self) -> bool {
        self.any(&["fault"])
    }

    /// Each workflow asks for one token at its beginning and for one more each time that it is troubled, if nobody
    /// spares it that.
    pub(super) fn grants_range(&self, actual: u64) -> String {
        let most = self.workflows.and_then(|workflows| Some(workflows * self.attempts()?));
        range(1, most, actual)
    }

    /// One attempt, and one more each time that the workflow is troubled. A retry may land on the next worker, which
    /// has yet to find out.
    pub(super) fn attempts_range(&self, actual: u64) -> String {
        range(1, self.attempts(), actual)
    }

    fn attempts(&self) -> Option<u64> {
        Some(1 + self.troubles? * self.instances)
    }

    /// All that the scenario starts, and any number of restarts.
    pub(super) fn starts_range(&self, actual: u64) -> String {
        range(self.instances, None, actual)
    }

    /// From not at all to as often as the scenario lets a fault fire.
    pub(super) fn firing_range(fault: &Value, actual: u64) -> String {
        range(0, fault["count"].as_u64(), actual)
    }
}

fn troubles(fault: &Value) -> Option<u64> {
    let (name, parameters) = action(fault)?;
    if HARMLESS.contains(&name) {
        return Some(0);
    }
    if !fault["lasts"].is_null() {
        return None;
    }
    let times = parameters["times"].as_u64().or_else(|| ONCE.contains(&name).then_some(1))?;
    Some(fault["count"].as_u64().unwrap_or(1) * times)
}

/// Name and parameters of a fault's action.
pub(super) fn action(fault: &Value) -> Option<(&str, &Value)> {
    fault["action"].as_object()?.iter().next().map(|(name, parameters)| (name.as_str(), parameters))
}

/// `1..8 (races)`, the same in each run. What lies outside is no race, and is said.
fn range(least: u64, most: Option<u64>, actual: u64) -> String {
    let bounds = most.map_or_else(|| format!("{least}.."), |most| format!("{least}..{most}"));
    if actual >= least && most.is_none_or(|most| actual <= most) {
        format!("{bounds} (races)")
    } else {
        format!("{actual}, not {bounds}")
    }
}
