"""The workflow: it sees orders and typed failures, never a token, a clock or the environment."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from .activities import ItemsInput, OrderActivities, OrderInput
    from .failure import PERMANENT


@dataclass
class Retry:
    """The retry policy of all activities. It is input, not environment: a workflow must be deterministic."""

    initial_ms: int = 1_000
    """Milliseconds before the first retry; doubles with each."""
    max_ms: int = 60_000
    """The longest wait, in milliseconds."""
    attempts: int = 0
    """How many attempts; 0 is no limit, so that no outage, however long, ends a workflow."""

    def policy(self) -> RetryPolicy:
        return RetryPolicy(
            initial_interval=timedelta(milliseconds=self.initial_ms),
            maximum_interval=timedelta(milliseconds=max(self.max_ms, self.initial_ms)),
            maximum_attempts=self.attempts,
            non_retryable_error_types=sorted(kind.value for kind in PERMANENT),
        )


@dataclass
class SyncInput:
    """What the workflow is started with."""

    order: str
    pages: int | None = None
    """How many pages of items to read; absent means none."""
    retry: Retry = field(default_factory=Retry)


@workflow.defn(name="SyncOrders")
class SyncOrders:
    """Reads an order, reads its items, ships it."""

    @workflow.run
    async def run(self, input: SyncInput) -> Any:
        """The result is what the API said to the shipment."""
        policy = input.retry.policy()
        # Longer than the worker's HTTP timeout, so that the activity says what happened and not the server.
        short = timedelta(seconds=10)
        order = OrderInput(input.order)
        await workflow.execute_activity_method(
            OrderActivities.fetch_order, order, start_to_close_timeout=short, retry_policy=policy
        )
        if input.pages is not None:
            await workflow.execute_activity_method(
                OrderActivities.list_items,
                ItemsInput(input.order, input.pages),
                start_to_close_timeout=timedelta(minutes=10),
                # A dead worker is noticed by its missing heartbeats, long before the work's own limit.
                heartbeat_timeout=timedelta(seconds=10),
                retry_policy=policy,
            )
        return await workflow.execute_activity_method(
            OrderActivities.ship_order, order, start_to_close_timeout=short, retry_policy=policy
        )
