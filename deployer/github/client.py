"""The connection to GitHub: every request goes through `GitHub.request`, or `GitHub.graphql`."""

import re
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from deployer.errors import SourceError
from deployer.github.answer import Answer, parse_answer, parse_answers, parse_json
from deployer.github.budget import LeftOutError, budget_of
from deployer.github.credentials import Credentials, Said, Token
from deployer.github.refusals import LackingError, TooFastError, query_refusal, refusal
from deployer.github.transport import Exchange, Transport
from deployer.http import DEFAULT_TIMEOUTS, Timeouts
from deployer.imports import IMPORTING
from deployer.repository import Repository
from deployer.retry import with_retries

_VERSION = "2022-11-28"
_REPOSITORY = re.compile(r"/repos/([^/]+/[^/?]+)")


class _Call(NamedTuple):
    """A request: the method, the path or a whole address, the body, the repository, and how a person is told of it."""

    verb: str
    path: str
    body: Mapping[str, Any] | None
    repository: str
    what: str


class GitHub:
    """GitHub as its `credentials`, a token or an App, see it; shared by threads; a context manager."""

    def __init__(
        self,
        api_url: str,
        credentials: str | Credentials,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        *,
        share: int = 100,
    ) -> None:
        """Take what is needed to ask.

        Args:
            api_url: the REST API's root, such as `https://api.github.com`.
            credentials: what requests are made with; a text is a token.
            timeouts: how long a request may take.
            share: how many percent of what GitHub has a token create are for this process (see `budget.py`).

        Raises:
            ConfigurationError: the token cannot be sent.
        """
        self._api_url = api_url
        self.credentials = Token(credentials) if isinstance(credentials, str) else credentials
        self._share = share
        self._whole = timeouts.whole
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
        `budget.WAIT` at the most, and it takes no longer than `http.WHOLE`: redirects, a token that is made or read
        anew, and another attempt with that included.

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
        call = _call(verb, path, body)
        return parse_answer(with_retries(lambda: self._in_turn(call, dispensable=dispensable)).text, call.what)

    def request_list(self, path: str) -> list[Answer]:
        """Get what is a list of JSON objects; as `request` does, but for that."""
        call = _call("GET", path, None)
        return parse_answers(with_retries(lambda: self._send(call)).text, call.what)

    def request_text(self, path: str) -> str:
        """Get what is too large to be an Answer: as `request` does, but its text is not looked at."""
        call = _call("GET", path, None)
        return with_retries(lambda: self._send(call)).text

    def graphql(self, repository: Repository, query: str, variables: Mapping[str, Any]) -> Answer:
        """Read much with one request (https://docs.github.com/graphql/guides/forming-calls-with-graphql).

        It waits for no turn, and is sent again where a GET would be: a mutation does not belong here.

        Args:
            repository: that it is about.
            query: in GraphQL, without what varies.
            variables: what varies, by name.

        Returns:
            The answer's `data`.

        Raises:
            SourceError: as for `request`; or GitHub tells of errors, though it may have found something, too.
        """
        # From `https://HOST/api/v3` to `https://HOST/api/graphql`, but from `https://api.github.com` to `…/graphql`.
        address = f"{self._api_url.removesuffix('/v3')}/graphql"
        what = f"POST {urlsplit(address).path} for {repository}"
        call = _Call("POST", address, {"query": query, "variables": variables}, repository.full_name, what)
        return with_retries(lambda: self._query(call))

    def _query(self, call: _Call) -> Answer:
        """Send a query; errors come with the status 200, in a list, or as the REST API tells of one."""
        said = self._send(call)
        answer = parse_answer(said.text, call.what)
        if answer.fields.get("errors") or answer.fields.get("message"):
            holder = self.credentials.holder
            raise query_refusal(said.status, answer.fields, said.headers, call.what, time.time(), holder)
        return answer.object("data")

    def _in_turn(self, call: _Call, *, dispensable: bool) -> Said:
        """Send a request in its turn, which reads need not wait for."""
        if call.verb == "GET":
            return self._send(call)
        budget = budget_of(self._api_url, self.credentials.account(call.repository), self._share)
        time.sleep(budget.take(call.what, time.monotonic(), dispensable=dispensable))
        try:
            return self._send(call)
        except TooFastError as error:
            budget.close(time.monotonic() + (error.retry_after or 0))
            if dispensable:
                raise LeftOutError(f"{call.what} was left out: {error}", status=error.status) from error
            raise

    def ask(self, verb: str, path: str, body: Mapping[str, Any] | None) -> Said:
        """Send a request that is about no repository, once: it is how credentials ask for a token (`Ask`)."""
        return self._send(_Call(verb, path, body, "", f"{verb} {path}"))

    def _send(self, call: _Call) -> Said:
        """Send a request, and once more where there is something else to make it with than what GitHub refused."""
        from deployer.deadline import within

        with within(self._whole):  # together with what has a token made, which comes here as well
            authorization = self.credentials.authorization(call.repository, self.ask)
            try:
                return self._exchange(call, authorization)
            except SourceError as error:
                if error.status != 401 and not isinstance(error, LackingError):
                    raise
                newest = self.credentials.instead(call.repository, self.ask, authorization, error)
                if newest == authorization:
                    raise
            return self._exchange(call, newest)

    def _exchange(self, call: _Call, authorization: str) -> Said:
        """Send a request once; raises SourceError where its answer is not 2xx."""
        with IMPORTING:
            from github import Github, logger

        logger.handlers.clear()  # its import makes it write to standard error, beside our own log
        # One for each request: it keeps state between requests that threads would mix up. Making it takes 20 µs. By
        # default, it would wait a quarter of a second between requests, and up to an hour for a rate limit.
        client = Github(
            base_url=self._api_url,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            user_agent="deployer",
        )
        exchange: Any = Exchange(self._transport, call.what)  # PyGithub's types name its own classes only
        sent = {"Authorization": authorization, "X-GitHub-Api-Version": _VERSION}
        status, headers, text = client.requester.requestJson(
            call.verb, call.path, headers=sent, input=call.body, cnx=exchange
        )
        if not 200 <= status < 300:
            raise refusal(status, parse_json(text), headers, call.what, time.time(), self.credentials.holder)
        return Said(status, headers, text)


def _call(verb: str, path: str, body: Mapping[str, Any] | None) -> _Call:
    named = _REPOSITORY.match(path)
    return _Call(verb, path, body, named[1].lower() if named else "", f"{verb} {path}")
