"""How long `webhook` takes from nothing to its first answer, against a function that does nothing."""

import time
from pathlib import Path

from bench.figures import Goal, ratios, show, spread, table
from bench.servers import Request, await_answer, delivery, start
from local.leash import Leash
from local.ports import free_ports

GOAL = Goal(1.5, at_most=True)
_ROUNDS = 12

_PEER = "hello: a GET"
_CASES = {
    _PEER: ("hello", Request("GET", 200)),
    "webhook: a signed ping": ("webhook", delivery("ping", b"{}", 200)),
    "webhook: a rejected delivery": ("webhook", delivery("push", b"{}", 403, secret="another secret")),  # noqa: S106
}


def run(folder: Path) -> None:
    """Start each in turn, several times; print seconds and ratios.

    Its files go to `folder`.
    """
    seconds: dict[str, list[float]] = {case: [] for case in _CASES}
    cases = list(_CASES)
    with Leash(folder / "startup") as leash:
        for number in range(-1, _ROUNDS):
            # In another order each time, so that none always comes after the same one.
            for case in cases[number % 3 :] + cases[: number % 3]:
                took = _start(leash, case)
                if number >= 0:  # the first round is the warm-up: it writes the byte-code
                    seconds[case].append(took)
    shown = table("", "min", "median", "max", "")
    for case, values in seconds.items():
        shown.add_row(case, *spread(values).cells(" s"), "")
        if case != _PEER:
            ratio = ratios(values, seconds[_PEER])
            shown.add_row("  as a ratio to hello", *ratio.cells(), GOAL.verdict(ratio), style="bold")
    show(f"Start to first answer: whole processes, warm byte-code, {_ROUNDS} rounds", shown)


def _start(leash: Leash, case: str) -> float:
    target, request = _CASES[case]
    (port,) = free_ports(1)
    begin = time.perf_counter()
    process = start(leash, target, port)
    await_answer(leash, target, process, port, request)
    took = time.perf_counter() - begin
    process.terminate()
    process.wait()
    return took
