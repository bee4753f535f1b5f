"""A client that costs as little as can be: the same request again and again, over connections that are kept."""

import multiprocessing
import os
import re
import socket
import threading
import time
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


def send(port: int, request: Request, seconds: float, connections: int) -> Sent:
    """Send a request for some seconds over so many connections at once, each in a thread of its own.

    Raises:
        RuntimeError: an answer had another status than `request.status`, or a connection was not kept.
    """
    headers = {"Host": f"127.0.0.1:{port}", **request.headers, "Content-Length": str(len(request.body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    data = f"{request.method} / HTTP/1.1\r\n{head}\r\n".encode() + request.body
    counts = [0] * connections
    problems: list[str] = []
    begin, busy = time.perf_counter(), time.process_time()

    def work(number: int) -> None:
        try:
            with socket.create_connection(("127.0.0.1", port), _TIMEOUT) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while time.perf_counter() < begin + seconds:
                    connection.sendall(data)
                    if (status := _status(connection)) != request.status:
                        raise OSError(f"the answer was {status}, not {request.status}")
                    counts[number] += 1
        except OSError as error:
            problems.append(str(error))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise RuntimeError(f"{len(problems)} of {connections} connections failed: {problems[0]}")
    return Sent(sum(counts), (time.process_time() - busy) / (time.perf_counter() - begin))


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
