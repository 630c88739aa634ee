"""The protected API: orders."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2

from .failure import Failure, Kind
from .http import answered, client_options
from .retry_after import retry_after
from .token_source import TokenSource


@dataclass(frozen=True)
class Call:
    """Which activity makes a call; the same for all its attempts."""

    workflow_id: str
    activity_id: str

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt, also after a reset of the workflow to an earlier point: neither the attempt nor
        the run is part of it. It relies on workflow ids that are not used again for other work."""
        return f"{self.workflow_id}/{self.activity_id}"


class Orders:
    """The API over HTTP with a bearer token. Every method raises `Failure`."""

    def __init__(self, base: str, tokens: TokenSource, timeout: float) -> None:
        self._base = base.rstrip("/")
        self._tokens = tokens
        self._timeout = timeout
        self._http = httpx2.AsyncClient(**client_options(timeout, base))

    async def fetch(self, call: Call, order: str) -> Any:
        """Reads an order."""
        return await self._send(call, "GET", f"/orders/{quote(order, safe='')}")

    async def items(self, call: Call, order: str, page: int) -> Any:
        """Reads one page of its items; pages count from 1."""
        return await self._send(call, "GET", f"/orders/{quote(order, safe='')}/items?page={page}")

    async def ship(self, call: Call, order: str) -> Any:
        """Ships it, an effect: the API does it once per idempotency key."""
        key = {"Idempotency-Key": call.idempotency_key.encode()}
        return await self._send(call, "POST", f"/orders/{quote(order, safe='')}/ship", key)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _send(self, call: Call, method: str, path: str, headers: dict[str, bytes] | None = None) -> Any:
        """One request. A refused token is dropped here and nowhere else; the next attempt gets a new one, so the retry
        policy, and not a loop in this process, paces the refreshes."""
        token = await self._tokens.get()
        async with answered(Kind.API_UNAVAILABLE, "API", self._timeout):
            reply = await self._http.request(
                method,
                self._base + path,
                headers={
                    "Authorization": f"Bearer {token.reveal()}".encode(),
                    "X-Workflow-Id": call.workflow_id.encode(),
                    **(headers or {}),
                },
            )
        if not reply.is_success:
            failure = _refused(reply)
            if failure.kind is Kind.TOKEN_EXPIRED:
                self._tokens.invalidate(token)
            raise failure
        if not reply.content:
            return None
        try:
            return reply.json()
        except ValueError:
            # A login page with status 200 is no order.
            raise Failure(Kind.API_UNAVAILABLE, "API: answer cannot be read") from None


def _refused(reply: httpx2.Response) -> Failure:
    delay = retry_after(reply.headers)
    return Failure(_kind(reply, delay), f"API: status {reply.status_code}", delay)


def _kind(reply: httpx2.Response, delay: float | None) -> Kind:
    match reply.status_code:
        case 401:
            return Kind.TOKEN_EXPIRED
        case 403 if "insufficient_scope" in reply.headers.get("WWW-Authenticate", ""):
            return Kind.INSUFFICIENT_SCOPE
        case 403:
            # With a wish to wait it is a rate limit in disguise.
            return Kind.FORBIDDEN if delay is None else Kind.RATE_LIMITED
        case 429:
            return Kind.RATE_LIMITED
        case 408 | 409 | 425:
            # 409: the first request with this idempotency key is still being worked on.
            return Kind.API_UNAVAILABLE
        case status if 400 <= status < 500:
            return Kind.API_REJECTED
        case _:
            # Redirects included: they lead to a login page, and are not followed.
            return Kind.API_UNAVAILABLE
