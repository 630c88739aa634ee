"""What can go wrong, as a closed list: the type that a workflow sees, and whether trying again can help.

A `Failure` is built from numbers and words of this package only, never from a URL, a header, a body or another error's
text. Failure messages are stored in plain text in the workflow's history; with this class a secret cannot get there by
accident.
"""

from enum import Enum


class Kind(Enum):
    """The failure's type as workflows, retry policies and dashboards see it."""

    TOKEN_EXPIRED = "TokenExpired"
    """The API refused the access token (401). The token is dropped; the retry gets a new one."""
    TOKEN_REVOKED = "TokenRevoked"
    """The identity provider says that the grant or the client is no longer good. Only a person can help."""
    INSUFFICIENT_SCOPE = "InsufficientScope"
    """The token is good, but not for this (RFC 6750 §3.1). A refresh cannot widen it."""
    FORBIDDEN = "Forbidden"
    """The API refused for another reason (403). Proxies and firewalls answer so too, hence retryable."""
    RATE_LIMITED = "RateLimited"
    """429, or another refusal that says when to come back."""
    IDP_UNAVAILABLE = "IdpUnavailable"
    """The token endpoint gave no usable answer."""
    API_UNAVAILABLE = "ApiUnavailable"
    """The API gave no usable answer."""
    API_REJECTED = "ApiRejected"
    """The API understood the request and will never accept it."""
    TOKEN_STORE_UNAVAILABLE = "TokenStoreUnavailable"
    """The refresh token's file cannot be read, locked or written."""
    UNEXPECTED = "Unexpected"
    """A mistake in this worker. Retried: the next release may know better."""


PERMANENT = frozenset({Kind.TOKEN_REVOKED, Kind.INSUFFICIENT_SCOPE, Kind.API_REJECTED})
"""The kinds that end the workflow; everything else is retried for as long as the retry policy allows."""


class Failure(Exception):
    """One failed step of an activity. `retry_after` is the delay in seconds that the other side asked for."""

    def __init__(self, kind: Kind, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.kind = kind
        self.retry_after = retry_after
