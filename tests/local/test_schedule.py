"""The schedule calls its target again and again, says what went wrong, and ends at once."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local.ports import free_ports
from local.schedule import Schedule, call

_SOON = 10.0


class Target:
    """What is called: an HTTP server that answers with `status`, each time after `delay` seconds."""

    def __init__(self) -> None:
        self.status = HTTPStatus.OK
        self.delay = 0.0
        self.calls: list[tuple[str, str]] = []
        self.at_once = self.most_at_once = 0
        target = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                target.at_once += 1
                target.most_at_once = max(target.most_at_once, target.at_once)
                target.calls.append((self.command, self.path))
                time.sleep(target.delay)
                target.at_once -= 1
                self.send_response(target.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    with target.serving():
        yield target


def wait_for(found: list[object] | list[str] | list[tuple[str, str]], count: int) -> None:
    deadline = time.monotonic() + _SOON
    while len(found) < count:
        assert time.monotonic() < deadline, found
        time.sleep(0.005)


def test_it_calls_again_and_again_and_is_content(target: Target) -> None:
    told: list[str] = []
    with Schedule(target.url, 0.02, told.append):
        wait_for(target.calls, 3)
    assert set(target.calls) == {("POST", "/")}
    assert told == []


def test_the_first_call_comes_after_one_pause(target: Target) -> None:
    start = time.monotonic()
    with Schedule(target.url, 0.3, lambda _: None):
        wait_for(target.calls, 1)
    assert time.monotonic() - start >= 0.3


def test_a_call_waits_for_the_one_before(target: Target) -> None:
    target.delay = 0.1
    with Schedule(target.url, 0.01, lambda _: None):
        wait_for(target.calls, 3)
    assert target.most_at_once == 1


def test_another_answer_is_told_and_the_next_call_comes_all_the_same(target: Target) -> None:
    told: list[str] = []
    target.status = HTTPStatus.INTERNAL_SERVER_ERROR
    with Schedule(target.url, 0.02, told.append):
        wait_for(told, 2)
        target.status = HTTPStatus.OK
        calls = len(target.calls)
        wait_for(target.calls, calls + 3)
    assert set(told) == {"reconcile was answered with 500"}


def test_nobody_there_is_told() -> None:
    told: list[str] = []
    (port,) = free_ports(1)
    with Schedule(f"http://127.0.0.1:{port}", 0.02, told.append):
        wait_for(told, 2)
    assert all(line.startswith("reconcile could not be called: ") for line in told)
    assert "refused" in told[0]


def test_an_answer_that_is_no_http_is_told() -> None:
    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-nothing\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with Schedule(f"http://127.0.0.1:{server.getsockname()[1]}", 0.02, told.append):
            wait_for(told, 1)
        thread.join()
    assert told[0].startswith("reconcile could not be called: ")


def test_it_ends_at_once_while_it_pauses(target: Target) -> None:
    start = time.monotonic()
    with Schedule(target.url, 600, lambda _: None):
        pass
    assert time.monotonic() - start < 5
    assert target.calls == []


def test_it_ends_with_the_call_that_is_under_way(target: Target) -> None:
    target.delay = 0.3
    told: list[str] = []
    with Schedule(target.url, 0.01, told.append):
        wait_for(target.calls, 1)
    assert (target.at_once, told) == (0, [])
    calls = len(target.calls)
    time.sleep(0.05)
    assert len(target.calls) == calls, "nobody calls any more"


def test_one_call(target: Target) -> None:
    target.status = HTTPStatus.SERVICE_UNAVAILABLE
    assert call(target.url) == http.client.SERVICE_UNAVAILABLE
    assert target.calls == [("POST", "/")]
