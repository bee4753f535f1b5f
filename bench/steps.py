"""The steps of one push, from what was observed of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.figures import spread

_BESIDE = ("connect", "discovery", "live")
_ORDER = ("git push", "receive", "resolve", "fetch", "render", *_BESIDE)
"""The first steps; those of a sync follow in the order in which it made them."""
LAST = "tell the commit"


@dataclass(frozen=True)
class Timeline:
    """Moments of one push, in seconds since any.

    `git push` began, and returned; the job began; the commit had its final status.
    """

    began: float
    pushed: float
    looked: float
    told: float


def steps(timeline: Timeline, durations: Mapping[str, float]) -> dict[str, float]:
    """Divide a push into steps that follow one another.

    Args:
        timeline: of the push.
        durations: seconds by step, as the deployer measured them.

    Returns:
        Seconds by step, as `in_order` gives them; together they are all the time from `git push` to the final status.
    """
    before = {"git push": timeline.pushed - timeline.began, "receive": timeline.looked - timeline.pushed}
    ordered = in_order({**before, **durations})
    return {**ordered, LAST: timeline.told - timeline.began - sum(ordered.values())}


def in_order(durations: Mapping[str, float]) -> dict[str, float]:
    """Seconds by step, of steps that follow one another.

    Of `connect`, `discovery` and `live`, which happen beside `fetch` and `render`, it is what goes beyond these two.
    """
    found = dict(durations)
    beside = found.get("fetch", 0.0) + found.get("render", 0.0)
    for step in (one for one in _BESIDE if one in found):
        took = found[step]
        found[step], beside = max(took - beside, 0.0), max(beside - took, 0.0)
    return {step: found.pop(step) for step in _ORDER if step in found} | found


def names(pushes: Iterable[Mapping[str, float]], last: str = LAST) -> list[str]:
    """Every step of several pushes, in order; each push ends with `last`."""
    found = dict.fromkeys(step for push in pushes for step in push if step != last)
    return [*found, last]


def medians(pushes: Iterable[Mapping[str, float]], last: str = LAST) -> dict[str, float]:
    """The median of each step; one that a push did not need took no time."""
    pushes = list(pushes)
    return {step: spread([push.get(step, 0.0) for push in pushes]).median for step in names(pushes, last)}


def in_a_row(near: float, far: float, round_trip: float) -> float:
    """How many round trips stood one behind the other: the time that a step took longer, in round trips (seconds)."""
    return (far - near) / round_trip
