"""Requests to Google's REST APIs; through a proxy and with certificates, they are in tests/queue/test_publisher.py."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from deployer import http
from deployer.errors import AnswerError
from deployer.google_http import GoogleHttp
from tests.google_apis import Answer, Google


@pytest.fixture
def google() -> Iterator[Google]:
    with Google() as google:
        yield google


@pytest.fixture
def to(google: Google) -> Iterator[GoogleHttp]:
    to = GoogleHttp(f"http://{google.endpoint}")
    yield to
    to.close()


def test_an_answer_comes_back_whatever_its_status(to: GoogleHttp, google: Google) -> None:
    google.answers["/x"] = [Answer(418, {"a": 1}, {"Retry-After": "7"})]
    received = to.send("POST", "/x", 5, headers={"X-Test": "1"}, body=b"body")
    assert (received.status, received.data, received.headers["retry-after"]) == (418, b'{"a": 1}', "7")
    (seen,) = google.seen
    assert (seen.method, seen.path, seen.body, seen.headers["x-test"]) == ("POST", "/x", b"body", "1")
    assert seen.headers["user-agent"] == "deployer"


def test_no_redirect_is_followed(to: GoogleHttp, google: Google) -> None:
    google.answers["/x"] = [Answer(307, headers={"Location": f"http://{google.endpoint}/elsewhere"})]
    assert to.send("GET", "/x", 5).status == 307
    assert len(google.seen) == 1


def test_the_connection_is_kept(to: GoogleHttp, google: Google) -> None:
    for _ in range(3):
        to.send("GET", "/oauth2/v1/certs", 5)
    assert len({one.connection for one in google.seen}) == 1


def test_an_answer_that_comes_byte_by_byte_ends_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                try:
                    while True:
                        connection.sendall(b"x")
                        time.sleep(0.05)
                except OSError:
                    pass

        dripping = threading.Thread(target=drip)
        dripping.start()
        start = time.monotonic()
        with pytest.raises(AnswerError, match=f"http://127.0.0.1:{port} cannot be reached: ") as caught:
            GoogleHttp(f"http://127.0.0.1:{port}").send("GET", "/", 0.5)
        assert time.monotonic() - start < 1
        assert caught.value.transient
        dripping.join(5)


def test_an_answer_has_a_size(to: GoogleHttp, google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_ANSWER", 1000)
    google.answers["/x"] = [Answer(200, "x" * 1001)]
    with pytest.raises(AnswerError, match="cannot be read: the answer is larger than 1,000 bytes") as caught:
        to.send("GET", "/x", 5)
    assert not caught.value.transient


@pytest.mark.parametrize(("excepted", "reached"), [("127.0.0.1", True), ("elsewhere.example", False)])
def test_a_proxy_counts_but_for_its_exceptions(
    google: Google, monkeypatch: pytest.MonkeyPatch, excepted: str, reached: bool
) -> None:
    with Google() as proxy:
        proxy.answers["/oauth2/v1/certs"] = [Answer(200)]
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.endpoint}")
        monkeypatch.setenv("NO_PROXY", excepted)
        GoogleHttp(f"http://{google.endpoint}").send("GET", "/oauth2/v1/certs", 5)
        assert (len(google.seen), len(proxy.seen)) == ((1, 0) if reached else (0, 1))
