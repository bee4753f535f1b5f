"""A burst of pushes to one branch: how many syncs it costs, and how soon the last commit is live, against one push."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import fleet
from bench.clone import Clone
from bench.figures import CONSOLE, Goal, ratios, show, spread, table
from deployer.sync.wanted import PAUSE
from local import schedule
from local.functions import Queue
from local.world import World
from tests.push_server import PushServer

PUSHES, SECONDS = 100, 10.0
GOAL = Goal(4, at_most=True)
PENDING_GOAL = Goal(0, at_most=True)
_CLUSTERS = ("staging", "production")
_INSTANCES = 2
_ROUNDS = 3
_NAME = "burst"
_TIMEOUT = 120.0
_LOOK = 0.02
"""Seconds between two looks at what a commit was told."""
_CALLS = 3
"""Calls of the schedule within which every commit has to have been told its end."""


@dataclass(frozen=True)
class Burst:
    """What some pushes took.

    `pushing` are the seconds that they came in, and `live` those from the last one until its commit was told that all
    is healthy. `syncs` are those of each application, and `pending` counts the statuses that never came to an end.
    """

    pushing: float
    live: float
    syncs: tuple[int, ...]
    pending: int


def run(folder: Path) -> None:
    """Push one commit, and many, in turn; print syncs, seconds, and what was left pending.

    Its files go to `folder`.
    """
    folder /= _NAME
    single: list[Burst] = []
    bursts: list[Burst] = []
    with ExitStack() as stack:
        server = stack.enter_context(PushServer())
        queue = Queue("pubsub", instances=_INSTANCES, endpoint=server.endpoint)
        share = {"DEPLOYER_GITHUB_SHARE": str(100 // _INSTANCES)}
        world = World(
            folder / "world", _CLUSTERS, lambda line: CONSOLE.print(line, style="dim"), queue=queue, settings=share
        )
        stack.enter_context(world)
        url = f"{world.github.git_url}/acme/{_NAME}.git"
        files = fleet.documents(_NAME, len(_CLUSTERS), url, _CLUSTERS)
        fleet.configure(Path(world.exports["DEPLOYER_CONFIG"]), files)
        fleet.write(folder / "clone", fleet.manifests(len(_CLUSTERS)))
        clone = Clone(folder / "clone", url)
        changes = _Changes(clone)
        for number in range(-1, _ROUNDS):
            single_commit = changes.made(1)
            time.sleep(PAUSE)  # after which an application counts as one that was not synced just now
            one = _push(world, server, clone, single_commit)
            if number >= 0:  # the first push is the warm-up
                single.append(one)
                bursts.append(_push(world, server, clone, changes.made(PUSHES)))
    _print(single, bursts)


class _Changes:
    """Commits of a clone, each with another greeting."""

    def __init__(self, clone: Clone) -> None:
        self._clone = clone
        self._count = 0

    def made(self, count: int) -> list[str]:
        """Commit so many more."""
        return [self._one() for _ in range(count)]

    def _one(self) -> str:
        self._count += 1
        for name, text in fleet.manifests(len(_CLUSTERS)).items():
            (self._clone.folder / name).write_text(text.replace("hello", f"{self._count} times hello"))
        return self._clone.commit(f"Greeting {self._count}")


def _push(world: World, server: PushServer, clone: Clone, commits: Sequence[str]) -> Burst:
    """Push commits one after the other, at an even pace; wait until the last one is live, and all others have ended.

    Raises:
        RuntimeError: the last one is not in time.
    """
    # What is in them has arrived before: one push takes git longer than a hundredth of the time.
    clone.push(f"{commits[-1]}:refs/heads/next")
    marks = {log: log.stat().st_size for log in world.folder.glob("sync*.log")}
    began = time.monotonic()
    for number, commit in enumerate(commits):
        time.sleep(max(0.0, began + number * SECONDS / PUSHES - time.monotonic()))
        world.github.move(f"acme/{_NAME}", "main", commit)
    pushed = time.monotonic()
    while list(_ends(world, commits[-1:]).values()) != ["success"] * len(_CLUSTERS):
        if time.monotonic() > pushed + _TIMEOUT:
            raise RuntimeError(f"the last commit is not live: it was told {_ends(world, commits[-1:])}")
        time.sleep(_LOOK)
    live = time.monotonic()
    server.drained(_TIMEOUT)
    for _ in range(_CALLS):
        if "pending" in _ends(world, commits).values():
            schedule.call(world.exports["DEPLOYER_LOCAL_RECONCILE_URL"])
            server.drained(_TIMEOUT)
    lines = [line for log, mark in marks.items() for line in log.read_bytes()[mark:].splitlines()]
    syncs = counted(json.loads(line) for line in lines if line.startswith(b"{"))
    pending = list(_ends(world, commits).values()).count("pending")
    return Burst(pushed - began, live - pushed, tuple(syncs.values()), pending)


def _ends(world: World, commits: Iterable[str]) -> dict[tuple[str, str], str]:
    """What each commit was told last about each application."""
    found = {}
    for commit in commits:
        for one in world.github.statuses.of(f"acme/{_NAME}", commit):
            found[commit, one.context] = one.state
    return found


def counted(entries: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Count the syncs of each application in a log: the jobs that have made a plan.

    Those count, too, that were overtaken before they could carry it out; a job that finds its commit deployed already
    makes none.
    """
    return Counter(
        one["application"]
        for one in entries
        if "plan" in one.get("durations", ()) or one["message"].startswith("superseded by ")
    )


def _print(single: Sequence[Burst], bursts: Sequence[Burst]) -> None:
    shown = table("", "min", "median", "max", "")
    syncs = spread([count for one in bursts for count in one.syncs])
    shown.add_row("syncs of an application", *syncs.cells("", 0), GOAL.verdict(syncs), style="bold")
    shown.add_row("  after a single push", *spread([count for one in single for count in one.syncs]).cells("", 0), "")
    pending = spread([one.pending for one in bursts])
    shown.add_row("statuses that stay pending", *pending.cells("", 0), PENDING_GOAL.verdict(pending), style="bold")
    shown.add_row("the pushes came in", *spread([one.pushing for one in bursts]).cells(" s", 1), "")
    shown.add_row("the last push to live", *spread([one.live for one in bursts]).cells(" s"), "")
    shown.add_row("  after a single push", *spread([one.live for one in single]).cells(" s"), "")
    shown.add_row("  as a ratio", *ratios([one.live for one in bursts], [one.live for one in single]).cells(), "")
    show(f"A burst of {PUSHES} pushes to one branch: {len(_CLUSTERS)} applications, {len(bursts)} rounds", shown)
