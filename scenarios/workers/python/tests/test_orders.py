import unittest
from contextlib import aclosing
from unittest import mock

from sync_orders.failure import Failure, Kind
from sync_orders.orders import Call, Orders
from sync_orders.secret import Secret
from sync_orders.token_source import TokenSource

from .server import Reply, Server

CALL = Call("wf-1", "2")


class OneToken(TokenSource):
    """Always the same token; remembers what was refused."""

    def __init__(self) -> None:
        self.refused: list[Secret] = []

    async def get(self) -> Secret:
        return Secret("t0k")

    def invalidate(self, refused: Secret) -> None:
        self.refused.append(refused)


class OrdersTest(unittest.IsolatedAsyncioTestCase):
    async def test_every_request_names_its_workflow_and_carries_the_token(self) -> None:
        with Server(Reply(body=True)) as api:
            async with aclosing(Orders(f"{api.url}/", OneToken(), 5.0)) as orders:
                self.assertIs(await orders.fetch(CALL, "a/b"), True)
                await orders.items(CALL, "7", 3)
                await orders.ship(CALL, "7")
        self.assertEqual(
            [(request.method, request.path, request.headers["Idempotency-Key"]) for request in api.requests],
            [
                ("GET", "/orders/a%2Fb", None),
                ("GET", "/orders/7/items?page=3", None),
                ("POST", "/orders/7/ship", "wf-1/2"),
            ],
        )
        for request in api.requests:
            self.assertEqual(request.headers["Authorization"], "Bearer t0k")
            self.assertEqual(request.headers["X-Workflow-Id"], "wf-1")

    async def test_an_empty_answer_is_one(self) -> None:
        with Server(Reply(201)) as api:
            async with aclosing(Orders(api.url, OneToken(), 5.0)) as orders:
                self.assertIsNone(await orders.ship(CALL, "7"))

    async def test_refusals_have_types_and_only_a_401_drops_the_token(self) -> None:
        def challenge(status: int, value: str) -> Reply:
            return Reply(status, "t0k hush-hush", {"WWW-Authenticate": value})

        def waits(status: int) -> Reply:
            return Reply(status, "", {"Retry-After": "3"})

        cases = [
            (challenge(401, 'Bearer error="invalid_token"'), Kind.TOKEN_EXPIRED, None),
            (Reply(401), Kind.TOKEN_EXPIRED, None),
            (challenge(403, 'Bearer error="insufficient_scope"'), Kind.INSUFFICIENT_SCOPE, None),
            (challenge(403, "Bearer"), Kind.FORBIDDEN, None),
            (waits(403), Kind.RATE_LIMITED, 3),
            (waits(429), Kind.RATE_LIMITED, 3),
            (Reply(429), Kind.RATE_LIMITED, None),
            (Reply(500), Kind.API_UNAVAILABLE, None),
            (waits(503), Kind.API_UNAVAILABLE, 3),
            (Reply(302, "", {"Location": "/login"}), Kind.API_UNAVAILABLE, None),
            (Reply(409), Kind.API_UNAVAILABLE, None),
            (Reply(404), Kind.API_REJECTED, None),
            (Reply(200, "<html>hush-hush</html>"), Kind.API_UNAVAILABLE, None),
        ]
        for reply, kind, wait in cases:
            with self.subTest(reply), Server(reply) as api:
                tokens = OneToken()
                async with aclosing(Orders(api.url, tokens, 5.0)) as orders:
                    with self.assertRaises(Failure) as caught:
                        await orders.fetch(CALL, "7")
                failure = caught.exception
                self.assertIs(failure.kind, kind)
                self.assertEqual(failure.retry_after, wait)
                self.assertEqual(tokens.refused, [Secret("t0k")] if kind is Kind.TOKEN_EXPIRED else [])
                self.assertEqual(len(api.requests), 1)
                self.assertNotRegex(repr(failure), "t0k|hush")

    async def test_no_answer_in_time_is_an_outage(self) -> None:
        for answer in (lambda _: None, Reply(dribble=True)):
            with Server(answer) as api:
                async with aclosing(Orders(api.url, OneToken(), 0.05)) as orders:
                    with self.assertRaisesRegex(Failure, "^API: no answer in time$"):
                        await orders.fetch(CALL, "7")

    async def test_a_workflow_id_that_is_no_header_is_not_shown(self) -> None:
        with Server(Reply()) as api:
            async with aclosing(Orders(api.url, OneToken(), 5.0)) as orders:
                with self.assertRaisesRegex(Failure, "^API: request cannot be built$"):
                    await orders.fetch(Call("wf\r\nX: 1", "2"), "7")
        self.assertEqual(api.requests, [])

    async def test_proxies_are_bypassed_as_no_proxy_says(self) -> None:
        trap = {name: "http://127.0.0.1:1" for name in ("http_proxy", "https_proxy", "all_proxy")}
        with Server(Reply(body=True)) as api:
            with mock.patch.dict("os.environ", trap | {"no_proxy": "127.0.0.1,localhost"}):
                direct = Orders(api.url, OneToken(), 5.0)
            with mock.patch.dict("os.environ", trap | {"no_proxy": ""}):
                trapped = Orders(api.url, OneToken(), 5.0)
            async with aclosing(direct), aclosing(trapped):
                self.assertIs(await direct.fetch(CALL, "7"), True)
                with self.assertRaises(Failure):
                    await trapped.fetch(CALL, "7")
        self.assertEqual(len(api.requests), 1)
