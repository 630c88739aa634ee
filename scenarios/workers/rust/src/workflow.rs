//! The workflow: it sees orders and typed failures, never a token, a clock or the environment (FM-03, FM-61).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use temporalio_common::RetryPolicy;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{ActivityOptions, WorkflowContext, WorkflowResult};

use crate::activities::{ItemsInput, OrderActivities, OrderInput};
use crate::failure::Kind;

/// What the workflow is started with.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SyncInput {
    /// The order's id.
    pub order: String,
    /// How many pages of items to read; absent means none.
    #[serde(default)]
    pub pages: Option<u32>,
    /// How failed activities are retried. It is input, not environment: a workflow must be deterministic.
    #[serde(default)]
    pub retry: Retry,
}

/// The retry policy of all activities.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(default)]
pub struct Retry {
    /// Milliseconds before the first retry; doubles with each.
    pub initial_ms: u64,
    /// The longest wait, in milliseconds.
    pub max_ms: u64,
    /// How many attempts; 0 is no limit, so that no outage, however long, ends a workflow (FM-06).
    pub attempts: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self { initial_ms: 1_000, max_ms: 60_000, attempts: 0 }
    }
}

impl Retry {
    fn policy(self) -> RetryPolicy {
        RetryPolicy::builder()
            .initial_interval(Duration::from_millis(self.initial_ms))
            .maximum_interval(Duration::from_millis(self.max_ms.max(self.initial_ms)))
            .maximum_attempts(self.attempts)
            .non_retryable_error_types(Kind::PERMANENT.map(Kind::name))
            .build()
    }

    /// Longer than the worker's HTTP timeout, so that the activity says what happened and not the server.
    fn short(self) -> ActivityOptions {
        ActivityOptions::with_start_to_close_timeout(Duration::from_secs(10)).retry_policy(self.policy()).build()
    }

    /// A dead worker is noticed by its missing heartbeats, long before the work's own limit.
    fn long(self) -> ActivityOptions {
        ActivityOptions::with_start_to_close_timeout(Duration::from_secs(600))
            .heartbeat_timeout(Duration::from_secs(10))
            .retry_policy(self.policy())
            .build()
    }
}

/// Reads an order, reads its items, ships it.
#[workflow]
#[derive(Default)]
pub struct SyncOrders;

#[workflow_methods]
impl SyncOrders {
    /// Runs it; the result is what the API said to the shipment.
    #[run(name = "SyncOrders")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: SyncInput) -> WorkflowResult<Value> {
        let order = OrderInput { order: input.order };
        ctx.execute_activity(OrderActivities::fetch_order, order.clone(), input.retry.short()).await?;
        if let Some(pages) = input.pages {
            let items = ItemsInput { order: order.order.clone(), pages };
            ctx.execute_activity(OrderActivities::list_items, items, input.retry.long()).await?;
        }
        let shipped = ctx.execute_activity(OrderActivities::ship_order, order, input.retry.short()).await?;
        Ok(shipped)
    }
}
