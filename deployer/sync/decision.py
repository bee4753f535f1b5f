"""What is to be done about an application, from how it stands. Pure.

A push and the schedule ask the same question. What was done before is known from the history in the cluster and from
the statuses of the commit, so that the answer needs no memory of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Literal

from deployer.application import Application
from deployer.cluster.health import WELL
from deployer.cluster.history import Entry
from deployer.errors import RenderError
from deployer.github.statuses import State, Status
from deployer.report.words import changes_in_words, plural
from deployer.sync.deploy import How
from deployer.sync.look import Seen
from deployer.sync.result import SyncResult

HEAL = "drift"
"""Why a drift is healed, as the history says it: such syncs in a row are told apart from the others by it."""

TRIES = 5
"""How often a commit is tried that fails (Argo CD's `retry.limit` where it is not written)."""

_TRY_FIRST, _TRY_FACTOR = 5.0, 2.0
_HEAL_FIRST, _HEAL_FACTOR, _HEAL_LONGEST = 2.0, 3.0, 300.0
"""Back-off in seconds, as Argo CD's: of tries, whose number is its limit, and of self-heals against who fights back."""

_CALM = 2 * _HEAL_LONGEST
"""Seconds without a heal after which the next one is the first again."""

_UNDER_WAY = 30.0
"""Seconds after which a sync that has not ended is taken for one that was killed; its Lease says so for sure."""

_FAILED = ("failure", "error")


Standing = Literal["in sync", "out of sync", "failed", "under way"]


@dataclass(frozen=True)
class Decision:
    """What is to be done: a sync, or a state and a description that the commit is told, or neither.

    `standing` is how the application stands before that, and `why` says more.
    """

    standing: Standing
    why: str = ""
    sync: How | None = None
    tell: tuple[State, str] | None = None


def decide(application: Application, cluster: str, seen: Seen, now: datetime) -> Decision:
    """Say what is to be done about an application.

    Args:
        application: the application.
        cluster: the name of the cluster that it goes to.
        seen: how it stands.
        now: in UTC.
    """
    if not application.automated:
        return _manual(cluster, seen)
    again = How(why="another try") if _again(seen.told, now) else None
    if seen.planned is None or seen.planned.result.outcome == "failed":
        problem = seen.planned.message if seen.planned else str(seen.problem)
        # Where the commit has been told an end already, another try would find what this look has found.
        return Decision("failed", problem, again if _waits(seen, now) else None)
    inventory, last = seen.planned.result.inventory, seen.last
    if inventory and (operation := inventory.operation):
        if _recent(operation.since, now):
            return Decision("under way", "another sync is under way")
        return Decision("under way", "a sync was interrupted", How(why="a sync was interrupted", told=seen.state))
    if last is None or last.revision != seen.revision:
        return _moved(application, seen, again, now)
    last = replace(last, when=min(last.when, now))  # a clock is wrong, or somebody has made it up
    return _deployed(application, cluster, seen.planned.result, seen.state, last, again, now)


def _deployed(
    application: Application,
    cluster: str,
    result: SyncResult,
    told: State | None,
    last: Entry,
    again: How | None,
    now: datetime,
) -> Decision:
    """Say what is to be done where the last sync was of this commit; `again` is another try, if it is time for one."""
    what = out_of_sync(result)
    healing = application.self_heal and last.why == HEAL
    if what and (last.result == "succeeded" or (last.result == "failed" and healing)):
        return _drifted(application, last, f"out of sync: {what}", told, now)
    if last.result == "failed":
        return _failed(result, told, last, again, now)
    if last.result == "unfinished":
        if what and not application.self_heal:
            # What a person does about a rollout that hangs is not undone.
            end: tuple[State, str] = ("failure", f"out of sync before its rollout had ended: {what}")
            return Decision("out of sync", f"out of sync: {what}", tell=None if told == "failure" else end)
        waited = (now - last.when).total_seconds()
        return Decision("under way", "its rollout goes on", How(why=last.why, told=told, waited=waited))
    unsaid = told != "success"
    return Decision("in sync", tell=("success", _in_sync(result, cluster)) if unsaid else None)


def out_of_sync(result: SyncResult) -> str:
    """Say what a sync would change, such as `1 to create, 2 to change`; `""` where nothing is."""
    return changes_in_words(result, dry_run=True)


def _moved(application: Application, seen: Seen, again: How | None, now: datetime) -> Decision:
    """Deploy a commit of which no delivery has told, or which came to nothing."""
    if seen.state == "success" and seen.planned and not out_of_sync(seen.planned.result):
        return Decision("in sync", "the commit is there; only the history does not know it")
    if _failures(seen.told):
        return Decision("failed", "the commit has failed", again)
    if seen.told and _recent(seen.told[0].when, now):
        return Decision("under way", "another sync is under way")
    moved = f"{application.source.target_revision} has moved"
    return Decision("out of sync", moved, How(why=moved))


def _failed(result: SyncResult, told: State | None, last: Entry, again: How | None, now: datetime) -> Decision:
    """Try a commit again that has failed, and see what became of one that only was not healthy in time."""
    if out_of_sync(result):
        return Decision("failed", "the commit has failed", again)
    if result.health in WELL:
        return Decision("in sync", "it has become healthy", How(why="it has become healthy", told=told))
    # All is applied, and has had its time: a try that began to wait anew would be left, never to be counted.
    waited = (now - last.when).total_seconds()
    return Decision("failed", "the commit has failed", again and replace(again, waited=waited))


def _manual(cluster: str, seen: Seen) -> Decision:
    """Tell the commit how its application stands, where it has been told something else."""
    standing, state, description = _standing(cluster, seen)
    last = seen.told[0] if seen.told else None
    # A sync says more of its success; and a failure may be put in other words the next time.
    known = last and last.state == state and (state != "pending" or last.description == description)
    return Decision(standing, description, tell=None if known else (state, description))


def _standing(cluster: str, seen: Seen) -> tuple[Standing, State, str]:
    if seen.planned is None:
        return "failed", "failure" if isinstance(seen.problem, RenderError) else "error", str(seen.problem)
    if seen.planned.result.outcome == "failed":
        return "failed", "failure", seen.planned.message
    if what := out_of_sync(seen.planned.result):
        return "out of sync", "pending", f"out of sync: {what}"
    if seen.told and seen.planned.result.health not in (*WELL, ""):
        # What becomes of a rollout is told by the sync that waits for it.
        return "failed" if seen.state in _FAILED else "in sync", seen.told[0].state, seen.told[0].description
    return "in sync", "success", _in_sync(seen.planned.result, cluster)


def _in_sync(result: SyncResult, cluster: str) -> str:
    return f"in sync: {plural(len(result.objects), 'object')} in {cluster}"


def _drifted(application: Application, last: Entry, what: str, told: State | None, now: datetime) -> Decision:
    """Heal what somebody has changed, where that is wanted; and not at once where it is changed back all the time."""
    if not application.self_heal:
        return Decision("out of sync", what)
    calm = now - last.when > timedelta(seconds=_CALM)
    heals = 0 if calm or last.why != HEAL else last.heals + 1
    # The history may name any number of heals, also one whose power is beyond all numbers.
    pause = min(_HEAL_LONGEST, _HEAL_FIRST * _HEAL_FACTOR ** min(heals - 1, 9)) if heals else 0.0
    if now - last.when < timedelta(seconds=pause):
        return Decision("out of sync", f"{what}; healed {plural(heals, 'time')} in a row, and not again yet")
    return Decision("out of sync", what, How(why=HEAL, told=told, heals=heals))


def _waits(seen: Seen, now: datetime) -> bool:
    """Whether a commit is still to be told an end, and nobody is about to."""
    return not seen.told or (seen.state == "pending" and not _recent(seen.told[0].when, now))


def _again(told: Sequence[Status], now: datetime) -> bool:
    """Whether a commit that has failed may be tried once more by now."""
    tried = _failures(told)
    pause = _TRY_FIRST * _TRY_FACTOR ** (len(tried) - 1)
    return not tried or (len(tried) < TRIES and now - tried[0].when >= timedelta(seconds=pause))


def _failures(told: Sequence[Status]) -> list[Status]:
    """The failures since the last success, which has made all before it good."""
    return [status for status in takewhile(lambda one: one.state != "success", told) if status.state in _FAILED]


def _recent(when: datetime, now: datetime) -> bool:
    # What is from the future is no newer than now: a clock is wrong, or somebody has made it up.
    return abs(now - when) < timedelta(seconds=_UNDER_WAY)
