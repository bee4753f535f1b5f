"""The private key of a GitHub App, and the web tokens that it signs, with which the App says who it is.

https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from deployer.errors import ConfigurationError, DeployerError, SourceError
from deployer.imports import IMPORTING

_LASTS = 240.0
"""Seconds that a web token is used; it is good for 300, and begins 60 before it is made, as GitHub advises."""

_NEW = 5.0
"""Seconds in which another web token would be refused as the last one was, if the key is the same."""

_READ_AGAIN = 10.0
"""Seconds between readings of the key where GitHub refuses it: each costs money."""


@dataclass(frozen=True)
class _Signed:
    """A web token as a header, the key that signed it, and when, by a clock of our own."""

    authorization: str = field(repr=False)
    key: str = field(repr=False)
    made: float


class AppKey:
    """What an App makes its own requests with; shared by threads."""

    def __init__(self, app_id: str, read: Callable[[bool], str], hide: Callable[[str], None]) -> None:
        """Take what is needed, as `App` does; nothing is read yet."""
        self._app_id = app_id
        self._read = read
        self._hide = hide
        self._last: _Signed | None = None
        self._read_anew = -math.inf
        self._lock = threading.Lock()

    def authorization(self) -> str:
        """Return the header with a web token.

        Raises:
            SecretError: the key cannot be read.
            ConfigurationError: it is none.
        """
        with self._lock:
            last = self._last
            if last is None or time.monotonic() >= last.made + _LASTS:
                last = self._last = self._sign(last.key if last else self._read(False))
            return last.authorization

    def instead(self, refused: str) -> str:
        """Return another header than one that GitHub has just refused (401), or the same again.

        There is another one if the key was exchanged, or if the machine has slept since the refused one was made.

        Raises:
            SourceError: the key cannot be read anew.
        """
        with self._lock:
            last, now = self._last, time.monotonic()
            if last is None or last.authorization != refused:  # another thread was here before
                return last.authorization if last else refused
            try:
                key = last.key
                if now - self._read_anew >= _READ_AGAIN:
                    self._read_anew = now
                    key = self._read(True)
                if key != last.key or now - last.made >= _NEW:
                    last = self._last = self._sign(key)
            except DeployerError as error:
                told = f"GitHub refused the GitHub App's key (401), and another one cannot be had: {error}"
                raise SourceError(told, status=401) from error
            return last.authorization

    def _sign(self, key: str) -> _Signed:
        web_token = _web_token(self._app_id, key)
        self._hide(web_token)
        return _Signed(f"Bearer {web_token}", key, time.monotonic())


def _web_token(app_id: str, key: str) -> str:
    with IMPORTING:
        from github.Auth import AppAuth

    try:
        return AppAuth(app_id, key).token
    except Exception:
        # What is no key is refused in as many ways as there are libraries underneath; some quote it.
        raise ConfigurationError(
            "DEPLOYER_GITHUB_APP_KEY leads to something that is no RSA private key as PEM: store the file as it comes "
            "from the App's settings, Private keys"
        ) from None
