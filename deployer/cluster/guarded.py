"""Writes that the server carries out only if nobody else wrote in between (optimistic locking).

https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
None of them but `remove` is repeated by itself: after a lost answer the same request would meet its own outcome, which
is the caller's to recognise, as `persist` lets it.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.objects import FIELD_MANAGER, Live
from deployer.cluster.paths import collection_path, object_path
from deployer.errors import ClusterError
from deployer.retry import with_retries

_ATTEMPTS = 5
_T = TypeVar("_T")

_MERGE = "application/merge-patch+json"


def conflict(error: ClusterError) -> bool:
    """Whether somebody wrote in between."""
    return error.status == 409


def conflict_or_lost(error: ClusterError) -> bool:
    """Whether somebody wrote in between, or removed it, or the answer was lost: how things are is to be seen anew."""
    return error.status in (404, 409) or error.transient


def persist(
    act: Callable[[Live | None], _T],
    live: Live | None,
    read: Callable[[], Live | None],
    again: Callable[[ClusterError], bool],
    busy: str,
) -> _T:
    """Do something to an object that somebody else may be writing at the same time, a few times over.

    Args:
        act: does it, to the object as it is; None stands for none.
        live: as it was read.
        read: reads it anew, after `act` met somebody else.
        again: whether an error says that it did.
        busy: what is told if it always does.

    Raises:
        ClusterError: whatever else `act` and `read` raise, or somebody else writes the object all the time.
    """
    for _ in range(_ATTEMPTS):
        try:
            return act(live)
        except ClusterError as error:
            if not again(error):
                raise
        live = read()
    raise ClusterError(busy)


def create(cluster: Cluster, resource: Resource, body: Mapping[str, Any]) -> Live:
    """Create an object in the namespace that it names.

    Raises:
        ClusterError: with status 409 where there is one of its name; else the cluster cannot be reached or refuses.
    """
    path = collection_path(resource, body["metadata"]["namespace"])
    return _live(cluster, path, cluster.request("POST", path, query={"fieldManager": FIELD_MANAGER}, body=body))


def update(
    cluster: Cluster,
    resource: Resource,
    body: Mapping[str, Any],
    *,
    dry_run: bool = False,
    live: Live | None = None,
    before: Callable[[], None] = lambda: None,
) -> Live:
    """Merge fields into an object (RFC 7386), if it still has the resourceVersion that `body` names.

    A server-side apply keeps that condition, too, but makes an object anew that somebody has just removed.

    Args:
        cluster: where.
        resource: the object's kind.
        body: its name, its resourceVersion, and the fields.
        dry_run: only ask the server.
        live: the object as it is, which a refusal may quote.
        before: called before it is sent; nothing is where it raises.

    Raises:
        ClusterError: with status 409 where somebody wrote in between, 404 where somebody removed it; else the cluster
            cannot be reached or refuses.
    """
    path = _path(resource, body)
    query = {"fieldManager": FIELD_MANAGER, **({"dryRun": "All"} if dry_run else {})}
    answer = cluster.request("PATCH", path, query=query, body=body, content_type=_MERGE, live=live, before=before)
    return _live(cluster, path, answer)


def delete(cluster: Cluster, resource: Resource, live: Live) -> None:
    """Delete an object, if it is still as it was when it was read, or written.

    Raises:
        ClusterError: with status 409 where somebody wrote in between, 404 where somebody removed it; else the cluster
            cannot be reached or refuses.
    """
    same = {key: live["metadata"][key] for key in ("uid", "resourceVersion")}
    body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": same}
    cluster.request("DELETE", _path(resource, live), body=body)


def remove(
    cluster: Cluster, resource: Resource, live: Live, propagation: str, before: Callable[[], None] = lambda: None
) -> None:
    """Delete an object, if nobody wrote to it since it was read; who did may have said that it is to stay.

    It may be repeated: what names it makes its outcome the same however often it is sent.

    Args:
        cluster: where.
        resource: the object's kind.
        live: the object as it was read; one that is gone is as good.
        propagation: what becomes of the objects that it owns: `Background`, `Foreground` or `Orphan`.
        before: called before each attempt; nothing is sent where it raises.

    Raises:
        ClusterError: with status 409 where somebody wrote in between, or there is another one of its name; else the
            cluster cannot be reached or refuses.
    """
    metadata = live["metadata"]
    path = object_path(resource, metadata.get("namespace") or "", metadata["name"])
    body = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {key: metadata[key] for key in ("uid", "resourceVersion")},
        "propagationPolicy": propagation,
    }

    def ask() -> ClusterError | None:
        try:
            cluster.request("DELETE", path, body=body, before=before)
        except ClusterError as error:
            if error.status in (404, 409):  # which it would be the next time, too
                return error
            raise
        return None

    refused = with_retries(ask)
    if refused and refused.status == 409:
        raise refused


def _path(resource: Resource, body: Mapping[str, Any]) -> str:
    return object_path(resource, body["metadata"].get("namespace") or "", body["metadata"]["name"])


def _live(cluster: Cluster, path: str, answer: Live) -> Live:
    metadata = answer.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("resourceVersion") or not metadata.get("uid"):
        told = f"cluster {cluster.name} answered a write to {path} with something that is no object"
        raise ClusterError(f"{told}: check what stands between it and the deployer")
    return answer
