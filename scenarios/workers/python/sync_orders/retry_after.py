"""`Retry-After` (RFC 9110 §10.2.3), in every form that is seen in the wild."""

import math
import time
from datetime import timezone
from email.utils import parsedate_to_datetime

from httpx2 import Headers

LONGEST = 3600.0
"""Seconds. No answer may park an activity for longer: a wrong header must not look like an outage."""


def retry_after(headers: Headers) -> float | None:
    """How many seconds the other side wants us to wait, or `None` if the retry policy shall decide.

    Seconds (whole or fractional) and all three date forms of RFC 9110 §5.6.7. A date is compared with the answer's own
    `Date`, so a worker whose clock is wrong still waits the right time; this machine's clock is asked only if there is
    none. Zero, the past, negative numbers and garbage mean no wish: `0` must not become a tight loop.
    """
    value = headers.get("Retry-After")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        until = _http_date(value)
        if until is None:
            return None
        now = _http_date(headers.get("Date", ""))
        seconds = until - (time.time() if now is None else now)
    if not seconds > 0:  # NaN too
        return None
    # Rounded up to milliseconds: a little late is right, a little early is not.
    return LONGEST if seconds >= LONGEST else math.ceil(seconds * 1000) / 1000


def _http_date(text: str) -> float | None:
    """IMF-fixdate, and the obsolete RFC 850 and asctime forms that a recipient must accept."""
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    # asctime names no zone; all HTTP dates are GMT.
    return (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp()
