"""MSAL: discovery over HTTPS, client credentials, validation of the JWT, a user's sign-in and its refresh."""

import os
from urllib.parse import parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet
import msal
import requests

issuer, trust, audience = os.environ["ISSUER"], os.environ["CA_FILE"], os.environ["AUDIENCE"]
redirect_uri = os.environ["REDIRECT_URI"]


def application(secret):
    """A confidential client. Without instance discovery MSAL asks nobody whether this host is Microsoft's."""
    return msal.ConfidentialClientApplication(
        os.environ["CLIENT_ID"],
        client_credential=secret,
        authority=issuer.removesuffix("/v2.0"),
        instance_discovery=False,
        verify=trust,
    )


def validated(token):
    """The claims of an access token that the key set vouches for."""
    decoded = jwt.decode(token, keys, algorithms=["RS256"])
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
    )
    registry.validate(decoded.claims)
    return decoded.claims


try:
    requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10)
except requests.exceptions.SSLError:
    print("untrusted without the authority's file")
else:
    raise AssertionError("somebody else vouches for the server")
metadata = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10, verify=trust).json()
keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10, verify=trust).json())
app = application(os.environ["CLIENT_SECRET"])
print("discovery")

# The same host as an OpenID Connect authority of any vendor, whose issuer MSAL compares with its own address.
any_vendor = msal.ConfidentialClientApplication(
    os.environ["CLIENT_ID"],
    client_credential=os.environ["CLIENT_SECRET"],
    oidc_authority=issuer,
    verify=trust,
)
for name, client in (("authority", app), ("oidc_authority", any_vendor)):
    token = client.acquire_token_for_client(scopes=[f"{audience}/.default"])
    assert token.get("token_type") == "Bearer" and token["expires_in"] > 0, token.get("error_description")
    claims = validated(token["access_token"])
    assert claims["azp"] == os.environ["CLIENT_ID"] and "orders.read" in claims["roles"], claims
    print("token", name)
print("validation")

refused = application("another-secret").acquire_token_for_client(scopes=[f"{audience}/.default"])
assert refused["error"] == "invalid_client" and 7000215 in refused["error_codes"], refused
print("wrong secret")

scopes = [f"{audience}/orders.read"]
flow = app.initiate_auth_code_flow(scopes, redirect_uri=redirect_uri)
browser = requests.get(flow["auth_uri"], timeout=10, verify=trust, allow_redirects=False)
answer = dict(parse_qsl(urlsplit(browser.headers["Location"]).query))
signed_in = app.acquire_token_by_auth_code_flow(flow, answer)
assert "error" not in signed_in, signed_in
assert validated(signed_in["access_token"])["scp"], signed_in.keys()
print("sign-in", signed_in["id_token_claims"]["sub"])

account = app.get_accounts()[0]
refreshed = app.acquire_token_silent_with_error(scopes, account, force_refresh=True)
assert refreshed and "error" not in refreshed, refreshed
assert refreshed["token_source"] == "identity_provider", refreshed["token_source"]
validated(refreshed["access_token"])
stored = app.acquire_token_by_refresh_token(os.environ["REFRESH_TOKEN"], scopes)
assert "error" not in stored, stored
dead = app.acquire_token_by_refresh_token("tlrt_unknown", scopes)
assert dead["error"] == "invalid_grant", dead
print("refresh")
