"""The tokens of the tests' own Pub/Sub, as google-auth sees them."""

import json
from typing import Any, cast

import pytest
from google.auth import exceptions, jwt

from tests.push_token import ISSUER, Signer

AUDIENCE, ACCOUNT = "https://sync.example", "push@acme.iam.gserviceaccount.com"


def read(signer: Signer, token: str) -> dict[str, Any]:
    decoded = jwt.decode(token, certs=signer.certificates(), audience=AUDIENCE)
    return dict(cast("dict[str, Any]", decoded))


def test_a_token_says_what_googles_say() -> None:
    signer = Signer()
    claims = read(signer, signer.token(AUDIENCE, ACCOUNT))
    assert (claims["aud"], claims["email"], claims["email_verified"], claims["iss"]) == (
        AUDIENCE,
        ACCOUNT,
        True,
        ISSUER,
    )
    assert claims["exp"] - claims["iat"] == 3600


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"forged": True}, "Could not verify token signature"),
        ({"lifetime": -10}, "Token expired"),
        ({"aud": "https://other.example"}, "wrong audience"),
        ({"exp": None}, "does not contain required claim exp"),
    ],
)
def test_a_wrong_one_is_refused(changes: dict[str, Any], why: str) -> None:
    signer = Signer()
    with pytest.raises((ValueError, exceptions.GoogleAuthError), match=why):
        read(signer, signer.token(AUDIENCE, ACCOUNT, **changes))


def test_claims_may_be_others() -> None:
    signer = Signer()
    claims = read(signer, signer.token(AUDIENCE, ACCOUNT, email_verified=False, iss="https://evil.example"))
    assert (claims["email_verified"], claims["iss"]) == (False, "https://evil.example")


def test_after_a_rotation_the_former_tokens_are_good_until_their_key_is_forgotten() -> None:
    signer = Signer()
    former = signer.token(AUDIENCE, ACCOUNT)
    signer.rotate()
    assert read(signer, former)["email"] == read(signer, signer.token(AUDIENCE, ACCOUNT))["email"]
    signer.forget_former_keys()
    with pytest.raises((ValueError, exceptions.GoogleAuthError), match="key-1"):
        read(signer, former)


def test_the_json_web_keys_are_those_of_the_certificates() -> None:
    signer = Signer()
    signer.rotate()
    keys = signer.jwks()["keys"]
    assert [key["kid"] for key in keys] == list(signer.certificates()) == ["key-1", "key-2"]
    assert {(key["kty"], key["alg"], key["e"]) for key in keys} == {("RSA", "RS256", "AQAB")}
    assert len({json.dumps(key["n"]) for key in keys}) == 2
