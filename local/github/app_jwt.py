"""The JSON web token with which an App says who it is, and what GitHub says of one that will not do.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app;
the words are not documented, but as clients have met them, such as https://github.com/octokit/auth-app.js.
"""

import re
import time
from http import HTTPStatus
from typing import Any

import jwt

from local.github.apps import App, Apps
from local.github.refusal import RefusedError
from local.github.tokens import bearer

_LONGEST = 600  # seconds from now to its end
_PATHS = re.compile(r"/app(?:/|$)|/repos/[^/]+/[^/]+/installation$|/(?:orgs|users)/[^/]+/installation$")

_UNREADABLE = "A JSON web token could not be decoded"
_TOO_LONG = "'Expiration time' claim ('exp') is too far in the future"
_ENDED = (
    "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion"
    " expires"
)
_NO_NUMBER = "'Issuer' claim ('iss') must be an Integer"
_TOO_NEW = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
_ONLY_SIGNATURE: Any = dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf", "verify_aud", "verify_iss"), False)


def is_for_apps(path: str) -> bool:
    """Tell whether a route takes the JWT of an App, and no token."""
    return bool(_PATHS.match(path))


def identify(apps: Apps, authorization: str) -> App:
    """Return the App that an Authorization header's JWT is of.

    Raises:
        RefusedError: there is no JWT, or it is not as it must be, or no App of that name is known.
    """
    given = bearer(authorization)
    if given is None:
        raise _refused(_UNREADABLE)
    issuer = _unchecked(given).get("iss")
    if issuer is None:
        raise _refused("Missing 'issuer' claim ('iss') in assertion")
    app = apps.named(issuer)
    if not app:
        if not str(issuer).isdecimal():
            raise _refused(_NO_NUMBER)
        raise RefusedError(HTTPStatus.NOT_FOUND, "Integration not found")
    if not app.public_key:
        raise _refused("Integration must generate a public key")
    try:
        claims = jwt.decode(given, app.public_key, algorithms=["RS256"], options=_ONLY_SIGNATURE)
    except jwt.InvalidTokenError:
        raise _refused(_UNREADABLE) from None
    if problem := _problem(claims, time.time()):
        raise _refused(problem)
    return app


def _unchecked(given: str) -> dict[str, Any]:
    """Return the claims of a JWT that may be anybody's."""
    try:
        claims: dict[str, Any] = jwt.decode(given, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise _refused(_UNREADABLE) from None
    return claims


def _problem(claims: dict[str, Any], now: float) -> str | None:
    """Return what is wrong with the times of a JWT, or None."""
    for name, claim in (("exp", "expiration time"), ("iat", "issued at")):
        if claims.get(name) is None:
            return f"Missing '{claim}' claim ('{name}') in assertion"
    if not isinstance(claims["exp"], int | float) or claims["exp"] <= now:
        return _ENDED
    if claims["exp"] > now + _LONGEST:
        return _TOO_LONG
    if not isinstance(claims["iat"], int) or claims["iat"] > now:
        return _TOO_NEW
    return None


def _refused(message: str) -> RefusedError:
    return RefusedError(HTTPStatus.UNAUTHORIZED, message)
