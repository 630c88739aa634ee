//! Retry policies and timeouts, as the histories show them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::journal::{Activity, Event, Failure, Run, WorkflowId};

/// Temporal's default for workflow tasks.
const WORKFLOW_TASK_MS: u64 = 10_000;

/// How an activity was scheduled. Times in milliseconds, 0 for none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plan {
    initial_ms: u64,
    coefficient: f64,
    maximum_ms: u64,
    start_to_close_ms: u64,
    schedule_to_close_ms: u64,
    heartbeat_ms: u64,
}

impl Plan {
    fn read(attributes: &Value) -> Self {
        let retry = &attributes["retry_policy"];
        let policy =
            |camel: &str, snake: &str| millis(if retry[camel].is_null() { &retry[snake] } else { &retry[camel] });
        let initial_ms = policy("initialInterval", "initial_interval").unwrap_or(1000);
        let coefficient =
            retry["backoffCoefficient"].as_f64().or_else(|| retry["backoff_coefficient"].as_f64()).unwrap_or(2.0);
        let timeout = |name: &str| millis(&attributes[name]).unwrap_or(0);
        Self {
            initial_ms,
            coefficient: if coefficient < 1.0 { 2.0 } else { coefficient },
            maximum_ms: policy("maximumInterval", "maximum_interval").filter(|ms| *ms > 0).unwrap_or(100 * initial_ms),
            start_to_close_ms: timeout("start_to_close_timeout"),
            schedule_to_close_ms: timeout("schedule_to_close_timeout"),
            heartbeat_ms: timeout("heartbeat_timeout"),
        }
    }

    /// How long the server waits after attempt number `attempt` (from 1) failed.
    pub(super) fn backoff_ms(&self, attempt: u32, failure: &Failure) -> u64 {
        if failure.non_retryable {
            return 0;
        }
        if let Some(wish) = failure.next_retry_delay_ms {
            return wish;
        }
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let wait = self.initial_ms as f64 * self.coefficient.powi(exponent);
        if wait < self.maximum_ms as f64 { wait as u64 } else { self.maximum_ms }
    }

    /// After how long the server gives up an attempt of which nothing is heard, with the timeout's name.
    pub(super) fn timeout(&self) -> (u64, &'static str) {
        let timeouts = [
            (self.heartbeat_ms, "heartbeat timeout"),
            (self.start_to_close_ms, "start-to-close timeout"),
            (self.schedule_to_close_ms, "schedule-to-close timeout"),
        ];
        timeouts.into_iter().filter(|(ms, _)| *ms > 0).min_by_key(|(ms, _)| *ms).unwrap_or((0, "no timeout"))
    }
}

/// What all histories say.
pub(super) struct Histories {
    plans: BTreeMap<Activity, Plan>,
    pub(super) workflow_task_ms: u64,
    /// Workflows with a task that the server gave out and that nobody has answered, or not in time.
    lost_tasks: BTreeSet<WorkflowId>,
}

impl Histories {
    pub(super) fn of(run: &Run<'_>) -> Self {
        let (mut plans, mut workflow_task_ms) = (BTreeMap::new(), 0);
        let (mut given_out, mut timed_out) = (BTreeSet::new(), BTreeSet::new());
        for record in run.records() {
            let Event::HistoryEvent { workflow, event, attributes, .. } = &record.event else { continue };
            match event.as_str() {
                "WORKFLOW_TASK_STARTED" => drop(given_out.insert(workflow.clone())),
                "WORKFLOW_TASK_COMPLETED" | "WORKFLOW_TASK_FAILED" => drop(given_out.remove(workflow)),
                "WORKFLOW_TASK_TIMED_OUT" => drop(timed_out.insert(workflow.clone())),
                _ => {}
            }
            let inner = &attributes["attributes"];
            if let Some(scheduled) = inner.get("ActivityTaskScheduledEventAttributes") {
                let id = scheduled["activity_id"].as_str().unwrap_or_default().to_owned();
                plans.insert(Activity { workflow: workflow.clone(), id }, Plan::read(scheduled));
            }
            let task = inner.get("WorkflowTaskScheduledEventAttributes");
            workflow_task_ms =
                workflow_task_ms.max(task.and_then(|it| millis(&it["start_to_close_timeout"])).unwrap_or(0));
        }
        given_out.append(&mut timed_out);
        Self {
            plans,
            workflow_task_ms: if workflow_task_ms == 0 { WORKFLOW_TASK_MS } else { workflow_task_ms },
            lost_tasks: given_out,
        }
    }

    /// Whether a task of this workflow was lost on its way, as happens on a busy server: it is given out anew when it has
    /// timed out.
    pub(super) fn lost_a_task(&self, workflow: &WorkflowId) -> bool {
        self.lost_tasks.contains(workflow)
    }

    pub(super) fn plan(&self, activity: &Activity) -> Option<&Plan> {
        self.plans.get(activity)
    }
}

/// A Protocol Buffers duration in its JSON form, `"0.020s"`.
fn millis(value: &Value) -> Option<u64> {
    let seconds: f64 = value.as_str()?.strip_suffix('s')?.parse().ok()?;
    (seconds >= 0.0).then(|| (seconds * 1000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn failure(non_retryable: bool, wish: Option<u64>) -> Failure {
        let mut failure: Failure = serde_json::from_value(json!({"message": "m"})).expect("a failure");
        (failure.non_retryable, failure.next_retry_delay_ms) = (non_retryable, wish);
        failure
    }

    #[test]
    fn a_plan_is_read_as_the_server_writes_it() {
        let plan = Plan::read(&json!({
            "retry_policy": {"initialInterval": "0.020000000s", "backoffCoefficient": 2.0, "maximumInterval": "0.2s"},
            "start_to_close_timeout": "10.000000000s", "schedule_to_close_timeout": "0.000000000s",
            "heartbeat_timeout": "3s",
        }));
        assert_eq!(plan.timeout(), (3_000, "heartbeat timeout"));
        let waits: Vec<_> = (1..=6).map(|attempt| plan.backoff_ms(attempt, &failure(false, None))).collect();
        assert_eq!(waits, [20, 40, 80, 160, 200, 200]);
        assert_eq!(plan.backoff_ms(9, &failure(false, Some(7_000))), 7_000, "the failure's own wish wins");
        assert_eq!(plan.backoff_ms(1, &failure(true, None)), 0);
        assert_eq!(plan.backoff_ms(u32::MAX, &failure(false, None)), 200);
    }

    #[test]
    fn without_a_policy_it_is_temporals_default() {
        let plan = Plan::read(&json!({"start_to_close_timeout": "5s"}));
        assert_eq!((plan.backoff_ms(1, &failure(false, None)), plan.maximum_ms), (1_000, 100_000));
        assert_eq!(plan.timeout(), (5_000, "start-to-close timeout"));
    }
}
