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
from deployer.cluster.history import Entry, failures
from deployer.cluster.operation import Operation
from deployer.errors import DeletedError, RenderError
from deployer.github.statuses import State, Status
from deployer.report.words import changes_in_words, plural
from deployer.retry_policy import RetryPolicy
from deployer.sync.how import How
from deployer.sync.look import Seen
from deployer.sync.result import SyncResult
from deployer.sync.rollback import BY_ITSELF, failed_rollout, returns_to, since_when

HEAL = "drift"
"""Why a drift is healed, as the history says it: such syncs in a row are told apart from the others by it."""

_HEAL_FIRST, _HEAL_FACTOR, _HEAL_LONGEST = 2.0, 3.0, 300.0
"""Back-off in seconds, as Argo CD's, of self-heals against who fights back."""

_CALM = 2 * _HEAL_LONGEST
"""Seconds without a heal after which the next one is the first again."""

_UNDER_WAY = 30.0
"""Seconds after which a sync that has not ended is taken for one that was killed; its Lease says so for sure."""

_FAILED = ("failure", "error")

_OUT_OF_SYNC = "out of sync"
"""How a commit's description begins that waits for a person, or a sync window: no sync is under way."""


Standing = Literal["in sync", "out of sync", "failed", "under way", "held"]


@dataclass(frozen=True)
class Decision:
    """What is to be done: a sync, or a state and a description that the commit is told, or neither.

    `standing` is how the application stands before that, and `why` says more.
    """

    standing: Standing
    why: str = ""
    sync: How | None = None
    tell: tuple[State, str] | None = None


def decide(application: Application, cluster: str, seen: Seen, now: datetime, held_back: str = "") -> Decision:
    """Say what is to be done about an application.

    Args:
        application: the application.
        cluster: the name of the cluster that it goes to.
        seen: how it stands.
        now: in UTC.
        held_back: why a sync window lets no sync begin, and until when; `""` where none does. What would be synced is
            told to the commit instead, as that of a manual application. What is under way goes on.
    """
    decision = _decide(application, cluster, seen, now)
    if seen.planned and (hold := seen.planned.hold):
        # Whatever becomes of the other commit, this one is not what is deployed.
        decision = replace(decision, tell=None if seen.state == "failure" else ("failure", since_when(hold)))
    return _manual(cluster, seen, held_back) if held_back and decision.sync and not _goes_on(seen) else decision


def _decide(application: Application, cluster: str, seen: Seen, now: datetime) -> Decision:
    if isinstance(seen.problem, DeletedError):
        return Decision(
            "held", str(seen.problem), tell=None if seen.state == "failure" else ("failure", str(seen.problem))
        )
    if goes_on := _paused(seen):
        return goes_on
    if not application.automated:
        return _followed(application, seen, now) or _manual(cluster, seen)
    again = How(why="another try") if _again(application.retry, seen, now) else None
    if seen.planned is None or seen.planned.result.outcome == "failed":
        problem = seen.planned.message if seen.planned else str(seen.problem)
        # Where the commit has been told an end already, another try would find what this look has found.
        return Decision("failed", problem, again if _waits(seen, now) else None)
    inventory, last = seen.planned.result.inventory, seen.last
    if inventory and (operation := inventory.operation) and not operation.paused:
        if _recent(operation.since, now):
            return Decision("under way", "another sync is under way")
        return _goes_on_with(operation, "a sync was interrupted", seen)
    if last is None or last.revision != seen.planned.revision:
        return _moved(application, seen, again, now)
    last = replace(last, when=min(last.when, now))  # a clock is wrong, or somebody has made it up
    if last.fault == "overtaken":
        back = f"{application.source.target_revision} has moved back"
        return Decision("out of sync", back, How(why=back))
    held = seen.planned.hold is not None
    return _deployed(application, cluster, seen.planned.result, seen.state, last, again, now, held=held)


def _paused(seen: Seen) -> Decision | None:
    """Go on with a sync that was left half-way, also where a person has begun it."""
    inventory = seen.planned.result.inventory if seen.planned else None
    operation = inventory.operation if inventory else None
    if not seen.planned or not operation or not operation.paused or operation.revision != seen.planned.revision:
        return None
    return _goes_on_with(operation, operation.why, seen)


def _goes_on_with(operation: Operation, why: str, seen: Seen) -> Decision:
    if operation.why == HEAL and seen.planned and operation.revision == seen.planned.revision:
        heals = seen.last.heals + 1 if seen.last and seen.last.why == HEAL else 0
        return Decision("under way", why, How(why=HEAL, told=seen.state, heals=heals, hooks="never"))
    return Decision("under way", why, How(why=why, told=seen.state))


def _goes_on(seen: Seen) -> bool:
    """Whether a sync of the same commit has begun and not ended, or all is applied, and only its rollout goes on."""
    if seen.planned is None or not (inventory := seen.planned.result.inventory):
        return False
    if inventory.operation:
        return inventory.operation.revision == seen.planned.revision
    return (
        seen.last is not None and seen.last.revision == seen.planned.revision and not out_of_sync(seen.planned.result)
    )


