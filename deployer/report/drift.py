"""What others have changed since the last sync, and in words. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from deployer.cluster.history import Entry
from deployer.cluster.inventory import Inventory
from deployer.cluster.objects import FIELD_MANAGER
from deployer.manifest import ObjectKey
from deployer.sync.drift import FieldChange, in_words
from deployer.sync.result import Action, SyncResult

_DONE: tuple[Action, ...] = ("created", "updated", "unchanged", "pruned")


@dataclass(frozen=True)
class Drift:
    """A field that is not as the source has it, though the source did not change; path `""`: it is missing."""

    key: ObjectKey
    change: FieldChange


def find_drift(inventory: Inventory, revision: str, plan: SyncResult) -> Iterator[Drift]:
    """Find what is not as the source has it, though the source did not change.

    Args:
        inventory: the application's.
        revision: the commit that the watched ref points at.
        plan: what a dry-run of that commit says.
    """
    last = deployed(inventory)
    # Where nobody knows who made a change, it may be a new commit's, or that of a sync that did not come so far.
    same_source = last is not None and last.revision == revision and last.result != "failed"
    for one in plan.objects:
        for change in one.changes:
            if change.manager != FIELD_MANAGER and (change.manager or same_source):
                yield Drift(one.key, change)
        if one.action == "created" and same_source:
            yield Drift(one.key, FieldChange("", None, None, "", ""))


def deployed(inventory: Inventory) -> Entry | None:
    """Return the newest sync that brought its revision to the cluster, all of it or a part; None where none did.

    One that failed before anything was written is none, and after a deletion there is none.
    """
    done = (one for one in inventory.history if one.result != "failed" or any(map(one.counts.get, _DONE)))
    newest = next(done, None)
    return None if newest and newest.deletion else newest


def drift_in_words(drift: Drift, now: datetime) -> str:
    """Such as `Deployment/web spec.replicas 3 → 5 by kubectl-edit at 10:03`."""
    if not drift.change.path:
        return f"{drift.key} is missing"
    return f"{drift.key} {in_words(drift.change, now)}"
