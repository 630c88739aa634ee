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


def main() -> str | None:
    """Runs the worker; the result is why it failed."""
    # Libraries say errors only: at lower levels the HTTP client prints URLs, and Temporal's the failures that
    # `reporting` has already told.
    logging.basicConfig(level=logging.ERROR, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("sync_orders").setLevel(os.environ.get("LOG_LEVEL") or "INFO")
    try:
        asyncio.run(run(Settings.from_environ(os.environ)))
    except SettingsError as error:
        return str(error)
    except Exception as error:
        # A supervisor must see that the worker has ended, and restart it.
        return f"the worker failed: {error}"
    return None


if __name__ == "__main__":
    failure = main()
    if failure:
        print(failure, file=sys.stderr)
    logging.shutdown()
    sys.stderr.flush()
    # All is closed by now. An orderly exit would tear the interpreter down under temporalio's threads, which in 1.35
    # sometimes ends in "PyGILState_Release: thread state must be current" and SIGABRT in place of the exit code.
    os._exit(1 if failure else 0)
