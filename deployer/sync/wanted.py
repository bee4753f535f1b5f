"""Which commit an application is to have, given the one that its watched ref points at; and whether it is there."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from deployer.annotations import GENERATE_PATHS
from deployer.cluster.inventory import Inventory
from deployer.errors import StaysError
from deployer.github.verified import VERIFIED
from deployer.report.commit import tell_once
from deployer.report.drift import deployed
from deployer.repository import is_commit
from deployer.sync.gate import OPEN, Gate
from deployer.sync.how import Deployed, How
from deployer.sync.job import Job
from deployer.sync.result import SyncResult
from deployer.sync.rollback import held_at
from deployer.sync.superseded import tell_passed_over

PAUSE = 5.0
"""Seconds from the end of one sync to the next that a push begins."""


@dataclass(frozen=True)
class Wanted:
    """The commit that an application is to have; `""` where it stays as it is, because of `why`.

    `gate` is that of the commit that the watched ref points at, which is told so where it is not open.
    """

    revision: str
    gate: Gate = OPEN
    why: str = ""


def to_deploy(job: Job, commit: str) -> Wanted:
    """Say which commit an application is to have.

    It is the one that its watched ref points at, but where the checks of that are not green, or it is not signed as it
    must be, or it touches none of the paths that the application is made from (which who asks for it does not mind).
    Then the one that is deployed stays: who has pushed, or who asks, is told so, and the schedule looks after that one.

    Args:
        job: whose application.
        commit: what its watched ref points at.

    Raises:
        SourceError: GitHub cannot be reached, or refuses.
    """
    how, application = job.how, job.application
    wished = how.release or how.asked
    gated = application.require_checks or application.require_verified
    if not gated and (wished or not application.generate_paths):
        return Wanted(commit)
    inventory = job.inventory()
    if inventory and not how.release and _is_held(job, inventory, commit):
        return Wanted(commit)
    present = _present(job, inventory, commit)
    if present == commit:
        return Wanted(commit)  # whatever is found of it since: a nightly run, for one
    gate = job.gate(commit)
    if gate.is_open and (wished or job.touched(commit, present)):
        return Wanted(commit)
    why = gate.message or f"{commit[:7]} touches none of its {GENERATE_PATHS}"
    return Wanted("" if how.pushed or wished else present, gate, why)


def settled(job: Job, commit: str, *, tell: bool = True, at: str = "") -> str:
    """Return the commit that an application is to have, as `to_deploy` says; others learn why they are not it.

    Args:
        job: whose application.
        commit: what its watched ref points at.
        tell: whether they are told.
        at: that commit, where somebody else has seen it, and the ref may have moved since: then it is told nothing.

    Raises:
        StaysError: the application stays as it is, and is not to be looked after now.
        SourceError: GitHub cannot be reached, or refuses.
    """
    wanted = to_deploy(job, commit)
    if tell and not wanted.gate.is_open and not (at and job.resolve("") != at):
        tell_once(job.github, job.placement, commit, wanted.gate.told, wanted.gate.message)
    if wanted.revision:
        return wanted.revision
    if tell:
        tell_passed_over(job.github, job.placement, commit, job.how, job.inventory())
    raise StaysError(wanted.why)


def already_there(job: Job, commit: str) -> Deployed | None:
    """Say what has become of a commit that is deployed, or is rolling out, when a push comes to tell of it.

    Of ten pushes in a row, the first to be looked at deploys the last; the others find that done.
    """
    inventory = job.inventory()
    last = inventory.last if inventory else None
    if not inventory or not last or inventory.operation or held_at(inventory.hold, commit):
        return None
    if last.revision != commit or last.result == "failed" or last.deletion:
        return None
    told = f"{commit[:7]} {'is there' if last.result == 'succeeded' else 'is rolling out'} already ({last.why})"
    seconds = time.monotonic() - job.start
    result = SyncResult(last.result, told, "", (), job.durations, inventory)
    return Deployed(
        job.application.name, job.cluster.name, commit, result, told, seconds, job.requests, before=inventory
    )


def pause(job: Job, commit: str) -> float:
    """Say how many seconds a push waits before it deploys a commit, since another one has only just been deployed.

    So of many pushes in a row each few seconds' worth are one sync, and whoever pushes now and then never waits.

    Args:
        job: whose application.
        commit: what its watched ref points at.
    """
    most = rest(job.how)
    inventory = job.inventory() if most else None  # the cluster may take its time, and the files can be fetched beside
    last = inventory.last if inventory else None
    if not last or last.revision == commit:
        return 0.0
    return min(max(most - (datetime.now(UTC) - last.when).total_seconds(), 0.0), most)


def rest(how: How) -> float:
    """Say how many seconds go by from one sync, or plan that was overtaken, to the next that a push begins.

    Only a push waits: who asks for it by hand, and the schedule, comes alone. Who has little time, as the inline queue
    has, does not wait either.
    """
    has_time = how.until is None or how.until - time.monotonic() >= 10 * PAUSE
    return PAUSE if how.pushed and has_time else 0.0


def _present(job: Job, inventory: Inventory | None, commit: str) -> str:
    """The commit that is deployed, if the watched ref contains it, and it is signed as it must be.

    Anybody may have written any into the inventory.
    """
    entry = deployed(inventory) if inventory else None
    if not entry or not is_commit(entry.revision):
        return ""
    if entry.revision != commit and not job.contained(entry.revision, commit):
        return ""
    return entry.revision if job.signature(entry.revision) == VERIFIED else ""


def _is_held(job: Job, inventory: Inventory, commit: str) -> bool:
    """Whether the application is held at something else than a commit; a hold that nobody believes holds nothing."""
    hold = held_at(inventory.hold, commit)
    if not hold or hold.revision == commit:
        return False
    return not hold.revision or job.contained(hold.revision, commit)
