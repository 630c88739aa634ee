"""The bearer for Temporal's frontend, from a file that somebody else renews: a sidecar, or a volume of Kubernetes."""

import asyncio
import logging
from pathlib import Path

from temporalio.client import Client

from .secret import Secret

_log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds. The file is replaced by renaming, often behind a symbolic link that is renamed itself, so watching it is more
fragile than reading it; the frontend refuses for 60 s before the SDK gives up."""


def read_key(file: Path) -> Secret | None:
    """What lies there, without the newline that files end in; None if no header can carry it: the SDK would drop such a
    key without a word and send none at all. Raises OSError."""
    key = file.read_text(encoding="utf-8", errors="replace").strip()
    return Secret(key) if key and all("!" <= letter <= "~" for letter in key) else None


async def follow_key(file: Path, client: Client) -> None:
    """Gives every new bearer to the client's connection, for ever. What cannot be used leaves the one of before."""
    held: Secret | None = None
    while True:
        try:
            key = read_key(file)
        except OSError as error:
            _log.warning("the frontend's bearer cannot be read (errno %s); the one of before stays", error.errno)
        else:
            if key is None:
                _log.warning("the frontend's bearer cannot be used; the one of before stays")
            elif key != held:
                client.api_key = key.reveal()
                held = key
        await asyncio.sleep(EVERY)
