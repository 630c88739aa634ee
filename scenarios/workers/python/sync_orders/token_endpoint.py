"""The call to the token endpoint, by Authlib over httpx2; which answers are permanent and which are not."""

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from .failure import Failure, Kind
from .http import answered, client_options
from .retry_after import retry_after
from .secret import Secret
from .settings import OAuth

_METADATA = "/.well-known/openid-configuration"

# Tells "never again" from "not now" (RFC 6749 §5.2). Only these codes are shown: another text could hold anything.
_CODES = {
    "invalid_grant": Kind.TOKEN_REVOKED,
    "invalid_client": Kind.TOKEN_REVOKED,
    "unauthorized_client": Kind.TOKEN_REVOKED,
    "access_denied": Kind.TOKEN_REVOKED,
    "disabled_client": Kind.TOKEN_REVOKED,
    "deleted_client": Kind.TOKEN_REVOKED,
    "invalid_scope": Kind.INSUFFICIENT_SCOPE,
    "slow_down": Kind.RATE_LIMITED,
    "invalid_request": Kind.IDP_UNAVAILABLE,
    "unsupported_grant_type": Kind.IDP_UNAVAILABLE,
    "temporarily_unavailable": Kind.IDP_UNAVAILABLE,
    "server_error": Kind.IDP_UNAVAILABLE,
}


@dataclass(frozen=True)
class Issued:
    """What came back. `expires_in` is left out on purpose: it may be missing or wrong, and nobody here looks at the
    clock."""

    access_token: Secret
    refresh_token: Secret | None


class TokenEndpoint:
    """The token endpoint of one client. Each request is sent once."""

    def __init__(self, settings: OAuth, timeout: float) -> None:
        """Sends nothing yet, discovery included: a worker must be able to start while the identity provider is down."""
        self._issuer = settings.issuer
        self._token_url = settings.token_url
        asked = {"scope": settings.scopes, "audience": settings.audience}
        self._asked = {name: value for name, value in asked.items() if value}
        self._timeout = timeout
        # Authlib alone would renew tokens by the clock, and for each client object apart. It is used for the protocol
        # only: it never sees an API request, so it never judges a lifetime.
        self._client = AsyncOAuth2Client(
            settings.client_id,
            settings.client_secret.reveal(),
            token_endpoint_auth_method=(
                _basic if settings.client_auth == "client_secret_basic" else settings.client_auth
            ),
            **client_options(timeout, settings.issuer or "", settings.token_url or ""),
        )
        for moment in ("access_token_response", "refresh_token_response"):
            self._client.register_compliance_hook(moment, _readable)

    async def client_credentials(self) -> Issued:
        """RFC 6749 §4.4. Raises `Failure`."""
        return await self._exchange(self._client.fetch_token, grant_type="client_credentials", **self._asked)

    async def refresh(self, token: Secret) -> Issued:
        """RFC 6749 §6; without `scope`, which asks for what was consented to. Raises `Failure`."""
        return await self._exchange(self._client.refresh_token, refresh_token=token.reveal())

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _exchange(self, grant: Any, **options: Any) -> Issued:
        async with answered(Kind.IDP_UNAVAILABLE, "identity provider", self._timeout):
            url = await self._url()
            try:
                answer = await grant(url, **options)
                access, refresh = answer["access_token"], answer.get("refresh_token")
            except (OAuthError, LookupError):
                answer = None
        if answer is None:
            raise _unreadable()
        if not isinstance(access, str) or not access or not all("!" <= c <= "~" for c in access):
            raise Failure(Kind.IDP_UNAVAILABLE, "identity provider: access token cannot be sent")
        rotated = isinstance(refresh, str) and refresh and refresh != options.get("refresh_token")
        return Issued(Secret(access), Secret(refresh) if rotated else None)

    async def _url(self) -> str:
        if self._token_url is None:
            self._token_url = await self._discover()
        return self._token_url

    async def _discover(self) -> str:
        """Reads `token_endpoint` from the issuer's metadata; another issuer's document is refused (RFC 8414 §3.3)."""
        base = (self._issuer or "").rstrip("/")
        reply = await self._client.request("GET", f"{base}{_METADATA}", withhold_token=True)
        if reply.status_code != 200:
            raise _refused(reply)
        metadata = _object(reply)
        if str(metadata.get("issuer")).rstrip("/") != base:
            raise Failure(Kind.IDP_UNAVAILABLE, "identity provider: discovery document is another issuer's")
        url = metadata.get("token_endpoint")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise _unreadable()
        return url


def _basic(client: Any, method: str, uri: str, headers: Any, body: Any) -> tuple[str, Any, Any]:
    """`client_secret_basic`, id and secret form-encoded as RFC 6749 §2.3.1 asks; Authlib's own leaves that out."""
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    return uri, headers, body


@dataclass(frozen=True)
class _Answer:
    """A reply as Authlib goes on reading it."""

    status_code: int
    fields: dict[str, Any]

    def json(self) -> dict[str, Any]:
        return self.fields


def _readable(reply: httpx2.Response) -> _Answer:
    """Called by Authlib before it reads a reply: takes out what is no token."""
    # Only these carry an answer of the protocol (RFC 6749 §5.1, §5.2); others come from a proxy or a fault. Auth0 refuses
    # a dead refresh token with 403, which is a proxy's favourite, too: that one word is taken from it.
    if reply.status_code not in (200, 400, 401, 403):
        raise _refused(reply)
    fields = _object(reply) if reply.status_code != 403 else _dead_token(reply)
    if reply.status_code != 200:
        code = fields.get("error")
        known = isinstance(code, str) and code in _CODES
        text = code if known else "unknown error code"
        raise Failure(_CODES[code] if known else Kind.IDP_UNAVAILABLE, f"identity provider: {text}")
    # Authlib raises over a lifetime that is no number, and a rotated refresh token would be lost with it.
    return _Answer(200, {key: value for key, value in fields.items() if key not in ("expires_in", "expires_at")})


def _dead_token(reply: httpx2.Response) -> dict[str, Any]:
    try:
        fields = _object(reply)
    except Failure:
        fields = {}
    if fields.get("error") != "invalid_grant":
        raise _refused(reply)
    return fields


def _object(reply: httpx2.Response) -> dict[str, Any]:
    try:
        fields = reply.json()
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise _unreadable()
    return fields


def _refused(reply: httpx2.Response) -> Failure:
    delay = retry_after(reply.headers)
    limited = reply.status_code == 429 or (reply.status_code == 503 and delay is not None)
    kind = Kind.RATE_LIMITED if limited else Kind.IDP_UNAVAILABLE
    return Failure(kind, f"identity provider: status {reply.status_code}", delay)


def _unreadable() -> Failure:
    return Failure(Kind.IDP_UNAVAILABLE, "identity provider: answer cannot be read")
