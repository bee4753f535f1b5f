"""What requests to GitHub are made with: one token for all of them, or whatever suits the repository."""

import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from deployer.errors import ConfigurationError, DeployerError, SourceError
from deployer.github.refusals import TOKEN, Holder


class Said(NamedTuple):
    """The body of an answer that is 2xx, and GitHub's time, in seconds since the epoch."""

    text: str
    now: float


Ask = Callable[[str, str, Mapping[str, Any] | None], Said]
"""Sends a request that is about no repository: its method, path and body. Raises SourceError as `GitHub.request`."""


class Credentials(Protocol):
    """What requests are made with; shared by threads."""

    @property
    def holder(self) -> Holder:
        """How a person is told of it."""

    def authorization(self, repository: str, ask: Ask, refused: str = "") -> str:
        """Return the header `Authorization` for a request.

        Args:
            repository: that it is about, as `owner/name` in lower case; `""` for none.
            ask: asks GitHub.
            refused: the header that GitHub has just refused (401); where there is no other, it is returned again.

        Raises:
            SourceError: there is none.
        """

    def account(self, repository: str) -> str:
        """Return what GitHub counts a request by, whose repository this is."""


class Token:
    """One token for every request."""

    holder = TOKEN

    def __init__(self, token: str, renew: Callable[[], str] | None = None) -> None:
        """Take the token, and how it is read anew, once at most: when GitHub first refuses the one that is known.

        Raises ConfigurationError where it cannot be sent.
        """
        self._token = _checked(token)
        self._renew = renew
        self._lock = threading.Lock()

    def authorization(self, repository: str, ask: Ask, refused: str = "") -> str:
        """Return the token's; as `Credentials` says."""
        return f"token {self._newest() if refused == f'token {self._token}' else self._token}"

    def account(self, repository: str) -> str:
        """Return the token itself."""
        return self._token

    def _newest(self) -> str:
        """The token, read anew the first time that this is asked."""
        with self._lock:
            if self._renew:
                renew, self._renew = self._renew, None
                try:
                    self._token = _checked(renew())
                except DeployerError as error:
                    told = f"GitHub refused the token (401), and it cannot be read anew: {error}"
                    raise SourceError(told, status=401) from error
            return self._token


def _checked(token: str) -> str:
    if not re.fullmatch(r"[!-~]+", token):
        raise ConfigurationError(
            "GitHub's token holds a character that no token has, such as a space or a line break: "
            "set DEPLOYER_GITHUB_TOKEN again"
        )
    return token
