"""The inventory of an application while it is synced: read, widened before the first write, closed after the last."""

import secrets
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from deployer.cluster import inventory_store
from deployer.cluster.connection import Cluster
from deployer.cluster.history import CHANGES, DELETION, Entry, Fault, Result
from deployer.cluster.hold import Hold
from deployer.cluster.inventory import GroupKind, Inventory, begun, empty, held, narrowed, recorded, widened
from deployer.cluster.lease import Lease, holding
from deployer.cluster.operation import Operation, bounded
from deployer.errors import BusyError, ClusterError, SupersededError
from deployer.manifest import ObjectKey
from deployer.sync.owner import Owner, superseded_by
from deployer.sync.result import Outcome, Progress, Step

_WAIT = 20.0
"""Seconds to wait for another sync of the application; a Lease whose holder was killed is free after 15."""

_ATTEMPTS = 3


@dataclass(frozen=True)
class Cover:
    """The kinds and namespaces that an inventory names."""

    group_kinds: frozenset[GroupKind]
    namespaces: frozenset[str]


def cover(keys: Collection[ObjectKey], kinds: Collection[GroupKind] = (), namespaces: Collection[str] = ()) -> Cover:
    """Return what covers these objects, and some kinds and namespaces more."""
    known = {GroupKind(key.group, key.kind) for key in keys}
    return Cover(frozenset(known.union(kinds)), frozenset(key.namespace for key in keys).union(namespaces))


