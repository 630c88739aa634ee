"""The refresh token's file, shared by all worker processes of this identity."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from .failure import Failure, Kind
from .secret import Secret

PATIENCE = 15.0
"""Seconds to wait for another process that redeems the token; its own HTTP timeout is shorter."""
_POLL = 0.005


class RefreshTokenFile:
    """A file that holds one refresh token, mode 0600; its lock is the file of the same name with `.lock` added.

    Whoever redeems it holds the lock from before reading until after writing: a lock that is taken after the token was
    read protects nothing.
    """

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self._path = path
        self._patience = patience

    @asynccontextmanager
    async def locked(self) -> AsyncIterator["Locked"]:
        """Waits for the lock. The kernel frees it when its holder dies."""
        try:
            lock = _open_private(_beside(self._path, ".lock"))
        except OSError:
            raise _failure("cannot open the refresh token's lock") from None
        try:
            await self._acquire(lock)
            yield Locked(self._path)
        finally:
            os.close(lock)

    async def _acquire(self, lock: int) -> None:
        deadline = asyncio.get_running_loop().time() + self._patience
        # Trying again instead of blocking a thread: shutdown need not wait for the thread.
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if asyncio.get_running_loop().time() > deadline:
                    raise _failure("another process keeps the refresh token") from None
            except OSError:
                raise _failure("cannot lock the refresh token") from None
            await asyncio.sleep(_POLL)


class Locked:
    """The file while it is locked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Secret:
        """The newest refresh token."""
        try:
            text = self._path.read_text().strip()
        except (OSError, UnicodeError):
            raise _failure("cannot read the refresh token") from None
        if not text:
            raise _failure("the refresh token's file is empty")
        return Secret(text)

    def write(self, token: Secret) -> None:
        """Replaces the refresh token so that a crash at any moment leaves the old one or the new one, whole."""
        try:
            aside = _beside(self._path, ".new")
            with open(_open_private(aside), "w") as file:
                file.truncate()
                file.write(token.reveal())
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError:
            raise _failure("cannot save the rotated refresh token") from None


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _open_private(path: Path) -> int:
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    # The mode above counts only for a new file.
    os.fchmod(file, 0o600)
    return file


def _failure(text: str) -> Failure:
    return Failure(Kind.TOKEN_STORE_UNAVAILABLE, f"worker: {text}")
