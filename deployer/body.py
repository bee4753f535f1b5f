"""The body of a request from anybody on the internet: how large it may be, how long it may take, how many at once."""

import mmap
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

from flask import Request
from werkzeug.exceptions import ClientDisconnected

from deployer.webhook import MAX_BODY

SECONDS = 10.0
"""Seconds that a body may take: GitHub itself waits no longer than that for the answer."""

_LOOK = 0.5  # seconds between two looks at the deadlines
_SMALL = 256 * 1024  # bytes
_PIECE = 64 * 1024  # bytes
_AT_ONCE = threading.BoundedSemaphore(2)
"""Large bodies that are held in memory at once: eight of 25 MB would be more than a small function has."""


class RefusedBodyError(Exception):
    """A body that is not taken: the HTTP status, and why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@contextmanager
def body_of(request: Request, seconds: float = SECONDS) -> Iterator[bytes | memoryview]:
    """Read a body, which is there while the `with` block lasts.

    A length that is too large is refused before anything is read, and a body that does not tell its length is cut off
    (Argo CD CVE-2024-40634 had no limit).

    Args:
        request: whose.
        seconds: how long all of it may take.

    Raises:
        RefusedBodyError: it is too large, or too slow, or too many large ones are read just now.
    """
    length = request.content_length
    if length is not None and length <= _SMALL:
        yield b"".join(_pieces(request, seconds))
        return
    if length is not None and length > MAX_BODY:
        raise _too_large()
    if not _AT_ONCE.acquire(timeout=seconds):
        raise RefusedBodyError(503, "too many large bodies at once; deliver it again later")
    try:
        # Memory of its own, which goes back to the system at once: the heap keeps what was large, for each thread.
        with mmap.mmap(-1, MAX_BODY) as memory:
            size = 0
            for piece in _pieces(request, seconds):
                if size + len(piece) > MAX_BODY:
                    raise _too_large()
                memory[size : size + len(piece)] = piece
                size += len(piece)
            with memoryview(memory) as whole, whole[:size] as body:
                yield body
    finally:
        _AT_ONCE.release()


def _pieces(request: Request, seconds: float) -> Iterator[bytes]:
    connection: socket.socket | None = request.environ.get("gunicorn.socket")
    size = 0
    try:
        with _WATCH.until(connection, time.monotonic() + seconds) if connection else nullcontext():
            while piece := request.stream.read(_PIECE):
                size += len(piece)
                yield piece
    except (ClientDisconnected, OSError):
        size = -1
    if size < (request.content_length or 0):
        raise RefusedBodyError(408, f"the body did not arrive within {seconds:g} s")


def _too_large() -> RefusedBodyError:
    return RefusedBodyError(413, "the body is larger than 25 MB, the most that GitHub sends")


class _Watch:
    """Ends the reading from connections at their deadlines: a socket's own time-out begins anew with each byte."""

    def __init__(self) -> None:
        self._deadlines: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def until(self, connection: socket.socket, deadline: float) -> Iterator[None]:
        """Read from a connection in the `with` block; at the deadline, it looks as if it had ended."""
        self._deadlines[connection] = deadline
        if self._thread is None:  # not before: a thread does not live through the server's fork
            self._start()
        try:
            yield
        finally:
            del self._deadlines[connection]

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="body-deadlines", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK)
            now = time.monotonic()
            for connection, deadline in list(self._deadlines.items()):
                if now > deadline:
                    with suppress(OSError):  # it may have ended by itself
                        connection.shutdown(socket.SHUT_RD)


_WATCH = _Watch()
