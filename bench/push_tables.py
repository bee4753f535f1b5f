"""What is printed about pushes."""

from collections.abc import Mapping, Sequence

from bench.figures import CONSOLE, show, spread, table
from bench.steps import in_a_row, medians, names

_Pushes = Mapping[float, Sequence[Mapping[str, float]]]
"""The steps of each push, by the round trip (seconds) to the neighbours."""

_NOTES = """\
receive: verify the delivery, read the configuration, route.
connect: what it takes beyond fetch and render, beside which it happens.
round trips in a row: how much longer a step takes at the greatest distance, in round trips.
Negative ones: the longer way of the steps before left less to wait for.
GitHub is the local one, without TLS, which closes every connection: a request to it takes two round trips.
"""


def print_tables(first: _Pushes, changes: _Pushes) -> None:
    """Print both kinds of push, near and far."""
    near = min(first)
    _print_near("The first push to a new instance, which creates everything", first[near])
    _print_near("A small change, by a warm instance", changes[near])
    _print_far("The first push", first)
    _print_far("A small change", changes)
    CONSOLE.print(_NOTES, style="dim")


def _print_near(what: str, pushes: Sequence[Mapping[str, float]]) -> None:
    shown = table("", "min", "median", "max", "share")
    whole = spread([sum(push.values()) for push in pushes])
    for step in names(pushes):
        took = spread([push.get(step, 0.0) for push in pushes])
        shown.add_row(step, *took.cells(" s", 3), f"{took.median / whole.median:.0%}")
    shown.add_row("whole", *whole.cells(" s", 3), "", style="bold")
    show(f"{what}: {len(pushes)} times, neighbours on this machine", shown)


def _print_far(what: str, pushes: _Pushes) -> None:
    near, far = min(pushes), max(pushes)
    by_distance = {round_trip: medians(some) for round_trip, some in pushes.items()}
    whole = {round_trip: spread([sum(push.values()) for push in some]).median for round_trip, some in pushes.items()}
    shown = table("", *(f"{1000 * round_trip:.0f} ms" for round_trip in pushes), "round trips in a row")

    def add(step: str, took: Mapping[float, float], style: str = "") -> None:
        # z: no minus before zero
        trips = f"{in_a_row(took[near], took[far], far - near):z.1f}"
        shown.add_row(step, *(f"{seconds:.3f} s" for seconds in took.values()), trips, style=style)

    for step in names(push for some in pushes.values() for push in some):
        add(step, {round_trip: found.get(step, 0.0) for round_trip, found in by_distance.items()})
    add("whole", whole, "bold")
    show(f"{what}: medians, by round trip to GitHub, Secret Manager and the cluster", shown)
