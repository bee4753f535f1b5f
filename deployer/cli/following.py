"""How a command that was queued is seen to come to its end.

Its commit is told, so whoever looks there needs GitHub, and no access to the cluster. Where that commit has one status
for many applications, the inventory in the cluster tells, to who may read it.
"""

import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from deployer.application import Application
from deployer.cluster import inventory_store
from deployer.cluster.connection import Cluster
from deployer.cluster.inventory import Inventory
from deployer.configuration import Placement
from deployer.errors import DeployerError
from deployer.github.client import GitHub
from deployer.github.revision import resolve
from deployer.github.statuses import Status, context_of, read_statuses
from deployer.report.command import Asked, Followed, ended, follow, nothing_of
from deployer.settings import Settings
from deployer.sync.by_hand import WHY
from deployer.sync.connections import open_cluster
from deployer.sync.result import Progress, Step

_PATIENCE = 60.0
"""Seconds after which an end is believed that was told without a beginning: near GitHub's limits, that is left out."""

_QUIET = 60.0
"""Seconds after which an inventory is believed that tells nothing new: a sync that changes nothing writes nothing."""

_SKEW = timedelta(minutes=1)
_ACTIONS = ("created", "updated", "pruned")


class Watch(Protocol):
    """Something that tells how a command stands, with the `commit` that its application's ref points at."""

    @property
    def commit(self) -> str:
        """The commit that the application's ref points at."""

    def look(self, progress: Progress) -> Followed:
        """Say how the command stands.

        Raises:
            AnswerError: that cannot be asked for.
        """


class CommitWatch:
    """The statuses of the commit that the watched ref points at, since this was made: before the job is published."""

    def __init__(self, command: Asked, application: Application, github: GitHub, patience: float = _PATIENCE) -> None:
        """Ask what the commit has been told so far; raises SourceError where GitHub cannot be asked."""
        self._patience = patience
        self._command, self._application, self._github = command, application, github
        self._since = datetime.now(UTC) - _SKEW
        self._other: float | None = None
        self.commit = self._resolve()
        told = self._read()
        self._first, self._newest = self.commit, told[0].id if told else 0

    def look(self, progress: Progress) -> Followed:
        """Say how the command stands, as the commit says that the ref points at now."""
        self.commit = self._resolve()
        new = [one for one in self._read() if self._is_new(one)]
        if new and new[0].state == "pending":
            held_up = new[0].description if not new[0].says("pending", self._command.begun()) else ""
            progress(Step(new[0].description, reason=held_up))
        found = follow(self._command, new)
        if found.result or found.begun or not found.other:
            return found
        self._other = self._other or time.monotonic()
        # A job before this one may have told that; this one begins at once after it.
        return ended(self._command, found.other) if time.monotonic() - self._other > self._patience else found

    def _is_new(self, status: Status) -> bool:
        # Of another commit, to which the ref has moved meanwhile, nobody has looked before.
        return status.id > self._newest if self.commit == self._first else status.when >= self._since

    def _resolve(self) -> str:
        source = self._application.source
        return resolve(self._github, *source.ref)

    def _read(self) -> tuple[Status, ...]:
        context = context_of(self._application.name)
        return read_statuses(self._github, self._application.source.repository, self.commit, context)


def watch_inventory(stack: ExitStack, command: Asked, placement: Placement, settings: Settings, commit: str) -> Watch:
    """Watch the inventory in the cluster, or nothing where that cannot be read. The stack closes the connection."""
    try:
        cluster = stack.enter_context(closing(open_cluster(placement.cluster, settings)))
        return InventoryWatch(command, placement.application, cluster, commit)
    except DeployerError as error:
        return Nowhere(commit, str(error))


@dataclass(frozen=True)
class Nowhere:
    """There is nothing to look at, because of `why`."""

    commit: str
    why: str

    def look(self, progress: Progress) -> Followed:
        """Say that it is queued, and why no more is known."""
        told = "it is queued; many applications watch its ref, whose commits have one status for all of them, and"
        return Followed("unfinished", f"{told} the history in its cluster cannot be read: {self.why}")


class InventoryWatch:
    """The history in the inventory, since this was made: before the job is published."""

    def __init__(
        self, command: Asked, application: Application, cluster: Cluster, commit: str, quiet: float = _QUIET
    ) -> None:
        """Read what there is; raises ClusterError where the cluster cannot be asked."""
        self._quiet = quiet
        self._command, self._application, self._cluster = command, application, cluster
        self._since = time.monotonic()
        self.commit = commit
        self._before = self._read()

    def look(self, progress: Progress) -> Followed:
        """Say how the command stands, as the inventory says."""
        now, command = self._read(), self._command
        last = now.last
        if command.action == "delete" and not now.resource_version:  # which goes with the last that it tells of
            if self._before.resource_version:
                return Followed("succeeded", command.deleted())
            return Followed("succeeded", nothing_of(self._application.name, command.cluster))
        if now.operation:
            progress(Step(f"under way: {now.operation.why} of {now.operation.revision[:7]}, by {now.operation.who}"))
            return Followed(begun=True)
        newest = self._before.history[0].id if self._before.history else 0
        if last and last.id > newest and last.why == WHY[command.action] and last.result != "unfinished":
            counts = ", ".join(f"{last.counts[one]} {one}" for one in _ACTIONS if last.counts.get(one))
            told = last.error or f"{last.revision[:7]} in {command.cluster}: {counts or 'nothing to change'}"
            return Followed(last.result, told, revision=last.revision)
        if time.monotonic() - self._since > self._quiet and last and last.result == "succeeded" and self._is_there(now):
            told = f"nothing new: {command.cluster} has {last.revision[:7]} since sync {last.id}, as far as it says"
            return Followed("succeeded", told, revision=last.revision)
        return Followed()

    def _is_there(self, now: Inventory) -> bool:
        """Whether all is as the command wants it, so that it may have found nothing to do."""
        if self._command.action == "delete":
            return now.history[0].deletion
        return self._command.action == "sync" and not now.hold and now.history[0].revision == self.commit

    def _read(self) -> Inventory:
        application = self._application
        return inventory_store.read(self._cluster, application.name, application.destination.namespace)
