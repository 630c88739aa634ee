"""google-auth: access and ID tokens of a service account, validation of the JWT, refresh; a user's refresh token."""

import json
import os

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2 import id_token, service_account
from google.oauth2.credentials import Credentials
from jwt.exceptions import InvalidAudienceError
import requests

issuer = os.environ["ISSUER"]
scopes = ["orders.read"]
request = Request()
# The library has Google's addresses built in: what it takes from metadata is the key set only.
metadata = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10).json()
assert metadata["issuer"] == issuer, metadata["issuer"]
print("discovery")

account_file = os.environ["SERVICE_ACCOUNT_FILE"]
account = service_account.Credentials.from_service_account_file(account_file, scopes=scopes)
account.refresh(request)
first = account.token
assert account.valid and account.expiry, account.expiry
print("token")

identity = service_account.IDTokenCredentials.from_service_account_file(
    account_file, target_audience="https://api.example"
)
identity.refresh(request)
claims = id_token.verify_token(
    identity.token, request, audience="https://api.example", certs_url=metadata["jwks_uri"]
)
assert claims["iss"] == issuer and claims["sub"] == account.service_account_email, claims
try:
    id_token.verify_token(
        identity.token, request, audience="https://other.example", certs_url=metadata["jwks_uri"]
    )
except InvalidAudienceError:
    print("validation")
else:
    raise AssertionError("the audience is another one")


def refused(credentials, code):
    """The library says that these credentials are refused, with this code of RFC 6749 §5.2."""
    try:
        credentials.refresh(request)
    except RefreshError as error:
        assert error.args[1]["error"] == code, error.args[1]
        assert not error.retryable
    else:
        raise AssertionError(f"{code} is missing")


with open(account_file, encoding="utf-8") as file:
    info = json.load(file)
other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
info["private_key"] = other.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
refused(service_account.Credentials.from_service_account_info(info, scopes=scopes), "invalid_grant")
print("wrong key")


def of_user(secret):
    """A user's consent, as a program keeps it."""
    return Credentials(
        None,
        refresh_token=os.environ["REFRESH_TOKEN"],
        token_uri=metadata["token_endpoint"],
        client_id=os.environ["CLIENT_ID"],
        client_secret=secret,
    )


refused(of_user("another-secret"), "invalid_client")
print("wrong secret")

account.refresh(request)
assert account.token != first
user = of_user(os.environ["CLIENT_SECRET"])
user.refresh(request)
assert user.valid and user.refresh_token == os.environ["REFRESH_TOKEN"], "it stays as it is"
print("refresh")
