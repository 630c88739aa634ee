"""The settings, read from a mapping, so that tests need not touch the process environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .secret import Secret


class SettingsError(Exception):
    """A setting is missing or wrong. The value is not shown: it may be a secret."""


@dataclass(frozen=True)
class OAuth:
    """What the token source needs to know. Exactly one of `token_url` and `issuer` is set."""

    token_url: str | None
    issuer: str | None
    client_id: str
    client_secret: Secret
    client_auth: str
    scopes: str
    audience: str | None
    """Which API tokens are for, where the identity provider asks for that (Auth0)."""
    refresh_token_file: Path | None
    """Present means grant `refresh_token`, else `client_credentials`."""


@dataclass(frozen=True)
class Settings:
    """All settings of the worker; the README lists the variables."""

    temporal_address: str
    temporal_namespace: str
    temporal_api_key: Secret | None
    temporal_api_key_file: Path | None
    """Where that bearer lies instead; it is read again while the worker runs."""
    temporal_tls: bool
    oauth: OAuth
    api_url: str
    task_queue: str
    http_timeout: float
    """Seconds that one HTTP request may take; less than an activity's own timeout."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Reads the settings; an empty string is the same as none. Raises `SettingsError`."""

        def optional(name: str) -> str | None:
            return environ.get(name) or None

        def required(name: str) -> str:
            value = optional(name)
            if value is None:
                raise SettingsError(f"{name} is not set")
            return value

        token_url = optional("OAUTH_TOKEN_URL")
        client_auth = optional("OAUTH_CLIENT_AUTH") or "client_secret_basic"
        if client_auth not in ("client_secret_basic", "client_secret_post"):
            raise SettingsError("OAUTH_CLIENT_AUTH is not client_secret_basic or client_secret_post")
        timeout = optional("HTTP_TIMEOUT_MS") or "5000"
        if not timeout.isdecimal() or int(timeout) == 0:
            raise SettingsError("HTTP_TIMEOUT_MS is not a whole number of milliseconds")
        address = required("TEMPORAL_ADDRESS")
        # A key that was read from a file often ends in a newline.
        api_key = (optional("TEMPORAL_API_KEY") or "").strip()
        key_file = optional("TEMPORAL_API_KEY_FILE")
        has_key = bool(api_key or key_file)
        tls = optional("TEMPORAL_TLS")
        if tls not in (None, "true", "false"):
            raise SettingsError("TEMPORAL_TLS is not true or false")
        file = optional("OAUTH_REFRESH_TOKEN_FILE")
        return cls(
            temporal_address=address,
            temporal_namespace=optional("TEMPORAL_NAMESPACE") or "default",
            temporal_api_key=Secret(api_key) if api_key else None,
            temporal_api_key_file=Path(key_file) if key_file else None,
            temporal_tls=tls == "true" if tls else has_key and not _is_this_machine(address),
            oauth=OAuth(
                token_url=_url("OAUTH_TOKEN_URL", token_url) if token_url else None,
                issuer=None if token_url else _url("OAUTH_ISSUER", required("OAUTH_ISSUER")),
                client_id=required("OAUTH_CLIENT_ID"),
                client_secret=Secret(required("OAUTH_CLIENT_SECRET")),
                client_auth=client_auth,
                scopes=" ".join((optional("OAUTH_SCOPES") or "").replace(",", " ").split()),
                audience=optional("OAUTH_AUDIENCE"),
                refresh_token_file=Path(file) if file else None,
            ),
            api_url=_url("API_URL", required("API_URL")),
            task_queue=required("TASK_QUEUE"),
            http_timeout=int(timeout) / 1000,
        )


def _url(name: str, value: str) -> str:
    try:
        parts = urlsplit(value)
        # Reading the port tells whether it is a number.
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        raise SettingsError(f"{name} is not a URL")
    return value


def _is_this_machine(address: str) -> bool:
    host = address.rpartition(":")[0] or address
    return host in ("localhost", "[::1]") or host.startswith("127.")
