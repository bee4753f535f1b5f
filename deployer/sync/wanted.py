"""Which commit an application is to have, given the one that its watched ref points at; and whether it is there."""

import time
from dataclasses import dataclass

from deployer.annotations import GENERATE_PATHS
from deployer.cluster.inventory import Inventory
from deployer.report.drift import deployed
from deployer.repository import is_commit
from deployer.sync.gate import OPEN, Gate
from deployer.sync.how import Deployed
from deployer.sync.job import Job
from deployer.sync.result import SyncResult
from deployer.sync.rollback import held_at


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

    It is the one that its watched ref points at, but where the checks of that are not green, or it touches none of the
    paths that the application is made from. Then the one that is deployed stays: who has pushed, or who asks by hand,
    is told so, and the schedule looks after that one.

    Args:
        job: whose application.
        commit: what its watched ref points at.

    Raises:
        SourceError: GitHub cannot be reached, or refuses.
    """
    how, gate = job.how, job.gate(commit)
    if gate.is_open and (how.release or not job.application.generate_paths):
        return Wanted(commit)
    inventory = job.inventory()
    if inventory and held_at(inventory.hold, commit) and not how.release:
        return Wanted(commit)
    present = how.revision or _present(job, inventory, commit)
    if gate.is_open and job.touched(commit, present):
        return Wanted(commit)
    why = gate.message or f"{commit[:7]} touches none of its {GENERATE_PATHS}"
    return Wanted("" if how.pushed or how.release else present, gate, why)


def already_there(job: Job, commit: str) -> Deployed | None:
    """Say what has become of a commit that is deployed, or is rolling out, when a push comes to tell of it.

    Of ten pushes in a row, the first to be looked at deploys the last; the others find that done.
    """
    inventory = job.inventory()
    last = inventory.history[0] if inventory and inventory.history else None
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


def _present(job: Job, inventory: Inventory | None, commit: str) -> str:
    """The commit that is deployed, if the watched ref contains it: anybody may have written any into the inventory."""
    entry = deployed(inventory) if inventory else None
    if not entry or not is_commit(entry.revision) or not job.contained(entry.revision, commit):
        return ""
    return entry.revision