def _deployed(
    application: Application,
    cluster: str,
    result: SyncResult,
    told: State | None,
    last: Entry,
    again: How | None,
    now: datetime,
    *,
    held: bool,
) -> Decision:
    """Say what is to be done where the last sync was of this commit; `again` is another try, if it is time for one."""
    what = out_of_sync(result)
    healing = application.self_heal and last.why == HEAL
    if what and (last.result == "succeeded" or (last.result == "failed" and healing)):
        return _drifted(application, last, f"out of sync: {what}", told, now)
    if last.result == "failed":
        returns = application.rollback and not held and returns_to(result.inventory, last.revision)
        return _failed(result, told, last, again, now, returns=returns)
    if last.result == "unfinished":
        return _rolling_out(application, what, told, last, now)
    unsaid = told != "success"
    return Decision("in sync", tell=("success", _in_sync(result, cluster)) if unsaid else None)


def _followed(application: Application, seen: Seen, now: datetime) -> Decision | None:
    """Follow a rollout that somebody has asked for to its end, where that one could not wait for so long."""
    last = seen.last
    if not seen.planned or seen.planned.result.outcome == "failed" or not last or last.result != "unfinished":
        return None
    # Of what nobody waited for, or a person has stopped, the commit has been told an end.
    waits = seen.planned.hold is not None or seen.state in (None, "pending")
    if last.revision != seen.planned.revision or not waits:
        return None
    last = replace(last, when=min(last.when, now))
    return _rolling_out(application, out_of_sync(seen.planned.result), seen.state, last, now)


def _rolling_out(application: Application, what: str, told: State | None, last: Entry, now: datetime) -> Decision:
    """Go on waiting for a rollout that has begun, unless somebody has changed `what` it consists of."""
    if what and not application.self_heal:
        # What a person does about a rollout that hangs is not undone.
        end: tuple[State, str] = ("failure", f"out of sync before its rollout had ended: {what}")
        return Decision("out of sync", f"out of sync: {what}", tell=None if told == "failure" else end)
    waited = (now - last.when).total_seconds()
    return Decision("under way", "its rollout goes on", How(why=last.why, told=told, waited=waited))


def out_of_sync(result: SyncResult) -> str:
    """Say what a sync would change, such as `1 to create, 2 to change`; `""` where nothing is."""
    return changes_in_words(result, dry_run=True)


def _moved(application: Application, seen: Seen, again: How | None, now: datetime) -> Decision:
    """Deploy a commit of which no delivery has told, or which came to nothing."""
    if seen.state == "success" and seen.planned and not out_of_sync(seen.planned.result):
        return Decision("in sync", "the commit is there; only the history does not know it")
    if _failures(seen.told):
        return Decision("failed", "the commit has failed", again)
    if seen.told and _recent(seen.told[0].when, now) and not seen.told[0].description.startswith(_OUT_OF_SYNC):
        return Decision("under way", "another sync is under way")
    moved = f"{application.source.target_revision} has moved"
    return Decision("out of sync", moved, How(why=moved))


def _failed(
    result: SyncResult, told: State | None, last: Entry, again: How | None, now: datetime, *, returns: bool
) -> Decision:
    """Try a commit again that has failed, but for one that is applied, and only was not healthy in time.

    Waiting is no fault that may pass: nothing is left to be done about it, unless it has become healthy since.
    """
    if result.health in WELL and last.fault != "hook" and (last.fault == "health" or not out_of_sync(result)):
        return Decision("in sync", "it has become healthy", How(why="it has become healthy", told=told))
    if returns and failed_rollout(last):
        back = How(why=f"{BY_ITSELF}: {last.error}", rollback=0, hooks="always")
        return Decision("failed", "the commit has failed", again and back)
    if last.fault == "hook":
        return Decision("failed", "the commit has failed", again and replace(again, hooks="always"))
    if out_of_sync(result) and last.fault != "health":
        return Decision("failed", "the commit has failed", again)
    # Where the commit has not learnt of it, another try tells it: at once, since all has had its time.
    waited = (now - last.when).total_seconds()
    untold = again if told not in _FAILED else None
    return Decision("failed", "the commit has failed", untold and replace(untold, waited=waited))


def _manual(cluster: str, seen: Seen, held_back: str = "") -> Decision:
    """Tell the commit how its application stands, where it has been told something else."""
    standing, state, description = _standing(cluster, seen)
    if held_back and standing == "out of sync":
        description = f"{description}; {held_back}"
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
        return "out of sync", "pending", f"{_OUT_OF_SYNC}: {what}"
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
    return Decision("out of sync", what, How(why=HEAL, told=told, heals=heals, hooks="never"))


def _waits(seen: Seen, now: datetime) -> bool:
    """Whether a commit is still to be told an end, and nobody is about to."""
    return not seen.told or (seen.state == "pending" and not _recent(seen.told[0].when, now))


def _again(retry: RetryPolicy, seen: Seen, now: datetime) -> bool:
    """Whether a commit that has failed may be tried once more by now.

    Its failures are counted twice, since one of the two may have been out of reach: in the inventory, and by what the
    commit has been told.
    """
    told = _failures(seen.told)
    counted, last = failures(seen.history, seen.revision)
    tried = max(len(told), counted)
    if not tried:
        return True
    when = max(one for one in (told[0].when if told else None, last) if one)
    return retry.allows(tried) and (now - when).total_seconds() >= retry.pause(tried)


def _failures(told: Sequence[Status]) -> list[Status]:
    """The failures since the last success, which has made all before it good."""
    return [status for status in takewhile(lambda one: one.state != "success", told) if status.state in _FAILED]


def _recent(when: datetime, now: datetime) -> bool:
    # What is from the future is no newer than now: a clock is wrong, or somebody has made it up.
    return abs(now - when) < timedelta(seconds=_UNDER_WAY)
