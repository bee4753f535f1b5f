"""The finalizer that keeps a hook's object until its end was seen."""

from collections.abc import Callable

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.guarded import conflict_or_lost, persist, update
from deployer.cluster.objects import Live, get

FINALIZER = "deployer/hook"

_NAMED = ("name", "namespace", "uid", "resourceVersion")


def release(cluster: Cluster, resource: Resource, live: Live, before: Callable[[], None] = lambda: None) -> None:
    """Take our finalizer off an object, so that it goes once it is deleted; one that does not have it is left alone.

    Args:
        cluster: where.
        resource: the object's kind.
        live: the object as it was read; it may be gone by now.
        before: called before each attempt; nothing is sent where it raises.

    Raises:
        ClusterError: the cluster cannot be reached or refuses, or somebody else writes the object all the time.
    """
    metadata = live["metadata"]

    def now() -> Live | None:
        return get(cluster, resource, metadata.get("namespace") or "", metadata["name"])

    def act(live: Live | None) -> None:
        there = live["metadata"] if live else {}
        if there.get("uid") == metadata["uid"] and FINALIZER in (there.get("finalizers") or []):
            left = [one for one in there["finalizers"] if one != FINALIZER]
            same = {key: there[key] for key in _NAMED if key in there}
            update(cluster, resource, {"metadata": {**same, "finalizers": left}}, live=live, before=before)

    busy = f"somebody else writes {resource.kind}/{metadata['name']} all the time: sync again"
    persist(act, live, now, conflict_or_lost, busy)
