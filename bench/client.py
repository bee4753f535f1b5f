"""A client that costs as little as can be: the same request again and again, over connections that are kept."""

import multiprocessing
import os
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.servers import Request

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TIMEOUT = 10.0


@dataclass(frozen=True)
class Sent:
    """How many requests a client sent, and which share of a processor it needed itself."""

    requests: int
    busy: float


def end_with_parent() -> None:
    """Have this process end when the one that started it does, however that one ends."""

    def watch() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def pace(port: int, request: Request, seconds: float, connections: int, rate: float, at_once: int) -> list[float]:
    """Send a request at set times, whether or not those before are answered; returns the seconds that each took.

    Each counts from the moment at which it was due, so that what waits for a connection waits visibly.

    Args:
        port: of 127.0.0.1.
        request: what to send.
        seconds: for how long.
        connections: that are kept; each sends in its turn, in a thread of its own.
        rate: requests a second, all together.
        at_once: how many of them come at the same moment.

    Raises:
        RuntimeError: an answer had another status than `request.status`, or a connection was not kept.
    """
    data = _bytes(port, request)
    taken: list[list[float]] = [[] for _ in range(connections)]
    begin = time.perf_counter() + 0.2  # when all are connected

    def work(number: int, connection: socket.socket) -> None:
        for turn in range(number, int(seconds * rate), connections):
            due = begin + turn // at_once * at_once / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            _exchange(connection, data, request.status)
            taken[number].append(time.perf_counter() - due)

    _in_threads(port, connections, work)
    return [one for of_connection in taken for one in of_connection]


def send(port: int, request: Request, seconds: float, connections: int) -> Sent:
    """Send a request for some seconds over so many connections at once, each in a thread of its own.

    Raises:
        RuntimeError: an answer had another status than `request.status`, or a connection was not kept.
    """
    data = _bytes(port, request)
    counts = [0] * connections
    begin, busy = time.perf_counter(), time.process_time()

    def work(number: int, connection: socket.socket) -> None:
        while time.perf_counter() < begin + seconds:
            _exchange(connection, data, request.status)
            counts[number] += 1

    _in_threads(port, connections, work)
    return Sent(sum(counts), (time.process_time() - busy) / (time.perf_counter() - begin))


def _bytes(port: int, request: Request) -> bytes:
    headers = {"Host": f"127.0.0.1:{port}", **request.headers, "Content-Length": str(len(request.body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{request.method} / HTTP/1.1\r\n{head}\r\n".encode() + request.body


def _in_threads(port: int, connections: int, work: Callable[[int, socket.socket], None]) -> None:
    """Work on each connection, in a thread of its own; raises RuntimeError where one fails."""
    problems: list[str] = []

    def connected(number: int) -> None:
        try:
            with socket.create_connection(("127.0.0.1", port), _TIMEOUT) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                work(number, connection)
        except OSError as error:
            problems.append(str(error))

    threads = [threading.Thread(target=connected, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise RuntimeError(f"{len(problems)} of {connections} connections failed: {problems[0]}")


def _exchange(connection: socket.socket, data: bytes, wanted: int) -> None:
    connection.sendall(data)
    if (status := _status(connection)) != wanted:
        raise OSError(f"the answer was {status}, not {wanted}")


def _status(connection: socket.socket) -> int:
    """Read one whole answer; returns its status."""
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += _receive(connection)
    length = _LENGTH.search(data, 0, end)
    if not length:
        raise OSError("the answer says not how long it is")
    while len(data) < end + 4 + int(length[1]):
        data += _receive(connection)
    return int(data[9:12])


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise OSError("the connection was not kept")
    return data
