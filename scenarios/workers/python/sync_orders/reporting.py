"""Tells Temporal what failed, for all activities at once, so that none can forget it."""

import logging
import traceback
from datetime import timedelta
from typing import Any

from temporalio.exceptions import ApplicationError, FailureError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from .failure import PERMANENT, Failure, Kind

_log = logging.getLogger(__name__)


class TypedFailures(Interceptor):
    """Turns every failure into a typed application failure without a cause.

    Left alone, the SDK makes a retryable failure of any exception, and stores its text and the text of every exception
    that led to it in the workflow's history. Texts of HTTP libraries hold URLs and headers.
    """

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Inbound(next)


class _Inbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        try:
            return await super().execute_activity(input)
        except FailureError:
            raise
        except Failure as failure:
            raise application_error(failure) from None
        except Exception as error:
            # The last places, without the text.
            places = "".join(traceback.format_tb(error.__traceback__, limit=-3))
            _log.error("%s:\n%s", type(error).__name__, places)
            raise application_error(Failure(Kind.UNEXPECTED, f"worker: {type(error).__name__}")) from None


def application_error(failure: Failure) -> ApplicationError:
    """Permanent failures are not retried, the rest is, at the time that the other side asked for."""
    _log.warning("%s: %s", failure.kind.value, failure)
    return ApplicationError(
        str(failure),
        type=failure.kind.value,
        non_retryable=failure.kind in PERMANENT,
        next_retry_delay=None if failure.retry_after is None else timedelta(seconds=failure.retry_after),
    )
