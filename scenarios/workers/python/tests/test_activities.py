import asyncio
import dataclasses
import unittest
from datetime import timedelta
from typing import Any

from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.api.failure.v1 import Failure as Stored
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from sync_orders.activities import ItemsInput, OrderActivities
from sync_orders.failure import Failure, Kind
from sync_orders.orders import Call, Orders
from sync_orders.reporting import TypedFailures


class Pages(Orders):
    """Remembers which pages were read; `stuck` is read for ever."""

    def __init__(self, stuck: int | None = None) -> None:
        self.read: list[int] = []
        self.is_stuck = asyncio.Event()
        self._stuck = stuck

    async def items(self, call: Call, order: str, page: int) -> Any:
        if page == self._stuck:
            self.is_stuck.set()
            await asyncio.Event().wait()
        self.read.append(page)


class ListItemsTest(unittest.IsolatedAsyncioTestCase):
    async def test_each_page_is_reported_and_a_retry_goes_on_after_the_last(self) -> None:
        pages = Pages()
        activities = OrderActivities(pages)
        environment = ActivityEnvironment()
        reported: list[Any] = []
        environment.on_heartbeat = lambda *details: reported.append(details)
        self.assertEqual(await environment.run(activities.list_items, ItemsInput("7", 3)), 3)
        self.assertEqual((pages.read, reported), ([1, 2, 3], [(1,), (2,), (3,)]))
        pages.read.clear()
        environment.info = dataclasses.replace(environment.info, heartbeat_details=[2])
        await environment.run(activities.list_items, ItemsInput("7", 3))
        self.assertEqual(pages.read, [3])

    async def test_a_cancelled_activity_stops_at_once(self) -> None:
        pages = Pages(stuck=2)
        environment = ActivityEnvironment()
        running = asyncio.create_task(environment.run(OrderActivities(pages).list_items, ItemsInput("7", 3)))
        await pages.is_stuck.wait()
        environment.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await running
        self.assertEqual(pages.read, [1])


class Raises(ActivityInboundInterceptor):
    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        try:
            raise ValueError("hush-hush")
        except ValueError:
            raise self._error


class ReportingTest(unittest.IsolatedAsyncioTestCase):
    async def reported(self, error: BaseException) -> ApplicationError:
        inbound = TypedFailures().intercept_activity(Raises(error))
        with self.assertLogs("sync_orders") as logs, self.assertRaises(ApplicationError) as caught:
            await inbound.execute_activity(ExecuteActivityInput(print, [], None, {}))
        stored = Stored()
        await DataConverter.default.encode_failure(caught.exception, stored)
        self.assertFalse(stored.HasField("cause"))
        self.assertNotIn("hush", f"{stored} {logs.output}")
        return caught.exception

    async def test_a_permanent_failure_is_typed_and_not_retried(self) -> None:
        error = await self.reported(Failure(Kind.TOKEN_REVOKED, "identity provider: invalid_grant"))
        self.assertEqual((error.type, error.non_retryable), ("TokenRevoked", True))
        self.assertEqual(error.message, "identity provider: invalid_grant")

    async def test_a_transient_failure_is_retried_when_the_other_side_wishes(self) -> None:
        error = await self.reported(Failure(Kind.RATE_LIMITED, "API: status 429", 3.0))
        self.assertEqual((error.type, error.non_retryable), ("RateLimited", False))
        self.assertEqual(error.next_retry_delay, timedelta(seconds=3))

    async def test_a_mistake_is_told_without_its_text(self) -> None:
        error = await self.reported(KeyError("hush-hush"))
        self.assertEqual((error.type, error.message), ("Unexpected", "worker: KeyError"))
        self.assertFalse(error.non_retryable)

    async def test_cancellation_passes(self) -> None:
        inbound = TypedFailures().intercept_activity(Raises(asyncio.CancelledError()))
        with self.assertRaises(asyncio.CancelledError):
            await inbound.execute_activity(ExecuteActivityInput(print, [], None, {}))
