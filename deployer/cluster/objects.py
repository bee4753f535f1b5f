"""Live objects: read one, apply one (really or as a dry-run)."""

from collections.abc import Callable, Mapping
from typing import Any

from deployer.cluster.connection import APPLY, Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.paths import collection_path, object_path
from deployer.errors import ClusterError
from deployer.http import excerpt

FIELD_MANAGER = "deployer"

Live = Mapping[str, Any]
"""An object as the cluster has it."""

_IN_BETWEEN = "check what stands between it and the deployer"


def get(cluster: Cluster, resource: Resource, namespace: str, name: str) -> Live | None:
    """Read one object.

    Returns:
        The live object, or None where there is none (also where its namespace does not exist).

    Raises:
        ClusterError: the cluster cannot be reached or refuses.
    """
    try:
        answer = cluster.request("GET", object_path(resource, namespace, name))
    except ClusterError as error:
        if error.status == 404:
            return None
        raise
    return checked(cluster, answer, resource, namespace, name)


def list_all(cluster: Cluster, resource: Resource, namespace: str, label_selector: str = "") -> list[Live]:
    """List the objects of a kind in a namespace.

    Args:
        cluster: where.
        resource: the kind.
        namespace: the namespace; `""` means all of them.
        label_selector: such as `app=web,tier in (a,b)`; `""` selects everything.

    Raises:
        ClusterError: the cluster cannot be reached or refuses.
    """
    query = {"labelSelector": label_selector} if label_selector else None
    path = collection_path(resource, namespace)
    answer = cluster.request("GET", path, query=query)
    if "items" not in answer:  # what is no list must not pass for an empty one
        raise ClusterError(f"cluster {cluster.name} answered GET {path} with no list: {_IN_BETWEEN}")
    return list(answer["items"] or [])


def apply(
    cluster: Cluster,
    resource: Resource,
    body: Mapping[str, Any],
    *,
    dry_run: bool,
    validate: bool = True,
    live: Live | None = None,
    before: Callable[[], None] = lambda: None,
) -> Live:
    """Apply an object server-side (KEP-555) as field manager `deployer`, taking over the fields it names.

    Args:
        cluster: where.
        resource: the object's kind.
        body: the whole desired object, its namespace filled in.
        dry_run: True asks the server for the result and leaves the cluster as it is.
        validate: False asks the server not to validate fields (`fieldValidation=Ignore`). An apply needs to know the
            type of each field, so one that its kind does not have is refused all the same, of the server's own kinds
            and of custom resources, unless the schema says `x-kubernetes-preserve-unknown-fields`; only what is put
            whole in an object's place loses it silently.
        live: the object as it is, if it is there: what the server judges is merged with it, so that it may quote that.
        before: called before each attempt; nothing is sent where it raises.

    Returns:
        The object as the server has it afterwards (or would have it).

    Raises:
        ClusterError: the server refuses it, in the server's own words; values of a Secret are masked.
    """
    namespace, name = body["metadata"].get("namespace") or "", body["metadata"]["name"]
    query = {"fieldManager": FIELD_MANAGER, "force": "true", **validation(validate)}
    if dry_run:
        query["dryRun"] = "All"
    path = object_path(resource, namespace, name)
    answer = cluster.request("PATCH", path, query=query, body=body, content_type=APPLY, live=live, before=before)
    return checked(cluster, answer, resource, namespace, name)


def validation(validate: bool) -> Mapping[str, str]:
    """The query that has the server refuse fields that a kind does not have, or drop them."""
    return {"fieldValidation": "Strict" if validate else "Ignore"}


def same(live: Live, applied: Live) -> bool:
    """Whether an apply left an object as it was, owners of fields included.

    The times in `managedFields`, and its order, which goes by them, do not count: the server renews them only when it
    writes.
    """
    return _without_times(live) == _without_times(applied)


def last_apply(live: Live) -> str:
    """Say when an object was last written by us, to the second, be it by an apply or whole; `""` where it never was.

    The time moves when we change or remove a field, and stays when another manager takes a field over
    (https://kubernetes.io/docs/reference/using-api/server-side-apply/, `time` in `managedFields`).
    """
    entries = live["metadata"].get("managedFields") or []
    ours = (one for one in entries if one.get("manager") == FIELD_MANAGER and not one.get("subresource"))
    return max((str(one.get("time", "")) for one in ours), default="")


def _without_times(live: Live) -> dict[str, Any]:
    metadata = dict(live.get("metadata") or {})
    entries = [
        {key: value for key, value in entry.items() if key != "time"} for entry in metadata.get("managedFields") or []
    ]
    # The server sorts them by their times.
    parts = ("manager", "operation", "apiVersion", "subresource")
    metadata["managedFields"] = sorted(entries, key=lambda entry: [str(entry.get(part)) for part in parts])
    return {**live, "metadata": metadata}


def checked(cluster: Cluster, answer: Live, resource: Resource, namespace: str, name: str) -> Live:
    """Return an answer, if it is about the object asked for.

    Raises:
        ClusterError: it is about another one.
    """
    metadata = answer.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    wanted = (resource.kind, namespace if resource.namespaced else "", name)
    got = (answer.get("kind"), metadata.get("namespace") or "", metadata.get("name"))
    if got != wanted:
        asked, told = (" ".join(str(part) for part in parts if part) or "nothing" for parts in (wanted, got))
        told = f"cluster {cluster.name} was asked for {asked} and answered with {excerpt(told)}"
        raise ClusterError(f"{told}: {_IN_BETWEEN}")
    return answer
