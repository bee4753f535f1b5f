import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from bench.client import pace, send
from bench.servers import Request

_BODY = b"x" * 10_000


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections = 0
    keeps = True

    def setup(self) -> None:
        super().setup()
        type(self).connections += 1

    def do_POST(self) -> None:
        assert self.rfile.read(int(self.headers["Content-Length"])) == _BODY
        self.send_response(403)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")  # not with the headers: the client has to wait for it
        self.close_connection = not self.keeps

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def _server(handler: type[_Handler]) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_it_asks_again_and_again_over_kept_connections() -> None:
    class Handler(_Handler):
        pass

    with _server(Handler) as port:
        sent = send(port, Request("POST", 403, body=_BODY), 0.1, connections=2)
    assert sent.requests > 2
    assert 0 < sent.busy < 2
    assert Handler.connections == 2


@pytest.mark.parametrize(
    ("status", "keeps", "told"),
    [
        (200, True, "1 of 1 connections failed: the answer was 403, not 200"),
        (403, False, "the connection was not kept"),
    ],
)
def test_it_does_not_count_what_is_no_answer(status: int, keeps: bool, told: str) -> None:
    class Handler(_Handler):
        pass

    Handler.keeps = keeps
    with _server(Handler) as port, pytest.raises(RuntimeError, match=re.escape(told)):
        send(port, Request("POST", status, body=_BODY), 0.1, connections=1)


def test_it_keeps_a_pace_and_counts_from_when_a_request_is_due() -> None:
    class Handler(_Handler):
        def do_POST(self) -> None:
            time.sleep(0.1)
            super().do_POST()

    with _server(Handler) as port:
        begin = time.monotonic()
        taken = pace(port, Request("POST", 403, body=_BODY), 1, connections=4, rate=20, at_once=4)
        assert 0.9 < time.monotonic() - begin < 2
        assert len(taken) == 20
        assert 0.1 <= min(taken) <= max(taken) < 0.3
        # One connection for what four should carry: each waits for those before it.
        taken = pace(port, Request("POST", 403, body=_BODY), 0.2, connections=1, rate=20, at_once=4)
        assert len(taken) == 4
        assert sorted(taken)[-1] > 0.4
    assert Handler.connections == 5


def test_a_pace_of_wrong_answers_is_none() -> None:
    with _server(_Handler) as port, pytest.raises(RuntimeError, match="the answer was 403, not 200"):
        pace(port, Request("POST", 200, body=_BODY), 0.1, connections=2, rate=20, at_once=1)
