"""The connection to GitHub: every request goes through `GitHub.request`."""

import re
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from deployer.errors import ConfigurationError, DeployerError, SourceError
from deployer.github.answer import Answer, parse_answer, parse_answers, parse_json
from deployer.github.budget import LeftOutError, budget_of
from deployer.github.refusals import TooFastError, refusal
from deployer.github.transport import Exchange, Transport
from deployer.http import DEFAULT_TIMEOUTS, Timeouts
from deployer.imports import IMPORTING
from deployer.retry import with_retries

_VERSION = "2022-11-28"


class GitHub:
    """GitHub as one token sees it; shared by threads; a context manager."""

    def __init__(
        self,
        api_url: str,
        token: str,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        *,
        renew: Callable[[], str] | None = None,
        share: int = 100,
    ) -> None:
        """Take what is needed to ask.

        Args:
            api_url: the REST API's root, such as `https://api.github.com`.
            token: for every request.
            timeouts: how long a request may take.
            renew: reads the token anew; called at most once, when GitHub first refuses the one that is known.
            share: how many percent of what GitHub has a token create are for this process (see `budget.py`).

        Raises:
            ConfigurationError: the token cannot be sent.
        """
        self._api_url = api_url
        self._token = _checked(token)
        self._renew = renew
        self._share = share
        self._lock = threading.Lock()
        self._transport = Transport(api_url, timeouts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    @property
    def requests(self) -> int:
        """How many requests were sent; a redirect makes two of one."""
        return self._transport.requests

    @property
    def host(self) -> str:
        """The host (and port) that repositories of this GitHub are cloned from, such as `github.com`.

        github.com and GitHub Enterprise Cloud with data residency (`acme.ghe.com`) have their API at a host of its own
        (https://docs.github.com/enterprise-cloud@latest/admin/data-residency/getting-started-with-data-residency-for-github-enterprise-cloud).
        """
        host = urlsplit(self._api_url).netloc.lower()
        return host.removeprefix("api.") if re.fullmatch(r"api\.(github|[^.]+\.ghe)\.com", host) else host

    def request(
        self, verb: str, path: str, body: Mapping[str, Any] | None = None, *, dispensable: bool = False
    ) -> Answer:
        """Send a request, and again where that may help.

        It ends within 85 seconds: the last attempt begins within `retry.PATIENCE`, a write waits for its turn for
        `budget.WAIT` at the most, and it takes no longer than `http.WHOLE`, redirects and all. Where the token is read
        anew, that and another attempt come on top, once.

        Args:
            verb: the HTTP method.
            path: from the API's root, already percent-encoded.
            body: sent as JSON.
            dispensable: a write that is left out where GitHub takes only so many.

        Returns:
            The answer, which is a JSON object.

        Raises:
            LeftOutError: it is dispensable, and was left out.
            SourceError: no answer, or one that is not 2xx, with its status and GitHub's own words; or no JSON object;
                or there was no turn for a write.
        """
        text = with_retries(lambda: self._attempt(verb, path, body, dispensable=dispensable))
        return parse_answer(text, f"{verb} {path}")

    def request_list(self, path: str) -> list[Answer]:
        """Get what is a list of JSON objects; as `request` does, but for that."""
        text = with_retries(lambda: self._send("GET", path, None))
        return parse_answers(text, f"GET {path}")

    def _attempt(self, verb: str, path: str, body: Mapping[str, Any] | None, *, dispensable: bool) -> str:
        """Send a request in its turn, which reads need not wait for."""
        if verb == "GET":
            return self._send(verb, path, body)
        budget = budget_of(self._api_url, self._token, self._share)
        time.sleep(budget.take(f"{verb} {path}", time.monotonic(), dispensable=dispensable))
        try:
            return self._send(verb, path, body)
        except TooFastError as error:
            budget.close(time.monotonic() + (error.retry_after or 0))
            if dispensable:
                raise LeftOutError(f"{verb} {path} was left out: {error}", status=error.status) from error
            raise

    def _send(self, verb: str, path: str, body: Mapping[str, Any] | None) -> str:
        """Send a request, and once more where its token has been exchanged meanwhile."""
        token = self._token
        try:
            return self._ask(verb, path, body, token)
        except SourceError as error:
            if error.status != 401 or self._newest() == token:
                raise
        return self._ask(verb, path, body, self._token)

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

    def _ask(self, verb: str, path: str, body: Mapping[str, Any] | None, token: str) -> str:
        """Send a request once; returns the body of an answer that is 2xx."""
        with IMPORTING:
            from github import Auth, Github, logger

        logger.handlers.clear()  # its import makes it write to standard error, beside our own log
        what = f"{verb} {path}"
        # One for each request: it keeps state between requests that threads would mix up. Making it takes 20 µs. By
        # default, it would wait a quarter of a second between requests, and up to an hour for a rate limit.
        client = Github(
            auth=Auth.Token(token),
            base_url=self._api_url,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            user_agent="deployer",
        )
        exchange: Any = Exchange(self._transport, what)  # PyGithub's types name its own classes only
        status, headers, text = client.requester.requestJson(
            verb, path, headers={"X-GitHub-Api-Version": _VERSION}, input=body, cnx=exchange
        )
        if not 200 <= status < 300:
            raise refusal(status, parse_json(text), headers, what, time.time())
        return text


def _checked(token: str) -> str:
    if not re.fullmatch(r"[!-~]+", token):
        raise ConfigurationError(
            "GitHub's token holds a character that no token has, such as a space or a line break: "
            "set DEPLOYER_GITHUB_TOKEN again"
        )
    return token
