"""Google's access token of whoever runs this: a service account on Google Cloud, a person on a machine of theirs."""

import math
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

from deployer.errors import TokenError
from deployer.http import CONNECT, TIMEOUT
from deployer.imports import IMPORTING
from deployer.metadata_server import ServiceIdentity, is_service

if TYPE_CHECKING:
    from google.auth.exceptions import GoogleAuthError

_SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    # Without it, GKE knows the account by a number, which no RoleBinding names.
    "https://www.googleapis.com/auth/userinfo.email",
)


class GoogleToken:
    """The token of the application default credentials; shared by threads. Nothing is asked before it is needed.

    On Google Cloud it comes from the metadata server, elsewhere by what `gcloud auth application-default login` left
    (https://cloud.google.com/docs/authentication/application-default-credentials).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._credentials: Any = None
        self._request: Any = None

    def header(self) -> str:
        """Return the value of an `Authorization` header, with a token that is good for another three minutes.

        Raises:
            TokenError: there are no credentials here, or Google gives no token for them.
        """
        with self._lock:
            if self._credentials is None or not self._credentials.valid:
                self._renew()
            return f"Bearer {self._credentials.token}"

    def renewed(self, refused: str) -> str:
        """Return another header than one that was refused; threads that are refused together cause one renewal.

        Raises TokenError, as `header` does.
        """
        with self._lock:
            if self._credentials is None or refused == f"Bearer {self._credentials.token}":
                self._renew()
            return f"Bearer {self._credentials.token}"

    def principal(self) -> str:
        """Return the e-mail of the account, for people; `""` where it cannot be known. Raises nothing."""
        try:
            self.header()
        except TokenError:
            return ""
        for name in ("service_account_email", "account"):
            if "@" in (email := getattr(self._credentials, name, None) or ""):
                return str(email)
        return _email_in(getattr(self._credentials, "id_token", None))

    def quota_project(self) -> str:
        """Return the project that the requests of a person are counted against; `""` where there is none."""
        return getattr(self._credentials, "quota_project_id", None) or ""

    def _renew(self) -> None:
        if self._credentials is None and is_service():
            self._credentials = ServiceIdentity(_SCOPES)
        if isinstance(self._credentials, ServiceIdentity):
            self._credentials.refresh()
            return
        with IMPORTING:
            import google.auth
            from google.auth.exceptions import GoogleAuthError

        try:
            if self._credentials is None:
                self._request = _request()
                self._credentials = google.auth.default(scopes=_SCOPES, request=self._request)[0]
            # Not by `before_request`, which starts a thread that asks about regional access boundaries.
            self._credentials.refresh(self._request)
        except GoogleAuthError as error:
            raise _refused(error, found=self._credentials is not None) from error


@cache
def google_token() -> GoogleToken:
    """The token that all of this process share."""
    return GoogleToken()


def _request() -> Any:
    """What google-auth asks with, which by itself would wait two minutes for an answer."""
    with IMPORTING:
        from google.auth.exceptions import TransportError
        from google.auth.transport.requests import Request

    from deployer.deadline import time_left

    class Limited(Request):
        def __call__(self, *arguments: Any, timeout: Any = None, **named: Any) -> Any:
            ask: Any = super().__call__  # google-auth's transports have no types
            left = time_left()
            if left == math.inf:
                return ask(*arguments, timeout=timeout or (CONNECT, TIMEOUT), **named)
            # Whoever has a deadline tries again by itself: google-auth's own retries sleep for longer than that.
            try:
                limits = (max(min(CONNECT, left), 0.01), max(min(TIMEOUT, left), 0.01))
                answer = ask(*arguments, timeout=limits, **named)
                cause = f"{answer.status}" if answer.status == 429 or answer.status >= 500 else ""
            except TransportError as error:
                raise _silent(type(error.__cause__).__name__) from error
            if cause:
                raise _silent(cause)
            return answer

    return Limited()


def _silent(cause: str) -> TokenError:
    told = f"Google gives no access token in time ({cause}): try again later; on a machine of yours, "
    return TokenError(told + "gcloud auth application-default login", transient=True)


def _email_in(id_token: str | None) -> str:
    """The e-mail that Google says in a person's own identity token, which came from Google just now: not verified."""
    with IMPORTING:
        from google.auth import jwt

    if not id_token:
        return ""
    decode: Any = jwt.decode  # it has no types
    try:
        return str(decode(id_token, verify=False).get("email", ""))
    except ValueError:
        return ""


def _refused(error: "GoogleAuthError", *, found: bool) -> TokenError:
    with IMPORTING:
        from google.auth.exceptions import TransportError

    # Of the answer, only OAuth's own code (RFC 6749, 5.2) is told: what answers in Google's place may say anything.
    answer = next((part for part in error.args if isinstance(part, dict)), {})
    code = str(answer.get("error", type(error).__name__))[:60]
    transient = error.retryable or isinstance(error, TransportError) or isinstance(error.__cause__, TransportError)
    told = f"Google gives no access token ({code})" if found else f"no Google credentials here ({code})"
    again = "try again later; " if transient else ""
    told += f": {again}on a machine of yours, gcloud auth application-default login"
    return TokenError(told, transient=transient)
