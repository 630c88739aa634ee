"""The two grants. Whatever must survive is on disk before the access token is returned."""

from dataclasses import dataclass
from typing import Protocol

from .secret import Secret
from .token_endpoint import Issued
from .token_file import Locked, RefreshTokenFile


class Endpoint(Protocol):
    """What a grant asks of the token endpoint."""

    async def client_credentials(self) -> Issued: ...

    async def refresh(self, token: Secret) -> Issued: ...


class Grant(Protocol):
    """Gets one new access token, or raises `Failure`."""

    async def __call__(self) -> Secret: ...


class ClientCredentials:
    """RFC 6749 §4.4: the client acts for itself."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self) -> Secret:
        return (await self._endpoint.client_credentials()).access_token


@dataclass(frozen=True)
class _Rotation:
    """A rotation that could not be written: `old` is in the file, `new` is what the identity provider knows."""

    old: Secret
    new: Secret


class Refresh:
    """RFC 6749 §6: the client acts for whoever consented. Each use may replace the refresh token (RFC 9700 §4.14).

    If no answer comes, the file still holds the token that was sent, and the retry presents it again: the identity
    provider alone knows whether it rotated, and its grace period or its refusal decides.
    """

    def __init__(self, endpoint: Endpoint, file: RefreshTokenFile) -> None:
        self._endpoint = endpoint
        self._file = file
        self._unsaved: _Rotation | None = None

    async def __call__(self) -> Secret:
        async with self._file.locked() as locked:
            presented = self._newest(locked)
            issued = await self._endpoint.refresh(presented)
            if issued.refresh_token is not None:
                self._save(locked, _Rotation(presented, issued.refresh_token))
            return issued.access_token

    def _save(self, locked: Locked, rotation: _Rotation) -> None:
        self._unsaved = rotation
        locked.write(rotation.new)
        self._unsaved = None

    def _newest(self, locked: Locked) -> Secret:
        """What to present: the file's token, unless this process knows that it could not save its successor."""
        stored = locked.read()
        unsaved = self._unsaved
        if unsaved is None or unsaved.old != stored:
            return stored
        self._save(locked, unsaved)
        return unsaved.new
