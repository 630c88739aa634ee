"""What the clients of identity provider and API have in common."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from .failure import Failure, Kind


def client_options(timeout: float, *urls: str) -> dict[str, Any]:
    """Options of an HTTP client that talks to `urls`.

    It follows no redirect: that would carry the client's secret or the token to another host (RFC 9700 §4.12). It
    repeats nothing by itself: a refresh that is sent twice kills the token family. Proxy variables and `NO_PROXY` are
    obeyed.
    """
    if any(url.startswith("https:") for url in urls):
        tls = ssl.create_default_context()
    else:
        # Reading the system's certificates is a good part of a worker's start, and nothing here uses them. A context
        # without certificates trusts nobody.
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return {
        "verify": tls,
        "follow_redirects": False,
        "timeout": httpx2.Timeout(timeout, connect=min(timeout, 2.0)),
    }


@asynccontextmanager
async def answered(kind: Kind, party: str, timeout: float) -> AsyncIterator[None]:
    """Ends one request after `timeout` seconds in all, and says why there is no answer.

    The client's own timeouts are per read and write, so a server that dribbles could hold an activity for ever. The
    error's own text is dropped: it may hold the URL or a header.
    """
    try:
        async with asyncio.timeout(timeout):
            yield
    except (TimeoutError, httpx2.TimeoutException):
        text = "no answer in time"
    except httpx2.ConnectError:
        text = "cannot connect"
    except (httpx2.LocalProtocolError, httpx2.InvalidURL):
        text = "request cannot be built"
    except httpx2.HTTPError:
        text = "connection ended without an answer"
    else:
        return
    # Outside the handlers, so that the error is not even this one's context.
    raise Failure(kind, f"{party}: {text}")
