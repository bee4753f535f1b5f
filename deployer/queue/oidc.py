"""Whether a push comes from Pub/Sub: the token that it bears, which Google has signed.

https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
"""

import json
import re
import threading
import time
from functools import cache

from deployer.errors import AnswerError
from deployer.google_http import GoogleHttp
from deployer.imports import IMPORTING
from deployer.report import log
from deployer.settings import Settings

GOOGLE = "https://www.googleapis.com"
CERTIFICATES = "/oauth2/v1/certs"
_ISSUERS = ("https://accounts.google.com", "accounts.google.com")

CLOCK_SKEW = 10
"""Seconds that Google's clock and this one may differ."""

_KEPT = 3600.0
"""Seconds that certificates are kept where their answer does not say how long."""
_PAUSE = 60.0
"""Seconds between two readings: whoever shows tokens of unknown keys must not have Google asked for each of them."""
_SECONDS = 5.0
"""Seconds that a reading may take."""
_MAX_AGE = re.compile(r"max-age=(\d{1,6})(?!\d)")


class RefusedTokenError(Exception):
    """A push that is not let in: the HTTP status, and the reason that it is told; the text says more, for the log."""

    def __init__(self, status: int, reason: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason


class PushTokens:
    """Checks the tokens of pushes; shared by threads."""

    def __init__(self, audience: str, account: str, root: str = GOOGLE, *, pause: float = _PAUSE) -> None:
        """Take what a token has to say. Nothing is sent yet.

        Args:
            audience: whom it must be made for.
            account: the e-mail of the service account that pushes.
            root: of the address of Google's certificates.
            pause: seconds between two readings of these.
        """
        if not audience or not account:
            raise ValueError("google-auth takes no audience for any, and any account can get a token for any audience")
        self._audience = audience
        self._account = account
        self._certificates = _Certificates(root, pause)

    def check(self, authorization: str | None) -> None:
        """Check the `Authorization` header of a push.

        Raises:
            RefusedTokenError: 401 where it holds no token of Google's for this audience, 403 where that is of another
                account, 503 where there are no certificates to check it with.
        """
        with IMPORTING:
            from google.auth import jwt
            from google.auth.exceptions import GoogleAuthError

        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise _unauthenticated("it bears no token: the subscription must push with a service account")
        try:
            key = jwt.decode_header(token).get("kid")
            certificate = self._certificates.of(key) if isinstance(key, str) else None
            if certificate is None:
                raise _unauthenticated("its token is signed by no key of Google's")
            claims = jwt.decode(token, certificate, audience=self._audience, clock_skew_in_seconds=CLOCK_SKEW)
        except (ValueError, TypeError, RecursionError, GoogleAuthError):
            # Not quoted: their words quote the token.
            raise _unauthenticated(self._why(token)) from None
        if claims.get("iss") not in _ISSUERS:
            raise _unauthenticated("its token is not issued by https://accounts.google.com")
        if claims.get("email") != self._account or claims.get("email_verified") is not True:
            raise RefusedTokenError(
                403, "this account may not push", "its token is of another account than DEPLOYER_PUSH_ACCOUNT"
            )

    def _why(self, token: str) -> str:
        """Why a token does not count, as far as it says that itself, which nobody has verified."""
        with IMPORTING:
            from google.auth import jwt

        try:
            audience = jwt.decode(token, verify=False).get("aud")
        except (ValueError, RecursionError):
            return "its token is malformed"
        if audience != self._audience:
            return "its token is for another audience than DEPLOYER_PUSH_AUDIENCE"
        return "its token has expired, or Google has not signed it"


class _Certificates:
    """The certificates that Google signs with, by key; read when they are needed, and kept as long as Google says."""

    def __init__(self, root: str, pause: float) -> None:
        self._http = GoogleHttp(root)
        self._pause = pause
        self._known: dict[str, str] = {}
        self._next = self._old = time.monotonic()
        self._lock = threading.Lock()

    def of(self, key: str) -> str | None:
        """Return the certificate of a key, None where Google has none; raises RefusedTokenError where nobody knows."""
        with self._lock:
            now = time.monotonic()
            if now >= self._old or (now >= self._next and key not in self._known):
                self._read(now)
            if not self._known:
                raise RefusedTokenError(503, "try again later", "its token cannot be checked without certificates")
            return self._known.get(key)

    def _read(self, now: float) -> None:
        """Read them; where that fails, those read before go on being good."""
        self._next = self._old = now + self._pause
        try:
            answer = self._http.send("GET", CERTIFICATES, _SECONDS)
            found = json.loads(answer.data) if answer.status == 200 else None
        except AnswerError as error:
            log.error(f"Google's certificates cannot be read: {error}")
            return
        except (ValueError, RecursionError):
            found = None
        if not found or not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
            log.error(f"Google's certificates cannot be read: {self._http.root} answers {answer.status} without them")
            return
        self._known = found
        age = _MAX_AGE.search(answer.headers.get("Cache-Control", ""))
        self._old = now + max(float(age[1]) if age else _KEPT, self._pause)


@cache
def push_tokens(settings: Settings) -> PushTokens | None:
    """What all of this process check tokens with; None where the platform lets only Pub/Sub call.

    An emulator is believed, so its certificates are its own.
    """
    if not settings.push_audience:
        return None
    root = f"http://{settings.pubsub_endpoint}" if settings.pubsub_endpoint else GOOGLE
    return PushTokens(settings.push_audience, settings.push_account, root)


def _unauthenticated(why: str) -> RefusedTokenError:
    return RefusedTokenError(401, "this takes what Pub/Sub pushes, with its token", why)
