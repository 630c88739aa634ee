import asyncio
import gc
import unittest
from typing import Any

from sync_orders.failure import Failure, Kind
from sync_orders.secret import Secret
from sync_orders.token_source import TokenSource


class Counted:
    """Counts grants; each waits until it may go on, and the first fails if told so."""

    def __init__(self, fail_first: bool = False, wait: bool = False) -> None:
        self.count = 0
        self.go = asyncio.Event()
        self._fail_first = fail_first
        if not wait:
            self.go.set()

    async def __call__(self) -> Secret:
        self.count += 1
        n = self.count
        await self.go.wait()
        if self._fail_first and n == 1:
            raise Failure(Kind.IDP_UNAVAILABLE, "identity provider: status 503")
        return Secret(f"token-{n}")


class TokenSourceTest(unittest.IsolatedAsyncioTestCase):
    async def test_many_callers_share_one_grant(self) -> None:
        grant = Counted(wait=True)
        source = TokenSource(grant)
        waiting = [asyncio.create_task(source.get()) for _ in range(64)]
        while grant.count == 0:
            await asyncio.sleep(0)
        grant.go.set()
        self.assertEqual(set(await asyncio.gather(*waiting)), {Secret("token-1")})
        self.assertEqual(await source.get(), Secret("token-1"))
        self.assertEqual(grant.count, 1)

    async def test_a_failed_grant_fails_its_waiters_and_nobody_else(self) -> None:
        grant = Counted(fail_first=True)
        source = TokenSource(grant)
        both = await asyncio.gather(source.get(), source.get(), return_exceptions=True)
        self.assertTrue(all(isinstance(one, Failure) for one in both))
        self.assertEqual(await source.get(), Secret("token-2"))
        self.assertEqual(grant.count, 2)

    async def test_only_the_refused_token_is_dropped(self) -> None:
        grant = Counted()
        source = TokenSource(grant)
        old = await source.get()
        source.invalidate(old)
        new = await source.get()
        self.assertEqual(new, Secret("token-2"))
        source.invalidate(old)
        self.assertEqual(await source.get(), new)
        self.assertEqual(grant.count, 2)

    async def test_a_cancelled_caller_does_not_cancel_the_grant(self) -> None:
        grant = Counted(wait=True)
        source = TokenSource(grant)
        caller = asyncio.create_task(source.get())
        while grant.count == 0:
            await asyncio.sleep(0)
        caller.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await caller
        grant.go.set()
        await source.settle()
        self.assertEqual(await source.get(), Secret("token-1"))
        self.assertEqual(grant.count, 1)

    async def test_a_failure_that_nobody_awaits_is_no_complaint(self) -> None:
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        grant = Counted(fail_first=True, wait=True)
        source = TokenSource(grant)
        caller = asyncio.create_task(source.get())
        while grant.count == 0:
            await asyncio.sleep(0)
        caller.cancel()
        await asyncio.wait({caller})
        grant.go.set()
        await source.settle()
        del caller
        gc.collect()
        self.assertEqual(complaints, [])
