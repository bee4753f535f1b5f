"""A wire that is long: it carries TCP connections between the deployer and its neighbours, later by a round trip."""

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial

from bench.servers import ROOT
from local.leash import Leash
from local.ports import free_ports

_TIMEOUT = 10.0


def start(leash: Leash, round_trip: float, targets: Sequence[int]) -> list[int]:
    """Start relays in a process of their own, so that they share no lock with the neighbours of this one.

    Args:
        leash: what ends them.
        round_trip: seconds that they add to each round trip, the one that opens a connection included.
        targets: ports of 127.0.0.1 to relay to.

    Returns:
        The ports of the relays, in the order of the targets.

    Raises:
        RuntimeError: they do not listen in time; with the end of their log.
    """
    ports = free_ports(len(targets))
    pairs = [f"{port}:{target}" for port, target in zip(ports, targets, strict=True)]
    process = leash.run("relay", [sys.executable, "-m", "bench.relay", str(round_trip), *pairs], cwd=ROOT)
    deadline = time.monotonic() + _TIMEOUT
    for port in ports:
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the relay does not listen; its log ends with:\n{leash.tail('relay')}")
            time.sleep(0.01)
    return ports


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _serve(round_trip: float, pairs: Sequence[str]) -> None:
    """Relay from each pair's first port to its second (`PORT:TARGET`), for ever."""

    async def relay(target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(round_trip)  # what TCP itself needs to open a connection
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(target))
        except OSError:
            writer.close()  # nobody is there: the client learns it as a connection that ends
            return
        await asyncio.gather(_carry(reader, far_writer, round_trip / 2), _carry(far_reader, writer, round_trip / 2))

    async with asyncio.TaskGroup() as serving:
        for port, _, target in (pair.partition(":") for pair in pairs):
            server = await asyncio.start_server(partial(relay, target), "127.0.0.1", int(port))
            serving.create_task(server.serve_forever())


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter, delay: float) -> None:
    # What follows does not wait for what is on its way: a long wire is slow, not narrow.
    later = asyncio.get_running_loop().call_later
    with contextlib.suppress(ConnectionError):  # one end is gone: the other learns it, too
        while data := await source.read(65536):
            later(delay, sink.write, data)
    later(delay, sink.close)


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]), sys.argv[2:]))
