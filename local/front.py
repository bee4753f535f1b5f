"""What stands before the instances of a private function, as Cloud Run does: one address for all of them.

An instance takes so many requests at once. A request for which none is free waits up to 10 s, and is then answered
with 429 (https://cloud.google.com/run/docs/about-instance-autoscaling: 3.5 times the start of an instance, or 10 s). An
instance that has ended is started anew for the next request. Cloud Run starts and ends instances by need; here there
are always as many.
"""

import http.client
import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from local.function import Function
from local.pubsub import ACK_DEADLINE, passes

WAIT = 10.0
_NOT_PASSED_ON = ("connection", "content-length", "host", "keep-alive", "transfer-encoding")


class Front:
    """Shares requests out among instances; a context manager. It listens on `url`, a free port of 127.0.0.1.

    For subscriptions that have a filter, it answers the pushes of messages that the filter keeps away: Pub/Sub does
    that itself, but its emulator (0.8.20) takes filters and ignores them.
    """

    def __init__(
        self,
        instances: Sequence[Function],
        concurrency: int = 1,
        filters: Mapping[str, str] | None = None,
        wait: float = WAIT,
        timeout: float = ACK_DEADLINE,
    ) -> None:
        """Say which instances there are, and how many requests each takes at once.

        Args:
            instances: they have been started.
            concurrency: how many requests each takes at once.
            filters: of Pub/Sub's subscriptions, by their full name.
            wait: seconds that a request waits for an instance.
            timeout: seconds that a request may take; the instance goes on with it all the same.
        """
        self.instances = tuple(instances)
        self._busy = [0] * len(self.instances)
        self._concurrency = concurrency
        self._filters = dict(filters or {})
        self._wait = wait
        self._timeout = timeout
        self._freed = threading.Condition()
        self._starting = threading.Lock()
        self._closed = False
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="front")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._starting:  # nothing is started from here on
            self._closed = True
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def busy(self) -> int:
        """How many requests are under way in instances."""
        with self._freed:
            return sum(self._busy)

    def answer(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Answer a request: with status and body of an instance's answer, or for it."""
        if self._is_kept_away(body):
            return HTTPStatus.OK, b"{}"
        with self._place() as instance:
            if instance is None:
                return HTTPStatus.TOO_MANY_REQUESTS, b"Rate exceeded."
            try:
                self._start_anew(instance)
                return _ask(instance, headers, body, self._timeout)
            except TimeoutError:
                return HTTPStatus.GATEWAY_TIMEOUT, b"upstream request timeout"
            except (OSError, http.client.HTTPException, RuntimeError):  # its log says more
                return HTTPStatus.SERVICE_UNAVAILABLE, b"Service Unavailable"

    def _is_kept_away(self, body: bytes) -> bool:
        try:
            push = json.loads(body)
        except (ValueError, RecursionError):
            return False  # no push: the function's to judge
        match push:
            case {"subscription": str(name), "message": {"attributes": dict(attributes)}} if name in self._filters:
                return not passes(self._filters[name], attributes)
        return False

    @contextmanager
    def _place(self) -> Iterator[Function | None]:
        """An instance that takes one more request, the least busy one; None where none is free in time."""
        with self._freed:
            if not self._freed.wait_for(lambda: min(self._busy) < self._concurrency, self._wait):
                yield None
                return
            number = self._busy.index(min(self._busy))
            self._busy[number] += 1
        try:
            yield self.instances[number]
        finally:
            with self._freed:
                self._busy[number] -= 1
                self._freed.notify()

    def _start_anew(self, instance: Function) -> None:
        with self._starting:
            if not self._closed and not instance.running:
                instance.start()


def _ask(instance: Function, headers: Mapping[str, str], body: bytes, timeout: float) -> tuple[int, bytes]:
    passed_on = {name: value for name, value in headers.items() if name.lower() not in _NOT_PASSED_ON}
    with closing(http.client.HTTPConnection("127.0.0.1", instance.port, timeout=timeout)) as connection:
        connection.request("POST", "/", body, passed_on)
        answer = connection.getresponse()
        return answer.status, answer.read()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # the end of a world waits for no request: its functions end, too
    request_queue_size = 128

    def __init__(self, front: Front) -> None:
        self.front = front
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of one who asked and has gone."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        status, answer = self.server.front.answer(dict(self.headers.items()), body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
