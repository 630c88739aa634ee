import tempfile
import unittest
from pathlib import Path

from sync_orders.frontend_key import read_key
from sync_orders.secret import Secret


class FrontendKeyTest(unittest.TestCase):
    def read(self, text: str) -> Secret | None:
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / "key"
            file.write_bytes(text.encode())
            return read_key(file)

    def test_a_newline_at_the_end_is_no_part_of_it(self) -> None:
        for text in ("key", "key\n", " key\r\n"):
            with self.subTest(text):
                self.assertEqual(self.read(text), Secret("key"))

    def test_what_no_header_can_carry_is_no_bearer(self) -> None:
        for text in ("", "\n", "two\nlines", "two words", "k\u00e4y"):
            with self.subTest(text):
                self.assertIsNone(self.read(text))

    def test_a_file_that_is_not_there_is_an_error(self) -> None:
        with self.assertRaises(OSError):
            read_key(Path("/nowhere/key"))
