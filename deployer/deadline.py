"""A deadline for whole exchanges over HTTP, from sending to the last byte.

A socket's time-out begins anew with each read, and the libraries read status, headers and the lengths of chunks until a
line ends: a byte now and then keeps them waiting for ever. So no read or write is given more time than is left. (A
write, plain or TLS, has one time-out for all that it is given.)
"""

import io
import math
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPException, HTTPResponse
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

_END: ContextVar[float] = ContextVar("_END", default=math.inf)
"""When the exchange of this thread has to have ended, on `time.monotonic`'s clock."""


class OverdueError(TimeoutError):
    """An exchange had not ended at its deadline."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Hold what this thread exchanges in the block to a deadline, and to that of a block around it.

    It counts for connections of pools that `heed_deadlines` has seen. Making a connection has its own time-out.

    Args:
        seconds: from now.

    Raises:
        OverdueError: it had not ended by then, whatever the libraries say of it.
    """
    seconds = min(seconds, time_left())
    end = time.monotonic() + seconds
    before = _END.set(end)
    try:
        yield
    except (OSError, HTTPError, HTTPException) as error:
        if time.monotonic() < end:
            raise
        raise OverdueError(f"its answer had not ended after {seconds:.3g} s") from error
    finally:
        _END.reset(before)


def time_left() -> float:
    """Seconds that are left to this thread within its deadline; infinity where it has none."""
    return _END.get() - time.monotonic()


def heed_deadlines(manager: PoolManager) -> None:
    """Have the connections that a manager makes from now on heed the deadlines of `within`."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


def _limit(sock: socket.socket, end: float) -> None:
    """Give a socket's next operation no more time than is left; urllib3 sets the time-out anew for each request."""
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline is over")
    if left < (sock.gettimeout() or math.inf):
        sock.settimeout(left)


class _Reader(io.RawIOBase):
    """What a socket brings, until the deadline."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock, self._end = raw, sock, _END.get()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        _limit(self._sock, self._end)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        super().close()
        self._raw.close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp = io.BufferedReader(_Reader(self.fp.detach(), sock))


class _Timed:
    """What connections of both kinds do otherwise; the answer of a proxy to CONNECT is a response, too."""

    response_class: type[HTTPResponse] = _Response
    sock: socket.socket | None

    def send(self, data: Any) -> None:
        if self.sock:  # else it is about to be opened, to send headers
            _limit(self.sock, _END.get())
        super().send(data)  # type: ignore[misc]


class _Connection(_Timed, HTTPConnection):
    pass


class _TlsConnection(_Timed, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
