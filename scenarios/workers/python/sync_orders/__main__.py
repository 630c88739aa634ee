"""The worker as a program; all its settings are environment variables."""

import asyncio
import logging
import os
import sys

try:
    from .settings import Settings, SettingsError
    from .worker import run
except ModuleNotFoundError as missing:
    sys.exit(
        f"module {missing.name} is missing: python3 -m venv .venv && .venv/bin/pip install -r requirements.txt"
    )


def main() -> None:
    # Libraries say errors only: at lower levels the HTTP client prints URLs, and Temporal's the failures that
    # `reporting` has already told.
    logging.basicConfig(level=logging.ERROR, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("sync_orders").setLevel(os.environ.get("LOG_LEVEL") or "INFO")
    try:
        asyncio.run(run(Settings.from_environ(os.environ)))
    except SettingsError as error:
        sys.exit(str(error))
    except Exception as error:
        # A supervisor must see that the worker has ended, and restart it.
        sys.exit(f"the worker failed: {error}")


if __name__ == "__main__":
    main()
