"""How a request travels to GitHub: over pooled connections, within limits of time and size, and to no other host."""

import threading
from collections.abc import ItemsView, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from deployer.errors import SourceError
from deployer.github.known import keep, recall
from deployer.http import DEFAULT_TIMEOUTS, Timeouts, TooLargeError, excerpt, read_answer
from deployer.imports import IMPORTING

if TYPE_CHECKING:
    from requests import PreparedRequest, Session

PARALLEL = 16
"""Requests of one fetch that are under way at once."""

MOST_AT_ONCE = 64
"""Requests of this process that are under way at once at one GitHub, whose secondary limit stands at 100 (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api)."""

_TURNS: dict[str, threading.Semaphore] = {}
"""By host."""

_CONNECTIONS = PARALLEL + 1  # one more for the thread that tells the commit
_MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 307, 308)
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Received:
    """What came back; the names of the headers are in lower case. PyGithub asks it as it would ask `http.client`."""

    status: int
    headers: Mapping[str, str]
    text: str

    def getheaders(self) -> ItemsView[str, str]:
        """The headers."""
        return self.headers.items()

    def read(self) -> str:
        """The body."""
        return self.text


class Transport:
    """The connections to one GitHub; shared by threads. `requests` counts what was sent.

    What is known of the answer to a read goes with it: where GitHub says that this still holds, it is the answer.

    Proxies and authorities of the environment count (`HTTPS_PROXY`, `NO_PROXY`, `REQUESTS_CA_BUNDLE`), `~/.netrc` does
    not.
    """

    def __init__(self, api_url: str, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> None:
        """Take the REST API's root."""
        self.requests = 0
        self._scheme, self._netloc = urlsplit(api_url)[:2]
        self._timeouts = timeouts
        self._lock = threading.Lock()
        self._turns = _TURNS.setdefault(self._netloc, threading.Semaphore(MOST_AT_ONCE))
        self._session = _session()

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def send(self, verb: str, url: str, body: str | None, headers: Mapping[str, str], what: str) -> Received:
        """Send one request, and follow redirects on the same host; all of it ends within `Timeouts.whole`.

        Args:
            verb: the HTTP method.
            url: an absolute path, with its query.
            body: what to send, None for nothing.
            headers: to send, the token among them.
            what: the request as a person is told of it.

        Returns:
            The answer, whatever its status, but for those that PyGithub would act on by itself: never a redirect that
            can be followed, nor a 202. What GitHub says is unchanged is a 200, with what is known.

        Raises:
            SourceError: there is no answer within the limits, or it leads somewhere else.
        """
        from requests import RequestException
        from urllib3.exceptions import HTTPError

        from deployer.deadline import within

        address = urlunsplit((self._scheme, self._netloc, *urlsplit(url)[2:]))
        try:
            with within(self._timeouts.whole):
                return self._follow(verb, address, body, headers, what)
        except (RequestException, HTTPError, OSError) as error:
            if isinstance(error, RequestException):
                error.request = None  # whose headers hold the token
            cause, advice = self._cause(error)
            raise SourceError(
                f"GitHub cannot be reached at {self._netloc} for {what}: {cause}; {advice}",
                transient="certificate" not in cause,
            ) from error
        except TooLargeError as error:
            raise SourceError(f"GitHub cannot be read at {self._netloc} for {what}: {error}") from error

    def _follow(self, verb: str, address: str, body: str | None, headers: Mapping[str, str], what: str) -> Received:
        for _ in range(_MAX_REDIRECTS + 1):
            received = self._in_turn(verb, address, body, headers, what)
            if received.status == 202:
                raise SourceError(f"GitHub has no answer to {what} yet (202); try again", status=202, transient=True)
            target = redirected(verb, address, received, what)
            if target is None:
                return received
            address = target
        raise SourceError(f"GitHub redirects {what} more than {_MAX_REDIRECTS} times: check DEPLOYER_GITHUB_API_URL")

    def _in_turn(self, verb: str, address: str, body: str | None, headers: Mapping[str, str], what: str) -> Received:
        """Send a request once no more than `MOST_AT_ONCE` others are under way."""
        from deployer.deadline import time_left

        if not self._turns.acquire(timeout=max(time_left(), 0)):
            raise SourceError(
                f"{what} had no turn within {self._timeouts.whole:g} s: this process has {MOST_AT_ONCE} requests under "
                "way, and GitHub is slow to answer them; try again",
                transient=True,
            )
        try:
            return self._once(verb, address, body, headers)
        finally:
            self._turns.release()

    def _once(self, verb: str, address: str, body: str | None, headers: Mapping[str, str]) -> Received:
        with self._lock:
            self.requests += 1
        reads, authorization = verb == "GET", headers.get("Authorization", "")
        known = recall(authorization, address) if reads else None
        if known:
            headers = {**headers, "If-None-Match": known.etag}
        limits = (self._timeouts.connect, self._timeouts.read)
        with self._session.request(
            verb, address, data=body, headers=headers, timeout=limits, allow_redirects=False, stream=True
        ) as answer:
            data = read_answer(answer.raw)
        found = {name.lower(): value for name, value in answer.headers.items()}
        if known and answer.status_code == 304:
            return Received(200, found, known.text)
        text = data.decode(errors="replace")
        if reads and answer.status_code == 200:
            keep(authorization, address, found.get("etag"), text)
        return Received(answer.status_code, found, text)

    def _cause(self, error: Exception) -> tuple[str, str]:
        """What went wrong, and what to do, in words."""
        from requests import ConnectTimeout, ReadTimeout
        from requests.exceptions import ProxyError
        from urllib3.exceptions import ReadTimeoutError

        from deployer.deadline import OverdueError

        network = "check the network, and DEPLOYER_GITHUB_API_URL"
        if isinstance(error, OverdueError):
            return str(error), network
        if isinstance(error, ConnectTimeout):
            return f"no connection within {self._timeouts.connect:g} s", network
        if isinstance(error, ReadTimeout | ReadTimeoutError):
            return f"it was silent for {self._timeouts.read:g} s", network
        if isinstance(error, ProxyError):
            return _innermost(error), "check the proxy that HTTPS_PROXY names"
        words = _innermost(error)
        if "certificate" in words:
            return words, "for an authority of your own, name its file in REQUESTS_CA_BUNDLE"
        return words, network


class Exchange:
    """One request as PyGithub's requester sends it, which calls `request`, then `getresponse`."""

    def __init__(self, transport: Transport, what: str) -> None:
        """Take who sends it, and the request as a person is told of it."""
        self._transport = transport
        self._what = what

    def request(self, verb: str, url: str, input: str | None, headers: dict[str, str], stream: bool) -> None:  # noqa: A002
        """Take the request."""
        self._request = (verb, url, input, headers)

    def getresponse(self) -> Received:
        """Send it; raises SourceError as `Transport.send` does."""
        return self._transport.send(*self._request, self._what)


def redirected(verb: str, address: str, received: Received, what: str) -> str | None:
    """Say where an answer leads (https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api).

    Args:
        verb: of the request; what it sends is repeated as it was.
        address: where it went.
        received: what came back.
        what: the request as a person is told of it.

    Returns:
        An address on the same host, or None: it leads nowhere.

    Raises:
        SourceError: it leads to another host, where the token must not go; or a write was answered with 301 or 302,
            after which clients do not agree on what to repeat.
    """
    location = received.headers.get("location")
    if received.status not in _REDIRECTS or not location:
        return None
    try:
        target = urljoin(address, location)
        same_host = _origin(target) == _origin(address)
    except ValueError:
        same_host = False
    if not same_host:
        raise SourceError(
            f"GitHub redirects {what} to another host ({received.status}), where the token must not go: "
            "check DEPLOYER_GITHUB_API_URL",
            status=received.status,
        )
    if verb != "GET" and received.status in (301, 302):
        raise SourceError(
            f"GitHub redirects {what} ({received.status}): the repository was renamed or moved; "
            "change repoURL to its present address",
            status=received.status,
        )
    found, asked = urlsplit(target), urlsplit(address)
    # Without the query, a list of one folder would be taken for the list of all of them.
    return urlunsplit((asked.scheme, asked.netloc, found.path, found.query or asked.query, ""))


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _session() -> "Session":
    with IMPORTING:
        import requests
        from requests.adapters import HTTPAdapter

    from deployer.deadline import heed_deadlines

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
            super().init_poolmanager(*arguments, **named)
            heed_deadlines(self.poolmanager)

        def proxy_manager_for(self, *arguments: Any, **named: Any) -> Any:
            manager = super().proxy_manager_for(*arguments, **named)
            heed_deadlines(manager)
            return manager

    session = requests.Session()
    # Without this, a password in ~/.netrc would be sent instead of the token.
    session.auth = _as_it_is
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, Adapter(pool_connections=1, pool_maxsize=_CONNECTIONS, max_retries=0))
    return session


def _as_it_is(request: "PreparedRequest") -> "PreparedRequest":
    return request


def _innermost(error: BaseException) -> str:
    """What went wrong underneath, without the layers of pools and retries that wrap it."""
    parts = (getattr(error, "reason", None), *error.args, error.__cause__)
    inner = next((part for part in parts if isinstance(part, BaseException)), None)
    return _innermost(inner) if inner else excerpt(str(error)) or type(error).__name__
