"""Answers end at a size, and words are cut. (test_deadline.py has the end of answers in time.)"""

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3

from deployer.http import MAX_ANSWER, MAX_WORDS, TooLargeError, excerpt, read_answer

Write = Callable[[BaseHTTPRequestHandler], None]


def whole(data: bytes, declared: int | None = None, **headers: str) -> Write:
    """An answer; `declared` is the length that it says it has."""

    def write(to: BaseHTTPRequestHandler) -> None:
        to.send_response(200)
        for name, value in {"Content-Length": str(declared or len(data)), **headers}.items():
            to.send_header(name.replace("_", "-"), value)
        to.end_headers()
        to.wfile.write(data)
        to.close_connection = declared is not None

    return write


@pytest.fixture
def answering() -> Iterator[Callable[[Write], urllib3.HTTPConnectionPool]]:
    """Starts a server that answers every request in one way; returns the connections to it."""
    servers: list[ThreadingHTTPServer] = []

    def start(write: Write) -> urllib3.HTTPConnectionPool:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                write(self)

            def log_message(self, *arguments: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """Say nothing of a client that hangs up."""

        servers.append(Quiet(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.02,), daemon=True).start()
        return urllib3.HTTPConnectionPool("127.0.0.1", servers[-1].server_port, retries=False)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def read(pool: urllib3.HTTPConnectionPool) -> bytes:
    return read_answer(pool.request("GET", "/", preload_content=False))


@pytest.mark.parametrize(
    "answer",
    [whole(b"x" * 300_000), whole(gzip.compress(b"x" * 300_000), Content_Encoding="gzip")],
    ids=["plain", "gzip"],
)
def test_an_answer_is_read_to_its_end_and_its_connection_used_again(
    answering: Callable[[Write], urllib3.HTTPConnectionPool], answer: Write
) -> None:
    with answering(answer) as pool:
        assert [read(pool), read(pool)] == [b"x" * 300_000] * 2
        assert pool.num_connections == 1


def test_an_answer_as_large_as_allowed_is_read(answering: Callable[[Write], urllib3.HTTPConnectionPool]) -> None:
    with answering(whole(gzip.compress(bytes(MAX_ANSWER), 1), Content_Encoding="gzip")) as pool:
        assert len(read(pool)) == MAX_ANSWER


def test_an_answer_that_unpacks_to_more_is_refused(
    answering: Callable[[Write], urllib3.HTTPConnectionPool],
) -> None:
    packed = gzip.compress(bytes(MAX_ANSWER + 1), 1)
    assert len(packed) < MAX_ANSWER / 100
    with answering(whole(packed, Content_Encoding="gzip")) as pool:
        answer = pool.request("GET", "/", preload_content=False)
        with pytest.raises(TooLargeError, match="larger than 64,000,000 bytes"):
            read_answer(answer)
        assert answer.closed, "the rest would go on coming"


def test_an_answer_that_is_cut_off_is_not_taken_for_the_whole(
    answering: Callable[[Write], urllib3.HTTPConnectionPool],
) -> None:
    with answering(whole(b"x" * 100, declared=200)) as pool, pytest.raises(urllib3.exceptions.HTTPError):
        read(pool)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ""),
        ("no", "no"),
        (" two\n\n\tlines\u2028or\xa0three\r\n", "two lines or three"),
        ("x" * MAX_WORDS, "x" * MAX_WORDS),
        ("x" * MAX_WORDS + "y", "x" * MAX_WORDS + "…"),
        ("x " * MAX_WORDS, ("x " * (MAX_WORDS // 2)).rstrip() + "…"),
    ],
    ids=["nothing", "a word", "lines", "as long as allowed", "longer", "cut after a space"],
)
def test_words_of_another_machine_are_cut_and_on_one_line(text: str, told: str) -> None:
    assert excerpt(text) == told
