"""Requests to a REST API of Google's: over pooled connections that are kept, and within limits of time and size.

With urllib3 alone, since the public door publishes through it, and starts the faster for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from os import environ
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deployer.errors import AnswerError
from deployer.http import CONNECT, TooLargeError, excerpt, read_answer

if TYPE_CHECKING:
    from urllib3 import PoolManager

_CONNECTIONS = 32
"""Connections that are kept: as many as there are requests at once in a busy instance."""


@dataclass(frozen=True)
class Received:
    """What came back; the names of the headers are read whatever their case."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class GoogleHttp:
    """The connections to one API; shared by threads.

    Proxies and authorities of the environment count (`HTTPS_PROXY`, `NO_PROXY`, `REQUESTS_CA_BUNDLE`).
    """

    def __init__(self, root: str) -> None:
        """Take the root of its addresses, such as `https://pubsub.googleapis.com`. Nothing is sent yet."""
        self.root = root
        self._manager = _manager(root)

    def close(self) -> None:
        """Close the pooled connections."""
        self._manager.clear()

    def send(
        self, verb: str, path: str, seconds: float, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Received:
        """Send one request, and follow no redirect.

        Args:
            verb: the HTTP method.
            path: after the root.
            seconds: how long all of it may take, from the connection to the last byte.
            headers: to send.
            body: to send.

        Returns:
            The answer, whatever its status.

        Raises:
            AnswerError: there is none within the limits.
        """
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        from deployer.deadline import within

        try:
            with within(seconds):
                answer = self._manager.request(
                    verb,
                    self.root + path,
                    body=body or None,
                    headers={"User-Agent": "deployer", **(headers or {})},
                    timeout=Timeout(connect=min(seconds, CONNECT), read=seconds),
                    retries=False,
                    preload_content=False,
                )
                return Received(answer.status, answer.headers, read_answer(answer))
        except (HTTPError, HTTPException, OSError) as error:
            cause = excerpt(_innermost(error))
            advice = "; for an authority of your own, name its file in REQUESTS_CA_BUNDLE"
            distrusted = "certificate" in cause
            told = f"{self.root} cannot be reached: {cause}{advice if distrusted else ''}"
            raise AnswerError(told, transient=not distrusted) from error
        except TooLargeError as error:
            raise AnswerError(f"{self.root} cannot be read: {error}") from error
        except ValueError:
            # Neither quoted nor chained: http.client shows the header that it refuses, with the token in it.
            raise AnswerError(f"{self.root} cannot be asked: the token cannot be sent in a header") from None


def _manager(root: str) -> "PoolManager":
    from urllib.request import getproxies, proxy_bypass

    import certifi
    from urllib3 import PoolManager, ProxyManager
    from urllib3.connection import HTTPConnection

    from deployer.deadline import heed_deadlines

    scheme, host = urlsplit(root)[:2]
    authorities = environ.get("REQUESTS_CA_BUNDLE") or certifi.where()
    proxy = getproxies().get(scheme)
    if proxy and not proxy_bypass(host):
        # Towards a proxy, urllib3 would hold a body back until the headers before it are acknowledged: 40 ms.
        at_once = HTTPConnection.default_socket_options
        manager: PoolManager = ProxyManager(proxy, maxsize=_CONNECTIONS, ca_certs=authorities, socket_options=at_once)
    else:
        manager = PoolManager(maxsize=_CONNECTIONS, ca_certs=authorities)
    heed_deadlines(manager)
    return manager


def _innermost(error: BaseException) -> str:
    """What went wrong underneath, without the layers of pools that wrap it."""
    for inner in (getattr(error, "reason", None), *reversed(error.args), error.__cause__):
        if isinstance(inner, BaseException):
            return _innermost(inner)
    return str(error) or type(error).__name__
