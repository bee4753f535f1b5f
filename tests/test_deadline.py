"""Whole exchanges end at their deadline, however slowly a byte comes or goes."""

import contextlib
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3

from deployer.deadline import OverdueError, heed_deadlines, time_left, within
from local.certificates import CertificateAuthority

Script = Callable[[socket.socket], None]

PATIENT = urllib3.Timeout(connect=5, read=5)
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def drip(sock: socket.socket, data: bytes, pause: float = 0.01) -> None:
    for byte in data:
        sock.sendall(bytes([byte]))
        time.sleep(pause)


def dripping(start: bytes, rest: bytes) -> Script:
    """An answer whose rest would take ten seconds."""

    def answer(sock: socket.socket) -> None:
        sock.recv(65_536)
        sock.sendall(start)
        drip(sock, rest * 1000)

    return answer


def flooding(sock: socket.socket) -> None:
    """Says without end that the request may go on."""
    while True:
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def taking_its_time(sock: socket.socket) -> None:
    """Takes what is sent a little at a time."""
    while sock.recv(65_536):
        time.sleep(0.005)


def silent(sock: socket.socket) -> None:
    while sock.recv(65_536):
        pass


def answering_after(pause: float) -> Script:
    """Answers each request on one connection after a while."""

    def answer(sock: socket.socket) -> None:
        while sock.recv(65_536):
            time.sleep(pause)
            sock.sendall(OK + b"Content-Length: 2\r\n\r\nok")

    return answer


class Serving:
    """Servers that follow a script with each connection; `left` waits until all of them were left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listeners: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def port(self, script: Script, tls: ssl.SSLContext | None = None) -> int:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262_144)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        self._listeners.append(listener)

        def follow(sock: socket.socket) -> None:
            with contextlib.suppress(OSError), tls.wrap_socket(sock, server_side=True) if tls else sock as one:
                script(one)

        def accept() -> None:
            with contextlib.suppress(OSError):  # closed
                while True:
                    self._start(follow, listener.accept()[0])

        self._start(accept)
        return int(listener.getsockname()[1])

    def pool(self, script: Script) -> urllib3.PoolManager:
        """A manager whose requests for `/` go to the script."""
        manager = urllib3.PoolManager(retries=False, timeout=PATIENT)
        heed_deadlines(manager)
        self.url = f"http://127.0.0.1:{self.port(script)}/"
        return manager

    def tls_pool(self, script: Script) -> urllib3.PoolManager:
        authority = CertificateAuthority("test")
        for name, data in zip(("crt", "key"), authority.server(), strict=True):
            (self._folder / name).write_bytes(data)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / "crt", self._folder / "key")
        trusting = ssl.create_default_context(cadata=authority.certificate.decode())
        manager = urllib3.PoolManager(retries=False, timeout=PATIENT, ssl_context=trusting)
        heed_deadlines(manager)
        self.url = f"https://127.0.0.1:{self.port(script, context)}/"
        return manager

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        self._threads.append(threading.Thread(target=target, args=arguments, daemon=True))
        self._threads[-1].start()

    def left(self) -> bool:
        """Whether every script came to its end, because nobody listens any more."""
        for listener in self._listeners:
            with contextlib.suppress(OSError):  # twice
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for thread in self._threads:
            thread.join(2)
        return not any(thread.is_alive() for thread in self._threads)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    serving = Serving(tmp_path)
    yield serving
    serving.left()


def overdue(manager: urllib3.PoolManager, url: str, body: bytes | None = None) -> OverdueError:
    start = time.monotonic()
    with manager, pytest.raises(OverdueError) as caught, within(0.2):
        manager.request("POST", url, body=body)
    assert 0.2 <= time.monotonic() - start < 2
    return caught.value


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(dripping(b"", b"H"), id="status"),
        pytest.param(dripping(OK + b"X: ", b"x"), id="header"),
        pytest.param(dripping(OK, b"X: x\r\n"), id="headers"),
        pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="interim answers"),
        pytest.param(flooding, id="a flood of interim answers"),
        pytest.param(dripping(CHUNKED, b"0"), id="length of a chunk"),
        pytest.param(dripping(CHUNKED + b"fff\r\n", b"x"), id="chunk"),
        pytest.param(dripping(CHUNKED + b"0\r\nX: ", b"x"), id="trailer"),
        pytest.param(dripping(OK + b"Content-Length: 1000\r\n\r\n", b"x"), id="body"),
        pytest.param(dripping(OK + b"\r\n", b"x"), id="body without a length"),
        pytest.param(silent, id="nothing"),
    ],
)
def test_an_answer_that_drips_ends_at_the_deadline(serving: Serving, script: Script) -> None:
    error = overdue(serving.pool(script), serving.url)
    assert str(error) == "its answer had not ended after 0.2 s"
    assert serving.left(), "the rest would go on coming"


@pytest.mark.parametrize("pool", [Serving.pool, Serving.tls_pool], ids=["plain", "TLS"])
def test_a_request_that_is_taken_slowly_ends_at_the_deadline(
    serving: Serving, pool: Callable[[Serving, Script], urllib3.PoolManager]
) -> None:
    overdue(pool(serving, taking_its_time), serving.url, body=bytes(40_000_000))  # more than the system keeps for it


def test_headers_that_drip_over_tls_end_at_the_deadline(serving: Serving) -> None:
    overdue(serving.tls_pool(dripping(OK, b"X: x\r\n")), serving.url)
    assert serving.left()


def test_a_proxy_that_drips_its_answer_to_connect_ends_at_the_deadline(serving: Serving) -> None:
    proxy = urllib3.ProxyManager(f"http://127.0.0.1:{serving.port(dripping(OK, b'X: x'))}", retries=False)
    heed_deadlines(proxy)
    overdue(proxy, "https://github.invalid/")
    assert serving.left()


def test_a_connection_is_used_again_with_all_of_its_time(serving: Serving) -> None:
    accepted: list[float] = []

    def slow(sock: socket.socket) -> None:
        accepted.append(time.monotonic())
        answering_after(0.2)(sock)

    with serving.pool(slow) as manager:
        for seconds in (5.0, 0.3):
            with within(seconds):
                assert manager.request("GET", serving.url).data == b"ok"
        assert manager.request("GET", serving.url).data == b"ok", "without any deadline"
    assert len(accepted) == 1


def test_each_thread_has_a_deadline_of_its_own(serving: Serving) -> None:
    def ask(seconds: float) -> bytes | str:
        try:
            with within(seconds):
                return manager.request("GET", serving.url).data
        except OverdueError as error:
            return str(error)

    with serving.pool(answering_after(0.3)) as manager, ThreadPoolExecutor(2) as threads:
        told = list(threads.map(ask, [0.1, 5.0]))
    assert told == ["its answer had not ended after 0.1 s", b"ok"]


def test_what_fails_before_the_deadline_is_told_as_it_is(serving: Serving) -> None:
    with serving.pool(lambda sock: None) as manager, pytest.raises(urllib3.exceptions.ProtocolError), within(5):
        manager.request("GET", serving.url)
    with pytest.raises(ValueError, match="no fault of the network"), within(0):
        raise ValueError("no fault of the network")


def test_how_much_time_is_left() -> None:
    assert time_left() == math.inf
    with within(5):
        assert 4 < time_left() <= 5
        with within(1):
            assert time_left() <= 1
        with within(60):
            assert 4 < time_left() <= 5, "a block inside gets no more than the one around it"
    assert time_left() == math.inf
