"""The connection to GitHub: every request goes through `GitHub.request`."""

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from deployer.errors import SourceError
from deployer.http import TIMEOUT
from deployer.retry import with_retries

PARALLEL = 16
"""Requests under way at once; GitHub's secondary limit stands at 100."""

_VERSION = "2022-11-28"
_UNTOLD_WAIT = 60.0
"""Seconds that GitHub wants between requests once its rate is exceeded, where it does not say how many."""


class GitHub:
    """GitHub as one token sees it; shared by threads; a context manager. `requests` counts what was sent."""

    def __init__(self, api_url: str, token: str) -> None:
        """Take the REST API's root, such as `https://api.github.com`, and a token."""
        self.requests = 0
        self._api_url = api_url
        self._token = token
        self._lock = threading.Lock()
        self._local = threading.local()
        self._clients: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients:
            client.close()

    @property
    def host(self) -> str:
        """The host (and port) that repositories of this GitHub are cloned from, such as `github.com`."""
        host = urlsplit(self._api_url).netloc.lower()
        return "github.com" if host == "api.github.com" else host

    def request(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request.

        Args:
            verb: the HTTP method.
            path: from the API's root, already percent-encoded.
            body: sent as JSON.

        Returns:
            The answer as parsed JSON.

        Raises:
            SourceError: no answer, or one that is not 2xx; with its status and GitHub's own words.
        """
        return with_retries(lambda: self._ask(verb, path, body))

    def _ask(self, verb: str, path: str, body: Mapping[str, Any] | None) -> Any:
        import requests
        from github import GithubException

        with self._lock:
            self.requests += 1
        what = f"{verb} {path}"
        try:
            _, answer = self._requester().requestJsonAndCheck(
                verb, path, headers={"X-GitHub-Api-Version": _VERSION}, input=body
            )
        except GithubException as error:
            raise refusal(error.status, error.data, error.headers or {}, what, time.time()) from error
        except (requests.RequestException, OSError) as error:
            told = f"GitHub cannot be reached at {self.host} for {what}: {type(error).__name__}"
            raise SourceError(told, transient=True) from error
        return answer

    def _requester(self) -> Any:
        # One for each thread: PyGithub keeps the request under way in the connection, where threads mix them up.
        if not hasattr(self._local, "requester"):
            from github import Auth, Github

            # PyGithub's defaults wait a quarter of a second between requests, and up to an hour for a rate limit.
            client = Github(
                auth=Auth.Token(self._token),
                base_url=self._api_url,
                timeout=int(TIMEOUT),
                retry=None,
                seconds_between_requests=None,
                seconds_between_writes=None,
                user_agent="deployer",
            )
            with self._lock:
                self._clients.append(client)
            self._local.requester = client.requester
        return self._local.requester


def refusal(status: int, data: object, headers: Mapping[str, str], what: str, now: float) -> SourceError:
    """Make the error for an answer that is not 2xx.

    Args:
        status: its HTTP status.
        data: its body, parsed.
        headers: its headers, their names in lower case.
        what: the request.
        now: seconds since the epoch.

    Returns:
        The error; for 5xx and rate limits one that may pass, for the latter after as long as GitHub says
        (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api).
    """
    said = str(data.get("message", "")) if isinstance(data, dict) else ""
    if status == 401:
        text = f"GitHub refused the token (401: {said}) for {what}: set DEPLOYER_GITHUB_TOKEN to a valid one"
        return SourceError(text, status=status)
    if status == 404:
        text = (
            f"GitHub knows nothing at {what} (404), or hides it from this token: "
            "check repoURL, and that the token may read the repository"
        )
        return SourceError(text, status=status)
    text = f"GitHub answered {status} to {what}: {said or 'without a reason'}"
    if status >= 500:
        return SourceError(text, status=status, transient=True, retry_after=_seconds(headers.get("retry-after")))
    if status not in (403, 429):
        return SourceError(text, status=status)
    wait = _seconds(headers.get("retry-after"))
    if wait is None and headers.get("x-ratelimit-remaining") == "0":
        reset = _seconds(headers.get("x-ratelimit-reset"))
        wait = None if reset is None else max(reset - now, 0)
    if wait is None and (status == 429 or "rate limit" in said.lower()):
        wait = _UNTOLD_WAIT
    return SourceError(text, status=status, transient=wait is not None, retry_after=wait)


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
