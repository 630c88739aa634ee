import unittest

from httpx2 import Headers

from sync_orders.retry_after import LONGEST, retry_after

NOW = "Sun, 06 Nov 1994 08:49:37 GMT"


class RetryAfterTest(unittest.TestCase):
    def test_every_form_is_read(self) -> None:
        cases = {
            "3": 3,
            " 7 ": 7,
            "1.5": 1.5,
            "0.0001": 0.001,
            "Sun, 06 Nov 1994 08:49:40 GMT": 3,
            "Sunday, 06-Nov-94 08:49:41 GMT": 4,
            "Sun Nov  6 08:49:42 1994": 5,
            "0": None,
            "-5": None,
            "Sun, 06 Nov 1994 08:49:36 GMT": None,
            NOW: None,
            "soon": None,
            "": None,
            "NaN": None,
            "1000000": LONGEST,
            "1e300": LONGEST,
            "inf": LONGEST,
            "Sun, 06 Nov 2094 08:49:37 GMT": LONGEST,
        }
        for value, expected in cases.items():
            with self.subTest(value):
                self.assertEqual(retry_after(Headers({"Date": NOW, "Retry-After": value})), expected)

    def test_without_a_date_header_the_own_clock_decides(self) -> None:
        self.assertEqual(retry_after(Headers({"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"})), LONGEST)
        self.assertIsNone(retry_after(Headers({"Retry-After": NOW})))

    def test_no_header_is_no_wish(self) -> None:
        self.assertIsNone(retry_after(Headers()))
