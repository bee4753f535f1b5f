"""How long `webhook` takes from nothing to its first answer, against a function that does nothing."""

import time
from pathlib import Path

from bench import google
from bench.figures import Goal, ratios, show, spread, table
from bench.google import Google
from bench.servers import Request, await_answer, delivery, push, start
from local.leash import Leash
from local.ports import free_ports

GOAL = Goal(1.5, at_most=True)
_ROUNDS = 12

_CONFIRMED = (0.0, 0.0)
"""Seconds that Pub/Sub takes to confirm: what is measured is the deployer's own start."""

_PEER = "hello: a GET"
_PUSH = delivery("push", push(), 200)
_EMULATOR = "webhook: a signed push, published to an emulator"
_GOOGLE = "webhook: a signed push, published with a token over TLS"
_CASES = {
    _PEER: ("hello", Request("GET", 200)),
    "webhook: a signed ping": ("webhook", delivery("ping", b"{}", 200)),
    "webhook: a rejected delivery": ("webhook", delivery("push", b"{}", 403, secret="another secret")),  # noqa: S106
    _EMULATOR: ("webhook", _PUSH),
    _GOOGLE: ("webhook", _PUSH),
}


def run(folder: Path) -> None:
    """Start each in turn, several times; print seconds and ratios.

    Its files go to `folder`.
    """
    seconds: dict[str, list[float]] = {case: [] for case in _CASES}
    cases = list(_CASES)
    with Leash(folder / "startup") as leash:
        there = google.start(leash, _CONFIRMED)
        for number in range(-1, _ROUNDS):
            # In another order each time, so that none always comes after the same one.
            for case in cases[number % len(cases) :] + cases[: number % len(cases)]:
                took = _start(leash, case, there)
                if number >= 0:  # the first round is the warm-up: it writes the byte-code
                    seconds[case].append(took)
    shown = table("", "min", "median", "max", "")
    for case, values in seconds.items():
        shown.add_row(case, *spread(values).cells(" s"), "")
        if case != _PEER:
            ratio = ratios(values, seconds[_PEER])
            shown.add_row("  as a ratio to hello", *ratio.cells(), GOAL.verdict(ratio), style="bold")
    show(f"Start to first answer: whole processes, warm byte-code, {_ROUNDS} rounds", shown)


def _start(leash: Leash, case: str, there: Google) -> float:
    target, request = _CASES[case]
    settings = {_EMULATOR: there.emulator, _GOOGLE: there.itself}.get(case)
    (port,) = free_ports(1)
    begin = time.perf_counter()
    process = start(leash, target, port, settings=settings)
    await_answer(leash, target, process, port, request)
    took = time.perf_counter() - begin
    process.terminate()
    process.wait()
    return took
