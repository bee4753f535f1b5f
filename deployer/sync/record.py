"""The inventory of an application while it is synced: read, widened before the first write, closed after the last."""

import secrets
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from deployer.cluster import inventory_store
from deployer.cluster.connection import Cluster
from deployer.cluster.history import CHANGES, Entry, Operation, bounded
from deployer.cluster.inventory import GroupKind, Inventory, begun, empty, narrowed, recorded, widened
from deployer.cluster.lease import Lease, holding
from deployer.errors import ClusterError
from deployer.manifest import ObjectKey
from deployer.sync.owner import Owner
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


class Record:
    """The inventory as it was read, or written last, and what this sync writes into it."""

    def __init__(self, cluster: Cluster, owner: Owner, progress: Progress) -> None:
        self.inventory: Inventory = empty(owner.application, owner.namespace)
        self._cluster, self._owner, self._progress = cluster, owner, progress
        self._read = self._began = False
        self._attempts = 0
        since = datetime.now(UTC).replace(microsecond=0)
        self._holder = f"{owner.who}, {owner.why}"
        # Two syncs of the same second are two all the same.
        self._operation = bounded(
            Operation(owner.revision, since, f"{self._holder[:100]} ({secrets.token_hex(4)})", owner.why)
        )

    def read(self) -> None:
        """Read the inventory.

        Raises:
            ClusterError: the cluster cannot be reached, or the inventory is not ours or malformed.
        """
        self.take(inventory_store.read(self._cluster, self._owner.application, self._owner.namespace))

    def take(self, inventory: Inventory) -> None:
        """Go on from an inventory that somebody else has read."""
        self.inventory = inventory
        self._read = True

    @property
    def interrupted(self) -> bool:
        """Whether a sync is under way, or was killed: then its inventory is closed under the Lease only."""
        return self.inventory.operation is not None

    @property
    def begun(self) -> bool:
        """Whether the inventory says that this sync is under way."""
        return self.inventory.operation == self._operation

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
            ClusterError: the watched ref has moved meanwhile, so that this plan is the older one; or others write
                all the time.
        """
        planned = self.inventory
        with ThreadPoolExecutor(1) as beside:
            asking = beside.submit(self._overtaken)
            self.read()
            if moved := asking.result():
                raise ClusterError(f"overtaken: {moved}")
        if self.inventory.resource_version == planned.resource_version:
            wide = widened(planned, wanted.group_kinds, wanted.namespaces)
            try:
                self.inventory = inventory_store.write(self._cluster, planned, begun(wide, self._operation))
            except ClusterError as error:
                if error.status != 409:
                    raise
            else:
                self._began = True
                return True
        if moved := self._owner.moved():
            raise ClusterError(f"overtaken: {moved}")
        self._attempts += 1
        if self._attempts == _ATTEMPTS:
            raise ClusterError(f"somebody else writes ConfigMap {planned.name} all the time; sync again")
        return False

    def end(
        self,
        outcome: Outcome,
        counts: Mapping[str, int],
        durations: Mapping[str, float],
        error: str = "",
        left: Cover | None = None,
    ) -> None:
        """Write what became of the sync; nothing is written where that tells nothing new.

        It takes the place of what this sync has written before.

        Args:
            outcome: of the sync, as far as it has come.
            counts: objects by action.
            durations: seconds by step.
            error: the first one.
            left: what the inventory is narrowed to; None leaves it as wide as it is.

        Raises:
            ClusterError: it cannot be written, or (409) another sync has written meanwhile.
        """
        now = self.inventory
        # Where there is no inventory, nothing was written; where another sync is under way, its record is its own.
        if not self._read or not now.resource_version or now.operation not in (None, self._operation):
            return
        entry = Entry(
            self._owner.revision,
            self._operation.since,
            self._owner.why,
            self._owner.who,
            outcome,
            dict(counts),
            dict(durations),
            error,
            self._owner.heals,
        )
        if not self._began and (moved := self._overtaken()):
            raise ClusterError(f"overtaken: {moved}")
        changed = any(map(counts.get, CHANGES))
        others = tuple(one for one in now.history if _which(one) != (*_which(entry)[:4], "unfinished"))
        if others and (others[0].revision, others[0].result) == (entry.revision, "unfinished"):
            # An earlier sync began this rollout, and its time counts on, also where somebody has interfered meanwhile.
            entry = replace(others[0], result=outcome, error=error)
            others = others[1:]
        after = replace(now, operation=None)
        if changed or outcome != "unfinished" or not now.history or now.history[0].revision != entry.revision:
            after = recorded(replace(now, history=others), entry, self._owner.history_limit)
        if left is not None:
            after = narrowed(after, left.group_kinds, left.namespaces)
        self.inventory = inventory_store.write(self._cluster, now, after)

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


def _which(entry: Entry) -> tuple[str, datetime, str, str, str]:
    """What tells a sync from others, also of the same second, and how far it has come."""
    return entry.revision, entry.when, entry.why, entry.who, entry.result
