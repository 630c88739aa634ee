"""Authlib: discovery, client credentials, validation of the JWT, refresh with rotation."""

import os

from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet
import requests

issuer = os.environ["ISSUER"]
metadata = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10).json()
assert metadata["issuer"] == issuer, metadata["issuer"]
print("discovery")

for method in ("client_secret_basic", "client_secret_post"):
    session = OAuth2Session(
        os.environ["CLIENT_ID"],
        os.environ["CLIENT_SECRET"],
        scope="orders.read",
        token_endpoint_auth_method=method,
    )
    token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert token["token_type"] == "Bearer" and token["expires_in"] > 0, token.keys()
    print("token", method)

keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
decoded = jwt.decode(token["access_token"], keys, algorithms=["ES256", "RS256"])
assert decoded.header["typ"] == "at+jwt", decoded.header
claims = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": issuer},
    aud={"essential": True, "value": os.environ["AUDIENCE"]},
    exp={"essential": True},
)
claims.validate(decoded.claims)
print("validation")

first = os.environ["REFRESH_TOKEN"]
refreshed = session.refresh_token(metadata["token_endpoint"], refresh_token=first)
assert refreshed["refresh_token"] != first, "it rotates"
again = session.refresh_token(metadata["token_endpoint"], refresh_token=refreshed["refresh_token"])
assert again["access_token"] != refreshed["access_token"]
print("refresh")
