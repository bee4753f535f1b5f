import contextlib
import socket
import time
from pathlib import Path
from threading import Thread

from bench import relay
from local.leash import Leash
from local.ports import free_ports

_ROUND_TRIP = 0.1


def test_it_adds_a_round_trip_to_opening_and_to_each_question(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, Leash(tmp_path / "leash") as leash:
        Thread(target=_echo, args=(server,), daemon=True).start()
        (port,) = relay.start(leash, _ROUND_TRIP, [server.getsockname()[1]])
        begin = time.monotonic()
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            assert _ask(connection, b"one") == b"one"
            assert time.monotonic() - begin > 2 * _ROUND_TRIP
            begin = time.monotonic()
            assert _ask(connection, b"two") == b"two"
            assert time.monotonic() - begin > _ROUND_TRIP
            # What is sent without waiting for an answer is on its way at the same time, and keeps its order.
            parts = [bytes([number]) * 65536 for number in range(64)]
            begin = time.monotonic()
            sending = Thread(target=connection.sendall, args=(b"".join(parts),))
            sending.start()
            assert _read(connection, 64 * 65536) == b"".join(parts)
            assert time.monotonic() - begin < 30 * _ROUND_TRIP
            sending.join()


def test_it_ends_a_connection_to_nobody(tmp_path: Path) -> None:
    with Leash(tmp_path / "leash") as leash:
        (port,) = relay.start(leash, 0, free_ports(1))
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            assert connection.recv(1) == b""


def _echo(server: socket.socket) -> None:
    def answer(connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(65536):
                connection.sendall(data)

    with contextlib.suppress(OSError):  # closed, at the end of the test
        while True:
            Thread(target=answer, args=(server.accept()[0],), daemon=True).start()


def _ask(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    return _read(connection, len(data))


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        received = connection.recv(size - len(data))
        assert received, "the connection ended early"
        data += received
    return data
