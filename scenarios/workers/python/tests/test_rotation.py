import asyncio
import tempfile
import unittest
from pathlib import Path

from sync_orders.failure import Failure, Kind
from sync_orders.grant import Refresh
from sync_orders.secret import Secret
from sync_orders.token_endpoint import Issued
from sync_orders.token_file import RefreshTokenFile


class Rotating:
    """Rotates: presented `r` gives `r+`, and so on; remembers what was presented and what the file held meanwhile."""

    def __init__(self, lose_first_reply: bool = False, obstacle: Path | None = None) -> None:
        self.presented: list[str] = []
        self._lose_first_reply = lose_first_reply
        self._obstacle = obstacle

    async def client_credentials(self) -> Issued:
        raise AssertionError("a refresh was expected")

    async def refresh(self, token: Secret) -> Issued:
        self.presented.append(token.reveal())
        await asyncio.sleep(0)
        if self._obstacle is not None:
            self._obstacle.mkdir()
            self._obstacle = None
        if self._lose_first_reply and len(self.presented) == 1:
            raise Failure(Kind.IDP_UNAVAILABLE, "identity provider: connection ended without an answer")
        return Issued(Secret(f"access-{len(self.presented)}"), Secret(token.reveal() + "+"))


class RotationTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "refresh-token"
        self.path.write_text("r\n")

    async def test_a_rotated_token_is_saved_before_the_access_token_is_out(self) -> None:
        idp = Rotating()
        grant = Refresh(idp, RefreshTokenFile(self.path))
        self.assertEqual(await grant(), Secret("access-1"))
        self.assertEqual(self.path.read_text(), "r+")
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertFalse(self.path.with_name("refresh-token.new").exists())
        await grant()
        self.assertEqual(idp.presented, ["r", "r+"])

    async def test_a_lost_reply_makes_the_retry_present_the_same_token(self) -> None:
        idp = Rotating(lose_first_reply=True)
        grant = Refresh(idp, RefreshTokenFile(self.path))
        with self.assertRaises(Failure):
            await grant()
        await grant()
        self.assertEqual(idp.presented, ["r", "r"])

    async def test_a_rotation_that_cannot_be_saved_is_neither_used_nor_forgotten(self) -> None:
        aside = self.path.with_name("refresh-token.new")
        idp = Rotating(obstacle=aside)
        grant = Refresh(idp, RefreshTokenFile(self.path))
        with self.assertRaises(Failure) as caught:
            await grant()
        self.assertIs(caught.exception.kind, Kind.TOKEN_STORE_UNAVAILABLE)
        aside.rmdir()
        await grant()
        self.assertEqual(idp.presented, ["r", "r+"])
        self.assertEqual(self.path.read_text(), "r++")

    async def test_two_processes_redeem_each_token_once(self) -> None:
        idp = Rotating()
        # A file object of its own takes the lock as another process does.
        both = [Refresh(idp, RefreshTokenFile(self.path)) for _ in range(2)]
        await asyncio.gather(*(grant() for grant in both))
        self.assertEqual(idp.presented, ["r", "r+"])

    async def test_a_lock_that_never_comes_free_is_a_failure(self) -> None:
        async with RefreshTokenFile(self.path).locked():
            with self.assertRaises(Failure) as caught:
                async with RefreshTokenFile(self.path, patience=0).locked():
                    self.fail("locked twice")
        self.assertIs(caught.exception.kind, Kind.TOKEN_STORE_UNAVAILABLE)

    async def test_a_shorter_token_leaves_nothing_of_a_torn_write(self) -> None:
        self.path.with_name("refresh-token.new").write_text("torn-and-long")
        async with RefreshTokenFile(self.path).locked() as locked:
            locked.write(Secret("new"))
            self.assertEqual(locked.read(), Secret("new"))

    async def test_an_empty_or_missing_file_is_a_failure(self) -> None:
        self.path.write_text(" \n")
        for path in (self.path, self.path.with_name("missing")):
            with self.subTest(path.name):
                async with RefreshTokenFile(path).locked() as locked:
                    with self.assertRaises(Failure):
                        locked.read()
