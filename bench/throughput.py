"""How `webhook` stands what comes, against a function that only reads the body.

Refused deliveries come as fast as they can be sent, accepted pushes as fast as a busy organisation makes them.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench import google
from bench.client import Sent, end_with_parent, pace, send
from bench.figures import CONSOLE, Goal, percentile, ratios, show, spread, table
from bench.servers import Request, await_answer, delivery, push, start
from local.leash import Leash
from local.ports import free_ports

GOAL = Goal(0.7, at_most=False)
_ROUNDS = 40
_SECONDS = 0.5
"""Of each of the two in each round."""
_CLIENTS, _CONNECTIONS = 2, 4
"""Processes, and kept connections of each: together as many as each function has threads."""
_BUSY = 0.7
"""The share of a processor from which on the clients, and not the functions, may be what is slow."""

_BODY = b'{"ref": "' + b"x" * 10_000 + b'"}'
_REQUESTS = {
    target: delivery("push", _BODY, status, secret="another secret")  # noqa: S106
    for target, status in (("hello", 200), ("webhook", 403))
}

ACCEPTED_GOAL = Goal(100, at_most=True)
"""Milliseconds within which 99 of 100 pushes are to be answered."""
_RATE, _AT_ONCE = 50, 32
_PACED_SECONDS, _PACED_ROUNDS = 6.0, 5
_CONFIRMED = (0.005, 0.01)
"""Seconds that Pub/Sub takes to confirm a message."""
_PUSHES = {target: delivery("push", push(), 200) for target in ("hello", "webhook")}


def run(folder: Path) -> None:
    """Print both, each beside its peer. Its files go to `folder`."""
    _run_refused(folder)
    _run_accepted(folder)


def _run_accepted(folder: Path) -> None:
    """Send pushes to the two in turn, at a set pace; print how long the slowest in a hundred wait."""
    ports = dict(zip(_PUSHES, free_ports(2), strict=True))
    paces = {f"{at_once} at once": at_once for at_once in (1, _AT_ONCE)}
    slowest: dict[tuple[str, str], list[float]] = {(shape, target): [] for shape in paces for target in _PUSHES}
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), end_with_parent)
    with Leash(folder / "accepted") as leash, pool as client:
        there = google.start(leash, _CONFIRMED)
        for target, port in ports.items():
            process = start(leash, target, port, settings=there.itself)
            await_answer(leash, target, process, port, _PUSHES[target])
        for number in range(-1, _PACED_ROUNDS):
            for shape, target in sorted(slowest, reverse=number % 2 == 0):
                seconds = _PACED_SECONDS if number >= 0 else 1.0  # the first round is the warm-up
                request = _PUSHES[target]
                paced = client.submit(pace, ports[target], request, seconds, _AT_ONCE, _RATE, paces[shape])
                if number >= 0:
                    slowest[shape, target].append(percentile(paced.result(), 99) * 1000)
                else:
                    paced.result()
    shown = table("", "min", "median", "max", "")
    for (shape, target), values in slowest.items():
        found = spread(values)
        verdict = ACCEPTED_GOAL.verdict(found) if target == "webhook" else ""
        shown.add_row(f"{target}, {shape}", *found.cells(" ms", 0), verdict, style="bold" if verdict else "")
    what = f"{_RATE} a second over {_AT_ONCE} connections, Pub/Sub takes 5 to 10 ms"
    show(f"99 of 100 pushes are accepted within: {what}, {_PACED_ROUNDS} rounds", shown)


def _run_refused(folder: Path) -> None:
    """Load the two in turn; print requests a second, their ratio, and how busy the clients were."""
    ports = dict(zip(_REQUESTS, free_ports(2), strict=True))
    rates: dict[str, list[float]] = {target: [] for target in _REQUESTS}
    busy: dict[str, list[float]] = {target: [] for target in _REQUESTS}
    # Clients in fresh processes: they share no lock with each other, nor with this one.
    pool = ProcessPoolExecutor(_CLIENTS, multiprocessing.get_context("spawn"), end_with_parent)
    with Leash(folder / "throughput") as leash, pool as clients:
        for target, port in ports.items():
            process = start(leash, target, port, threads=_CLIENTS * _CONNECTIONS)
            await_answer(leash, target, process, port, _REQUESTS[target])
        for number in range(-1, _ROUNDS):
            for target in sorted(_REQUESTS, reverse=number % 2 == 0):
                sent = _load(clients, ports[target], _REQUESTS[target])
                if number >= 0:  # the first round is the warm-up
                    rates[target].append(sum(one.requests for one in sent) / _SECONDS)
                    busy[target].append(max(one.busy for one in sent))
    _print(rates, busy)


def _load(clients: ProcessPoolExecutor, port: int, request: Request) -> list[Sent]:
    sending = [clients.submit(send, port, request, _SECONDS, _CONNECTIONS) for _ in range(_CLIENTS)]
    return [one.result() for one in sending]


def _print(rates: dict[str, list[float]], busy: dict[str, list[float]]) -> None:
    shown = table("", "min", "median", "max", "", "each client busy")
    for target, values in rates.items():
        answer = f"{target}: answers {_REQUESTS[target].status}"
        shown.add_row(answer, *spread(values).cells("/s", 0), "", f"{spread(busy[target]).median:.0%}")
    ratio = ratios(rates["webhook"], rates["hello"])
    shown.add_row("  as a ratio to hello", *ratio.cells(), GOAL.verdict(ratio), style="bold")
    what = f"wrong signature, {len(_BODY) / 1000:.0f} kB body, {_CLIENTS * _CONNECTIONS} kept connections"
    show(f"Requests a second: {what}, {_ROUNDS} rounds", shown)
    if max(spread(values).median for values in busy.values()) > _BUSY:
        CONSOLE.print("The clients were busy themselves: the ratio is nearer to 1 than it should be.\n")
