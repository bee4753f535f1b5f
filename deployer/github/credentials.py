"""What requests to GitHub are made with: one token for all of them, or whatever suits the repository."""

import re
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Protocol

from deployer.errors import ConfigurationError, DeployerError, SourceError
from deployer.github.refusals import TOKEN, Holder


class Said(NamedTuple):
    """An answer that is 2xx; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def now(self) -> float:
        """When it was made, by GitHub's clock, in seconds since the epoch; by ours, where it does not say."""
        try:
            return parsedate_to_datetime(self.headers["date"]).timestamp()
        except (KeyError, ValueError):
            return time.time()


Ask = Callable[[str, str, Mapping[str, Any] | None], Said]
"""Sends a request that is about no repository: its method, path and body. Raises SourceError as `GitHub.request`."""


class Credentials(Protocol):
    """What requests are made with; shared by threads."""

    @property
    def holder(self) -> Holder:
        """How a person is told of it."""

    def authorization(self, repository: str, ask: Ask) -> str:
        """Return the header `Authorization` for a request.

        Args:
            repository: that it is about, as `owner/name` in lower case; `""` for none.
            ask: asks GitHub.

        Raises:
            SourceError: there is none.
        """

    def instead(self, repository: str, ask: Ask, refused: str, error: SourceError) -> str:
        """Return another header than one that GitHub has just refused; where there is none, the same again.

        Args:
            repository: as for `authorization`.
            ask: as for `authorization`.
            refused: the header.
            error: how it was refused: with 401, or as a LackingError.

        Raises:
            SourceError: there is none any more.
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

    def authorization(self, repository: str, ask: Ask) -> str:
        """Return the token's."""
        return f"token {self._token}"

    def instead(self, repository: str, ask: Ask, refused: str, error: SourceError) -> str:
        """Return that of the token as it is read anew; as `Credentials` says."""
        is_known = error.status == 401 and refused == f"token {self._token}"
        return f"token {self._newest() if is_known else self._token}"

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
