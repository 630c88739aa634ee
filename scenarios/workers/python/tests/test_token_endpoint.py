import base64
import socket
import unittest
from contextlib import aclosing
from typing import Any
from urllib.parse import parse_qs

from sync_orders.failure import Failure, Kind
from sync_orders.secret import Secret
from sync_orders.settings import OAuth
from sync_orders.token_endpoint import Issued, TokenEndpoint

from .server import Reply, Request, Server

GRANTED = Reply(body={"access_token": "t0k", "token_type": "bearer"})


def settings(url: str, **changes: Any) -> OAuth:
    given = {
        "token_url": f"{url}/token",
        "issuer": None,
        "client_id": "client",
        "client_secret": Secret("s3cret+/:%"),
        "client_auth": "client_secret_basic",
        "scopes": "orders.read orders.write",
        "refresh_token_file": None,
    }
    return OAuth(**(given | changes))


def endpoint(url: str, timeout: float = 5.0, **changes: Any) -> Any:
    return aclosing(TokenEndpoint(settings(url, **changes), timeout))


async def answer(reply: Reply) -> Issued:
    with Server(reply) as idp:
        async with endpoint(idp.url) as client:
            issued = await client.client_credentials()
        assert len(idp.requests) == 1
        return issued


class TokenEndpointTest(unittest.IsolatedAsyncioTestCase):
    async def refused(self, reply: Reply) -> Failure:
        with self.assertRaises(Failure) as caught:
            await answer(reply)
        return caught.exception

    async def test_a_lifetime_of_any_shape_is_no_concern(self) -> None:
        shapes: list[dict[str, Any]] = [{}, *({"expires_in": life} for life in (None, "3600", -1, "1h", [1]))]
        for more in shapes:
            with self.subTest(more):
                body = {"access_token": "t0k", "token_type": "bearer", "refresh_token": "r"} | more
                self.assertEqual(await answer(Reply(body=body)), Issued(Secret("t0k"), Secret("r")))
        self.assertEqual(await answer(Reply(body={"access_token": "t0k", "scope": [1]})), Issued(Secret("t0k"), None))

    async def test_answers_are_permanent_only_if_the_protocol_says_so(self) -> None:
        def error(status: int, code: Any) -> Reply:
            return Reply(status, {"error": code, "error_description": "hush-hush"})

        html = "<html>hush-hush</html>"
        cases = [
            (error(400, "invalid_grant"), Kind.TOKEN_REVOKED),
            (error(401, "invalid_client"), Kind.TOKEN_REVOKED),
            (error(400, "unauthorized_client"), Kind.TOKEN_REVOKED),
            (error(400, "access_denied"), Kind.TOKEN_REVOKED),
            (error(401, "disabled_client"), Kind.TOKEN_REVOKED),
            # Auth0 and a dead refresh token.
            (error(403, "invalid_grant"), Kind.TOKEN_REVOKED),
            (error(400, "invalid_scope"), Kind.INSUFFICIENT_SCOPE),
            (error(400, "slow_down"), Kind.RATE_LIMITED),
            (error(400, "temporarily_unavailable"), Kind.IDP_UNAVAILABLE),
            (error(400, "hush-hush"), Kind.IDP_UNAVAILABLE),
            (error(400, ["invalid_grant"]), Kind.IDP_UNAVAILABLE),
            # The right words from the wrong place are a fault.
            (error(503, "invalid_grant"), Kind.IDP_UNAVAILABLE),
            (error(403, "access_denied"), Kind.IDP_UNAVAILABLE),
            (error(200, "hush-hush"), Kind.IDP_UNAVAILABLE),
            (Reply(400, {"access_token": "hush-hush"}), Kind.IDP_UNAVAILABLE),
            (Reply(502, html), Kind.IDP_UNAVAILABLE),
            (Reply(200, html), Kind.IDP_UNAVAILABLE),
            (Reply(401, html), Kind.IDP_UNAVAILABLE),
            (Reply(403, html), Kind.IDP_UNAVAILABLE),
            (Reply(200, []), Kind.IDP_UNAVAILABLE),
            (Reply(200, {}), Kind.IDP_UNAVAILABLE),
            (Reply(200, {"access_token": ""}), Kind.IDP_UNAVAILABLE),
            (Reply(200, {"access_token": 7}), Kind.IDP_UNAVAILABLE),
            (Reply(200, {"access_token": "hush-hush\n"}), Kind.IDP_UNAVAILABLE),
            (Reply(200, '{"access_token": "hush-hush'), Kind.IDP_UNAVAILABLE),
            (Reply(302, "", {"Location": "/login"}), Kind.IDP_UNAVAILABLE),
            (Reply(500), Kind.IDP_UNAVAILABLE),
            (Reply(503), Kind.IDP_UNAVAILABLE),
            (Reply(429), Kind.RATE_LIMITED),
        ]
        for reply, kind in cases:
            with self.subTest(reply):
                failure = await self.refused(reply)
                self.assertIs(failure.kind, kind)
                self.assertNotRegex(f"{failure!r} {failure.__context__!r}", "hush|127.0.0.1")

    async def test_a_wish_to_wait_is_passed_on(self) -> None:
        for status in (429, 503):
            failure = await self.refused(Reply(status, "", {"Retry-After": "2"}))
            self.assertEqual((failure.kind, failure.retry_after), (Kind.RATE_LIMITED, 2))

    async def test_nobody_there_is_an_outage(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        async with endpoint(f"http://127.0.0.1:{port}") as client:
            with self.assertRaisesRegex(Failure, "^identity provider: cannot connect$"):
                await client.client_credentials()

    async def test_no_answer_in_time_is_an_outage(self) -> None:
        with Server(lambda _: None) as idp:
            async with endpoint(idp.url, timeout=0.05) as client:
                with self.assertRaisesRegex(Failure, "^identity provider: no answer in time$"):
                    await client.client_credentials()

    async def test_the_client_authenticates_as_configured(self) -> None:
        with Server(GRANTED) as idp:
            for method in ("client_secret_basic", "client_secret_post"):
                async with endpoint(idp.url, client_auth=method) as client:
                    await client.client_credentials()
        by_header, by_body = idp.requests
        # Each half is form-encoded (RFC 6749 §2.3.1).
        pair = base64.b64encode(b"client:s3cret%2B%2F%3A%25").decode()
        self.assertEqual(by_header.headers["Authorization"], f"Basic {pair}")
        form = {"grant_type": ["client_credentials"], "scope": ["orders.read orders.write"]}
        self.assertEqual(parse_qs(by_header.body), form)
        more = {"client_id": ["client"], "client_secret": ["s3cret+/:%"]}
        self.assertEqual(parse_qs(by_body.body), form | more)
        self.assertIsNone(by_body.headers["Authorization"])

    async def test_an_audience_is_asked_for_where_one_is_set(self) -> None:
        with Server(GRANTED) as idp:
            async with endpoint(idp.url, audience="https://api.example") as client:
                await client.client_credentials()
        self.assertEqual(parse_qs(idp.requests[0].body)["audience"], ["https://api.example"])

    async def test_a_refresh_presents_the_token_and_asks_for_no_scope(self) -> None:
        replies = iter([{"access_token": "a", "refresh_token": "new"}, {"access_token": "b"}])
        with Server(lambda _: Reply(body=next(replies))) as idp:
            async with endpoint(idp.url) as client:
                self.assertEqual(await client.refresh(Secret("old+/=")), Issued(Secret("a"), Secret("new")))
                self.assertEqual(await client.refresh(Secret("new")), Issued(Secret("b"), None))
        form = {"grant_type": ["refresh_token"], "refresh_token": ["old+/="]}
        self.assertEqual(parse_qs(idp.requests[0].body), form)

    async def test_the_endpoint_is_found_by_discovery_once(self) -> None:
        def discovery(request: Request) -> Reply:
            if request.path == "/token":
                return GRANTED
            return Reply(body={"issuer": idp.url, "token_endpoint": f"{idp.url}/token"})

        with Server(discovery) as idp:
            async with endpoint(idp.url, token_url=None, issuer=f"{idp.url}/") as client:
                await client.client_credentials()
                await client.client_credentials()
        paths = [request.path for request in idp.requests]
        self.assertEqual(paths, ["/.well-known/openid-configuration", "/token", "/token"])

    async def test_a_useless_discovery_document_is_an_outage(self) -> None:
        def of_another_issuer(request: Request) -> Reply:
            return Reply(body={"issuer": "http://evil.example", "token_endpoint": f"{idp.url}/token"})

        for document in (of_another_issuer, Reply(body="<html>"), Reply(503)):
            with self.subTest(document), Server(document) as idp:
                async with endpoint(idp.url, token_url=None, issuer=idp.url) as client:
                    with self.assertRaises(Failure) as caught:
                        await client.client_credentials()
                self.assertIs(caught.exception.kind, Kind.IDP_UNAVAILABLE)
                self.assertEqual(len(idp.requests), 1)
