"""The schedule: calls the private entry point `reconcile` again and again, as Cloud Scheduler does."""

import http.client
import threading
from collections.abc import Callable
from contextlib import closing
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_TIMEOUT = 120.0


class Schedule:
    """Calls an address every so many seconds, once the call before has ended; a context manager."""

    def __init__(self, url: str, every: float, tell: Callable[[str], None]) -> None:
        """Say what is called; `tell` learns of each call that was not answered with 200."""
        self._url, self._every, self._tell = url, every, tell
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            try:
                status = call(self._url)
            except (OSError, http.client.HTTPException) as error:
                self._tell(f"reconcile could not be called: {error}")
            else:
                if status != http.client.OK:
                    self._tell(f"reconcile was answered with {status}")


def call(url: str) -> int:
    """Call once; returns the status of the answer.

    Raises:
        OSError: nobody answers in time, or at all.
        http.client.HTTPException: the answer is no HTTP.
    """
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=_TIMEOUT)) as connection:
        connection.request("POST", "/")
        answer = connection.getresponse()
        answer.read()
        return answer.status
