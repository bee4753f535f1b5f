"""Writes to one object that somebody else may be writing at the same time."""

from collections.abc import Callable

from deployer.cluster.connection import Cluster
from deployer.cluster.guarded import conflict, conflict_or_lost, persist, remove, update
from deployer.cluster.objects import Live, get
from deployer.cluster.replacing import replace
from deployer.sync.options import Options
from deployer.sync.plan import still_kept
from deployer.sync.prune import Pruning
from deployer.sync.take_over import take_over
from deployer.sync.targets import Target

_BUSY = "somebody else writes it all the time: sync again"

Read = Callable[[Target], Live | None]
"""Reads an object anew, and refuses one that is another application's."""


def own_fields(cluster: Cluster, target: Target, live: Live | None, read: Read, check: Callable[[], None]) -> None:
    """Have the fields that other tools wrote become ours.

    Args:
        cluster: where.
        target: the desired object.
        live: as it was read; None where it is not there.
        read: reads it anew.
        check: called before each write; nothing is sent where it raises.

    Raises:
        ClusterError: the cluster cannot be reached or refuses, or somebody else writes the object all the time.
    """

    def act(live: Live | None) -> None:
        if live and (patch := take_over(live, target.manifest.body)):
            update(cluster, target.resource, patch, live=live, before=check)

    persist(act, live, lambda: read(target), conflict_or_lost, _BUSY)


def put(cluster: Cluster, target: Target, live: Live | None, read: Read, check: Callable[[], None]) -> Live:
    """Write the whole of an object over what is there (`Replace=true`).

    Args:
        cluster: where.
        target: the desired object.
        live: as it was read; None where it is not there.
        read: reads it anew.
        check: called before each write; nothing is sent where it raises.

    Raises:
        ClusterError: the cluster cannot be reached or refuses, or somebody else writes the object all the time.
    """
    body, validate = target.manifest.body, target.options.validate

    def act(live: Live | None) -> Live:
        return replace(cluster, target.resource, body, live, dry_run=False, validate=validate, before=check)

    return persist(act, live, lambda: read(target), conflict_or_lost, _BUSY)


def prune(cluster: Cluster, target: Target, options: Options, pruning: Pruning, check: Callable[[], None]) -> str:
    """Delete an object that left Git, if it still may be: since the plan somebody may have said that it is to stay.

    Args:
        cluster: where.
        target: the object as the plan knew it.
        options: owner, and what the project says.
        pruning: how the plan judged it.
        check: called before each attempt; nothing is sent where it raises.

    Returns:
        Why it stays; `""` where it is gone, or going.

    Raises:
        ClusterError: the cluster cannot be reached or refuses, or somebody else writes the object all the time.
    """

    def now() -> Live | None:
        return get(cluster, target.resource, target.key.namespace, target.key.name)

    def act(live: Live | None) -> str:
        if not live or live["metadata"]["uid"] != target.manifest.body["metadata"]["uid"]:
            return ""
        if live["metadata"].get("deletionTimestamp"):
            return ""
        if why := still_kept(target, live, options, pruning):
            return why
        remove(cluster, target.resource, live, pruning.propagation, check)
        return ""

    return persist(act, now(), now, conflict, _BUSY)