class EndedError(Exception):
    """Another process has brought this sync to its end, which is this `entry` of the history."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(f"another process has brought it to its end: {entry.error or entry.result}")
        self.entry = entry


class Record:
    """The inventory as it was read, or written last, and what this sync writes into it."""

    def __init__(self, cluster: Cluster, owner: Owner, progress: Progress) -> None:
        self.inventory: Inventory = empty(owner.application, owner.namespace)
        self._cluster, self._owner, self._progress = cluster, owner, progress
        self._read = self._began = self.over = False
        self._attempts = 0
        self._holder = f"{owner.who}, {owner.why}"
        # Two syncs of the same second are two all the same.
        self._new = bounded(
            Operation(owner.revision, datetime.now(UTC), self._holder, owner.why, secrets.token_hex(4), who=owner.who)
        )
        self.operation = self._new
        self.paused: datetime | None = None
        self._hold: Hold | None = None

    def read(self) -> None:
        """Read the inventory.

        Raises:
            ClusterError: the cluster cannot be reached, or the inventory is not ours or malformed.
        """
        self.take(inventory_store.read(self._cluster, self._owner.application, self._owner.namespace))

    def take(self, inventory: Inventory) -> None:
        """Go on from an inventory that somebody else has read.

        An operation for this revision that has not ended is gone on with: it is the same one, so that none of its hooks
        runs twice.
        """
        if not self._read:
            self._hold = inventory.hold
        self.inventory = inventory
        self._read = True
        found = inventory.operation
        same = found and found.id and found.revision == self._new.revision
        # A deletion is no sync of that revision, nor the other way round.
        same = same and found and (found.why == DELETION) == (self._new.why == DELETION)
        self.operation = found if found and same else self._new
        self.paused = self.operation.paused

    @property
    def resumed(self) -> bool:
        """Whether an earlier process has begun the operation."""
        return self.operation.id != self._new.id

    @property
    def interrupted(self) -> bool:
        """Whether a sync is under way, or was killed: then its inventory is closed under the Lease only."""
        return self.inventory.operation is not None

    @property
    def holds(self) -> bool:
        """Whether the inventory does not say yet what the application is held at."""
        return held(self.inventory, self._owner.hold) != self.inventory

    @property
    def begun(self) -> bool:
        """Whether the inventory says that this sync is under way."""
        return self._began and _id(self.inventory) == self.operation.id

    @contextmanager
    def alone(self) -> Iterator[Lease]:
        """Hold the application's Lease for the time of a block.

        Raises:
            ClusterError: another sync of the application is under way, and does not end.
        """
        inventory = self.inventory
        self._progress(Step(f"taking Lease {inventory.name}"))
        lease: Lease | None = None
        try:
            with holding(self._cluster, inventory.namespace, inventory.name, self._holder, _WAIT) as lease:
                yield lease
        finally:
            if lease and lease.left:
                self._tell(f"Lease {inventory.name} was not given back, and is free by itself soon: {lease.left}")

    def begin(self, wanted: Cover) -> bool:
        """Widen the inventory, and say that this sync is under way; to be called under the Lease.

        Returns:
            False where somebody else wrote the inventory since it was read: what was planned with it is out of date.

        Raises:
            SupersededError: the watched ref has moved meanwhile, so that this plan is the older one.
            ClusterError: others write all the time.
            BusyError: the application is held at something else than it was when this was planned.
        """
        planned = self.inventory
        with ThreadPoolExecutor(1) as beside:
            asking = beside.submit(self._overtaken)
            self.read()
            if moved := asking.result():
                raise SupersededError(moved)
        if self.inventory.hold != self._hold and not self._owner.insists:
            application = self._owner.application
            raise BusyError(
                f"superseded: meanwhile somebody has rolled {application} back, deleted it, or let go of it"
            )
        if self.inventory.resource_version == planned.resource_version:
            wide = widened(planned, wanted.group_kinds, wanted.namespaces)
            try:
                self.operation = replace(self.operation, paused=None)
                wide = held(begun(wide, self.operation), self._owner.hold)
                self.inventory = inventory_store.write(self._cluster, planned, wide)
            except ClusterError as error:
                if error.status != 409:
                    raise
            else:
                self._began = True
                return True
        if moved := self._owner.moved():
            raise SupersededError(moved)
        self._attempts += 1
        if self._attempts == _ATTEMPTS:
            raise ClusterError(f"somebody else writes ConfigMap {planned.name} all the time; sync again")
        return False

    def go_on(self) -> None:
        """Make sure that this sync is still the one under way; to be called under the Lease, after it was let go.

        Raises:
            EndedError: another process has ended it.
            SupersededError: a newer sync has taken its place.
            ClusterError: the cluster cannot be reached.
        """
        operation = self.operation
        self.inventory = inventory_store.read(self._cluster, self._owner.application, self._owner.namespace)
        if (found := self.inventory.operation) and found.id == operation.id:
            self.operation = found  # another process may have come further with it
            return
        self.over = True
        last = next((one for one in self.inventory.history if one.operation == operation.id), None)
        if last and last.result != "unfinished":
            raise EndedError(last)
        newer = found.revision if found else next((one.revision for one in self.inventory.history), "")
        raise SupersededError(f"{superseded_by(newer)}: a newer sync has begun while this one waited")

    def pause(self, hooks: Mapping[str, str], waited: float, counts: Mapping[str, int]) -> None:
        """Leave the sync to the next reconcile: with the hooks that have ended, seconds waited, and objects by action.

        Raises ClusterError as `note` does.
        """
        changed = self._changed(counts)
        self.operation = replace(self.operation, paused=datetime.now(UTC), waited=waited, counts=changed)
        self.note(hooks)

    def note(self, hooks: Mapping[str, str], *, error: str = "", fault: Fault = "") -> None:
        """Write how far the sync has come; nothing is written where that tells nothing new.

        Args:
            hooks: those that have ended, and how.
            error: what has failed, if anything has.
            fault: of what sort that is.

        Raises:
            ClusterError: it cannot be written, or (409) another sync has written meanwhile.
        """
        known = self.operation
        self.operation = bounded(
            replace(
                known,
                hooks={**known.hooks, **hooks},
                error=known.error or error,
                fault=known.fault or fault,
            )
        )
        self.inventory = inventory_store.write(self._cluster, self.inventory, begun(self.inventory, self.operation))

    def end(
        self,
        outcome: Outcome,
        counts: Mapping[str, int],
        durations: Mapping[str, float],
        error: str = "",
        left: Cover | None = None,
        fault: Fault = "",
    ) -> None:
        """Write what became of the sync; nothing is written where that tells nothing new.

        It takes the place of what this sync has written before.

        Args:
            outcome: of the sync, as far as it has come.
            counts: objects by action.
            durations: seconds by step.
            error: the first one.
            left: what the inventory is narrowed to; None leaves it as wide as it is.
            fault: of what sort the error is.

        Raises:
            ClusterError: it cannot be written, or (409) another sync has written meanwhile.
        """
        now = self.inventory
        # Where there is no inventory, nothing was written; where another sync is under way, its record is its own.
        if self.over or not self._read or not now.resource_version or _id(now) not in ("", self.operation.id):
            return
        hold = self._owner.hold
        if hold and not self._began and hold != now.hold:
            return  # a return that wrote nothing: what failed before is still what the cluster has
        entry = Entry(
            self._owner.revision,
            self.operation.since,
            self._owner.why,
            self.operation.who,
            outcome,
            {**counts, **self._changed(counts)},
            dict(durations),
            error,
            self._owner.heals,
            fault=fault,
            operation=self.operation.id,
        )
        if not self._began and (moved := self._overtaken()):
            raise SupersededError(moved)
        changed = any(map(counts.get, CHANGES))
        others = tuple(one for one in now.history if _which(one) != _which(replace(entry, result="unfinished")))
        if others and (others[0].revision, others[0].result) == (entry.revision, "unfinished") and not entry.deletion:
            # An earlier sync began this rollout, and its time counts on, also where somebody has interfered meanwhile.
            entry = replace(others[0], result=outcome, error=error, fault=fault, operation=self.operation.id)
            others = others[1:]
        after = replace(now, operation=None)
        if changed or outcome != "unfinished" or not now.history or now.history[0].revision != entry.revision:
            after = recorded(replace(now, history=others), entry, self._owner.history_limit)
        if not hold:
            after = held(after, None)  # the ref has moved since, or somebody has let go
        if left is not None:
            after = narrowed(after, left.group_kinds, left.namespaces)
        try:
            self.inventory = inventory_store.write(self._cluster, now, after)
        except ClusterError as error:
            self.over = error.status == 409
            raise

    def _changed(self, counts: Mapping[str, int]) -> dict[str, int]:
        """The objects that this process has changed, and those that went before it with the same operation."""
        before = self.operation.counts
        return {action: both for action in CHANGES if (both := counts.get(action, 0) + before.get(action, 0))}

    def _overtaken(self) -> str:
        """Say that the ref has moved, where another commit was synced last: it may be the newer one."""
        last = self.inventory.history[:1]
        return self._owner.moved() if last and last[0].revision != self._owner.revision else ""

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Where the sync itself is over: what goes wrong in the block is told, and does not change its outcome."""
        try:
            yield
        except ClusterError as failed:
            self._tell(f"the history was not written: {failed}")

    def _tell(self, message: str) -> None:
        self._progress(Step(message, reason=message))


def _which(entry: Entry) -> tuple[str, datetime, Result]:
    """What tells how far a sync has come; one that goes on with an earlier rollout has that one's time."""
    return entry.operation, entry.when, entry.result


def _id(inventory: Inventory) -> str:
    """The id of the operation that an inventory says is under way; `""` where none is."""
    return inventory.operation.id if inventory.operation else ""
