"""Writes for what an apply cannot do: an object put whole in another's place, or deleted and created anew."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from deployer.cluster.carried_over import carried_over
from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.guarded import conflict, persist, remove
from deployer.cluster.objects import FIELD_MANAGER, Live, apply, checked, get, validation
from deployer.cluster.paths import object_path
from deployer.errors import ClusterError
from deployer.retry import with_retries

_FIRST_PAUSE, _LONGEST_PAUSE, _FACTOR = 0.1, 2.0, 1.5

_NEVER_DELETED = (("", "Namespace"), ("apiextensions.k8s.io", "CustomResourceDefinition"))
"""What takes with it all that is in it, or of it."""

_JUDGED = (400, 403, 422)
"""Answers about the object itself, which its name may be the reason of."""

_LONGEST_BASE = 40
"""Characters of a name that others are generated from: the shortest limit of a kind is a CronJob's 52, and the server
adds five."""


def replace(
    cluster: Cluster,
    resource: Resource,
    body: Mapping[str, Any],
    live: Live | None,
    *,
    dry_run: bool,
    validate: bool = True,
    before: Callable[[], None] = lambda: None,
) -> Live:
    """Put an object in the place of the live one, as `kubectl replace` does, or create it where there is none.

    What the object does not say is gone, whoever wrote it, but for what `carried_over` keeps.

    Args:
        cluster: where.
        resource: the object's kind.
        body: the whole desired object, its namespace filled in.
        live: the object as it was read; None where it is not there.
        dry_run: True asks the server for the result and leaves the cluster as it is.
        validate: False lets the server drop fields that the kind does not have.
        before: called before it is sent; nothing is where it raises.

    Returns:
        The object as the server has it afterwards (or would have it). The fields that differ from before are owned by
        `deployer` with the operation `Update`; one that changes nothing leaves also the resourceVersion as it was.

    Raises:
        ClusterError: with status 409 where somebody wrote in between, or created it; 404 or 409 where somebody removed
            it, and nothing is created then; else the cluster cannot be reached, or refuses it in its own words, with
            values of a Secret masked.
    """
    namespace, name = body["metadata"].get("namespace") or "", body["metadata"]["name"]
    query = {"fieldManager": FIELD_MANAGER, **validation(validate), **({"dryRun": "All"} if dry_run else {})}
    method, path = ("PUT", object_path(resource, namespace, name)) if live else ("POST", _collection(resource, body))
    whole = carried_over(resource, body, live) if live else body
    answer = cluster.request(method, path, query=query, body=whole, live=live, before=before)
    return checked(cluster, answer, resource, namespace, name)


def is_immutable(error: ClusterError) -> bool:
    """Say whether an object may have been refused because of a field that cannot be changed.

    It is the rule of `kubectl apply --force` and of Flux (fluxcd/pkg, ssa/errors): servers answer 422 whatever they
    find wrong with an object, and each kind, and each rule of a custom resource, has words of its own for what cannot
    be changed; admission webhooks, with statuses of their own, say `immutable`. Whether it was only the change that was
    refused is for `try_create` to tell.
    """
    return error.status == 422 or (error.status in _JUDGED and "immutable" in str(error).lower())


def try_create(
    cluster: Cluster,
    resource: Resource,
    body: Mapping[str, Any],
    *,
    live: Live | None = None,
    validate: bool = True,
) -> Live:
    """Ask the server what would become of an object if it were created anew, while the old one is still there.

    It is tried under a generated name. Of a kind whose names are not free (an APIService, an IPAddress, a custom
    resource with a rule about its name) the answer to its own name tells: the server judges an object before it says
    that there is one already. What a quota counts is not free before the old one is gone, so it may refuse more.

    Args:
        cluster: where.
        resource: the object's kind.
        body: the whole desired object, its namespace filled in.
        live: the old one, whose node ports will be free by then; and a refusal may quote it.
        validate: False lets the server drop fields that the kind does not have.

    Returns:
        The object as the server would have it, under its own name; `body` where the server said only that it may be.

    Raises:
        ClusterError: the server refuses it, in its own words about its own name; values of a Secret are masked.
    """
    name = body["metadata"]["name"]
    query = {"fieldManager": FIELD_MANAGER, **validation(validate), "dryRun": "All"}
    tried = _without_ports(resource, body, live) if live else body

    def ask(**named: str) -> Live | None:
        metadata = {**{key: one for key, one in tried["metadata"].items() if key != "name"}, **named}
        sent = {**tried, "metadata": metadata}
        try:
            return cluster.request("POST", _collection(resource, body), query=query, body=sent, live=live)
        except ClusterError as error:
            if error.status == 409 and "already exists" in str(error):
                return None
            raise

    try:
        created = with_retries(lambda: ask(generateName=name[:_LONGEST_BASE]))
    except ClusterError as error:
        if error.status not in _JUDGED:
            raise
        created = None
    created = created or with_retries(lambda: ask(name=name)) or body
    metadata = {key: one for key, one in created["metadata"].items() if key != "generateName"}
    return {**created, "metadata": {**metadata, "name": name}}


def await_gone(cluster: Cluster, resource: Resource, live: Live, timeout: float) -> Live | None:
    """Wait until a deleted object is gone.

    Args:
        cluster: where.
        resource: the object's kind.
        live: the object as it was read.
        timeout: seconds; it is looked for once at the least.

    Returns:
        Another object that has its name by then; None where there is none.

    Raises:
        ClusterError: it is still there, and which finalizers hold it; or the cluster cannot be reached or refuses.
    """
    metadata = live["metadata"]
    deadline, pause = time.monotonic() + timeout, _FIRST_PAUSE
    while now := get(cluster, resource, metadata.get("namespace") or "", metadata["name"]):
        if now["metadata"]["uid"] != metadata["uid"]:
            return now
        left = deadline - time.monotonic()
        if left <= 0:
            raise ClusterError(
                f"{resource.kind}/{metadata['name']} was deleted and is still there after {timeout:g} s{_held(now)}"
            )
        time.sleep(min(pause, left))
        pause = min(pause * _FACTOR, _LONGEST_PAUSE)
    return None


def recreate(
    cluster: Cluster,
    resource: Resource,
    body: Mapping[str, Any],
    live: Live,
    *,
    owner_label: tuple[str, str],
    propagation: str,
    timeout: float,
    validate: bool = True,
    before: Callable[[], None] = lambda: None,
) -> Live:
    """Delete an object, wait until it is gone, and apply it anew. What was ended half-way can be done again.

    Args:
        cluster: where.
        resource: the object's kind; Namespaces and CustomResourceDefinitions are refused.
        body: the whole desired object, its namespace filled in.
        live: the object as it was read; it may be gone by now.
        owner_label: the label, key and value, without which it is not ours to delete.
        propagation: what becomes of the objects that it owns: `Background`, `Foreground` or `Orphan`.
        timeout: seconds that it may take to be gone.
        validate: see `apply`.
        before: called before each attempt to write; nothing is sent where it raises.

    Returns:
        The new object.

    Raises:
        ClusterError: it is not ours, or another that is not has its name by now; it is not gone in time; the cluster
            cannot be reached or refuses.
    """
    name = f"{resource.kind}/{body['metadata']['name']}"
    if (resource.group, resource.kind) in _NEVER_DELETED:
        raise ClusterError(f"{name} is never deleted to be created anew, since all that is in it would be lost")
    _delete(cluster, resource, live, owner_label, propagation, before)
    other = await_gone(cluster, resource, live, timeout)
    if other and not _bears(other, owner_label):
        raise ClusterError(f"somebody has made another {name} since it was deleted: see whose it is, then sync again")
    return apply(cluster, resource, body, dry_run=False, validate=validate, live=other, before=before)


def _delete(
    cluster: Cluster,
    resource: Resource,
    live: Live,
    owner_label: tuple[str, str],
    propagation: str,
    before: Callable[[], None],
) -> None:
    """Delete an object however often somebody writes to it, such as a controller its status, as long as it is ours."""
    metadata = live["metadata"]

    def now() -> Live | None:
        return get(cluster, resource, metadata.get("namespace") or "", metadata["name"])

    def act(live: Live | None) -> None:
        if live is None or live["metadata"]["uid"] != metadata["uid"] or live["metadata"].get("deletionTimestamp"):
            return
        if not _bears(live, owner_label):
            told = f"does not bear our label {'='.join(owner_label)}: it is not ours to delete, and stays as it is"
            raise ClusterError(f"{resource.kind}/{metadata['name']} {told}")
        remove(cluster, resource, live, propagation, before)

    busy = f"somebody else writes {resource.kind}/{metadata['name']} all the time: sync again"
    persist(act, live, now, conflict, busy)


def _bears(live: Live, label: tuple[str, str]) -> bool:
    return (live["metadata"].get("labels") or {}).get(label[0]) == label[1]


def _held(live: Live) -> str:
    """What keeps an object that was deleted, and what to do."""
    if finalizers := live["metadata"].get("finalizers"):
        return f": it waits for its finalizers {', '.join(finalizers)}; see why they are not taken off"
    return ": see what its node or its controller waits for"


def _collection(resource: Resource, body: Mapping[str, Any]) -> str:
    """The path to create an object at; its namespace and name are checked like those of one that is there."""
    return object_path(resource, body["metadata"].get("namespace") or "", body["metadata"]["name"]).rpartition("/")[0]


def _without_ports(resource: Resource, body: Mapping[str, Any], live: Live) -> Mapping[str, Any]:
    """A Service without the node ports that the live one has: the server takes them for somebody else's."""
    spec = body.get("spec")
    if (resource.group, resource.kind) != ("", "Service") or not isinstance(spec, Mapping):
        return body
    ports = live["spec"].get("ports") or []
    held = {live["spec"].get("healthCheckNodePort"), *(port.get("nodePort") for port in ports)}

    def free(fields: Any) -> Any:
        names = ("nodePort", "healthCheckNodePort")
        if not isinstance(fields, Mapping):
            return fields  # the server says what is wrong with it
        return {key: one for key, one in fields.items() if key not in names or one not in held}

    spec = free(spec)
    if isinstance(spec.get("ports"), list):
        spec["ports"] = [free(port) for port in spec["ports"]]
    return {**body, "spec": spec}
