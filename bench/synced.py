"""What one sync by the deployer took."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.steps import in_order

START, REST = "start and import", "the rest"


@dataclass(frozen=True)
class Synced:
    """One sync: seconds as seen from outside, and by step as the deployer measured them; and what it needed.

    `requests` are those to the cluster, `actions` count the objects by what became of them, and `peak` is how many
    bytes were resident at most, 0 where it was not measured.
    """

    seconds: float
    durations: Mapping[str, float]
    requests: int
    actions: Mapping[str, int]
    peak: int = 0


def synced(seconds: float, document: Mapping[str, Any], peak: int = 0) -> Synced:
    """Read what `deployer sync -o json` printed."""
    actions = Counter(one["action"] for one in document["objects"])
    return Synced(seconds, document["durations"], document["requests"]["cluster"], actions, peak)


def shares(one: Synced, start: float) -> dict[str, float]:
    """Divide a sync into steps that follow one another.

    Args:
        one: the sync.
        start: seconds that its process needs before it can do anything.

    Returns:
        Seconds by step; together they are the whole. `the rest` is what the deployer does not measure: its
        configuration, the commit's statuses, printing, the end of the process.
    """
    steps = {START: start, **in_order(one.durations)}
    return {**steps, REST: one.seconds - sum(steps.values())}
