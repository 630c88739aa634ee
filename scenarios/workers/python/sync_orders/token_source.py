"""The cached token and the one grant that replaces it."""

import asyncio

from .grant import Grant
from .secret import Secret


class TokenSource:
    """Caches one token, and asks for a new one only when there is none. One per identity: client, scopes, audience.

    - Single flight: callers that find no token await the same grant, so an expiry that hits a hundred activities costs
      one request. A grant that fails fails its waiters; the next caller starts afresh.
    - Refresh on retry: a token is used until the API refuses it. No clock and no `expires_in` is read, so neither a
      skewed clock nor a wrong lifetime can hurt.
    - Only the very token that was refused is dropped; a late refusal of the old one does not throw away the new one.
    - A grant runs in a task of its own: a cancelled activity cannot interrupt a rotation half-way.
    """

    def __init__(self, grant: Grant) -> None:
        self._grant = grant
        self._cached: Secret | None = None
        self._flight: asyncio.Task[Secret] | None = None

    async def get(self) -> Secret:
        """A token that, as far as is known, is good. Raises `Failure`."""
        if self._cached is not None:
            return self._cached
        if self._flight is None:
            self._flight = asyncio.create_task(self._fly())
            self._flight.add_done_callback(_heard)
        return await asyncio.shield(self._flight)

    def invalidate(self, refused: Secret) -> None:
        """Says that `refused` was refused. A newer token stays."""
        if self._cached == refused:
            self._cached = None

    async def settle(self) -> None:
        """Waits until no grant is under way, so that a rotated refresh token is not lost on shutdown."""
        if self._flight is not None:
            await asyncio.wait({self._flight})

    async def _fly(self) -> Secret:
        try:
            self._cached = await self._grant()
            return self._cached
        finally:
            self._flight = None


def _heard(flight: asyncio.Task[Secret]) -> None:
    """All its callers may have been cancelled; then nobody else would hear of the failure, and asyncio complains."""
    if not flight.cancelled():
        flight.exception()
