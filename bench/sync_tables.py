"""What is printed about syncs: ratios to kubectl, what a sync costs, and where its time goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.figures import CONSOLE, Goal, ratios, show, spread, table
from bench.steps import medians, names
from bench.synced import REST, START, Synced, shares

ROUND_TRIP = 0.03
"""Seconds to the clusters, where they are not on this machine."""


@dataclass(frozen=True)
class Row:
    """Work that both do, in words and in one; the round trip in seconds; and how many times as fast we should be."""

    work: str
    word: str
    round_trip: float
    goal: Goal


NOTHING = Row("kube-prometheus, nothing changed", "nothing", ROUND_TRIP, Goal(5.5, at_most=False))
WARM = Row("kube-prometheus, in a warm process", "warm", ROUND_TRIP, Goal(8, at_most=False))
NEAR = Row("kube-prometheus, nothing changed", "near", 0, Goal(1.7, at_most=False))
IMAGE = Row("kube-prometheus, one image changed", "image", ROUND_TRIP, Goal(3.5, at_most=False))
MANY = Row("1,000 ConfigMaps, nothing changed", "1,000", ROUND_TRIP, Goal(30, at_most=False))
FIRST = Row("1,000 ConfigMaps, first sync", "first", ROUND_TRIP, Goal(8, at_most=False))
_ROWS = (NOTHING, WARM, NEAR, IMAGE, MANY, FIRST)

_REQUESTS = Goal(2 + 2 + 3, at_most=True)
"""2 for discovery, 1 for each of 2 kinds (Namespace and ConfigMap), 3 more."""
_MB = 1_000_000
_MEMORY = Goal(160, at_most=True)

_NOTES = f"""\
Whole processes, from the start of the interpreter to the end; the warm one did the same before.
Each side has a cluster of its own; GitHub and Secret Manager are near: kubectl reads local files.
The deployer fetches all manifests from GitHub, and tells the commit; it does not wait for health.
kubectl has the cluster's kinds in its cache. The ConfigMaps are in 20 Namespaces, which are applied, too.
{START}: what `deployer --version` takes. {REST}: configuration, statuses, printing, the end.
connect: what it takes beyond fetch and render, beside which it happens.
"""


@dataclass
class Measured:
    """Everything that was measured: for each row, the deployer's syncs and kubectl's seconds, round by round.

    `starts` are the seconds of processes that have nothing to do, `peaks` the bytes that were resident at most in those
    that sync kube-prometheus.
    """

    ours: dict[Row, list[Synced]] = field(default_factory=dict)
    theirs: dict[Row, list[float]] = field(default_factory=dict)
    starts: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)

    def add(self, compared: Mapping[Row, tuple[Synced, float]]) -> None:
        """Add what one round found of some rows."""
        for row, (one, seconds) in compared.items():
            self.ours.setdefault(row, []).append(one)
            self.theirs.setdefault(row, []).append(seconds)


def print_tables(measured: Measured) -> None:
    """Print all that was measured; a row that was not is left out."""
    rows = [row for row in _ROWS if row in measured.ours]
    _print_ratios(measured, rows)
    _print_costs(measured, rows)
    _print_steps(measured, rows)
    CONSOLE.print(_NOTES, style="dim")


def _print_ratios(measured: Measured, rows: Sequence[Row]) -> None:
    shown = table("", "away", "min", "median", "max", "deployer", "kubectl", "")
    for row in rows:
        ours, theirs = [one.seconds for one in measured.ours[row]], measured.theirs[row]
        ratio = ratios(theirs, ours)
        took = (f"{spread(side).median:.2f} s" for side in (ours, theirs))
        shown.add_row(row.work, _milliseconds(row.round_trip), *ratio.cells("", 1), *took, row.goal.verdict(ratio))
    show("How many times as fast as `kubectl apply --server-side`, and the medians of both", shown)


def _print_costs(measured: Measured, rows: Sequence[Row]) -> None:
    shown = table("", "min", "median", "max", "")
    if MANY in rows:
        requests = spread([one.requests for one in measured.ours[MANY]])
        shown.add_row(
            "requests to the cluster: 1,000 ConfigMaps, nothing changed",
            *requests.cells("", 0),
            _REQUESTS.verdict(requests),
        )
    if NOTHING in rows:
        peaks = spread([peak / _MB for peak in measured.peaks])
        shown.add_row(
            "resident memory: kube-prometheus", *peaks.cells(" MB", 0), _MEMORY.verdict(spread([peaks.greatest]))
        )
    show("What a sync costs", shown)


def _print_steps(measured: Measured, rows: Sequence[Row]) -> None:
    start = spread(measured.starts).median
    found = {row: [shares(one, 0 if row is WARM else start) for one in measured.ours[row]] for row in rows}
    middle = {row: medians(some, REST) for row, some in found.items()}
    shown = table("", *(row.word for row in rows))
    for step in names((one for some in found.values() for one in some), REST):
        shown.add_row(step, *(_milliseconds(middle[row].get(step, 0)) for row in rows))
    whole = (_milliseconds(spread([one.seconds for one in measured.ours[row]]).median) for row in rows)
    shown.add_row("whole", *whole, style="bold")
    show("Where the deployer's time goes: medians of each step", shown)


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:,.0f} ms"
