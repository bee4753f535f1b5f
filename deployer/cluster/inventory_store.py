"""Inventories in their cluster: read one, write one, find all. No write is ever made over somebody else's."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.guarded import create, remove, update
from deployer.cluster.inventory import PARENT, Inventory, document, empty, is_ours, parse
from deployer.cluster.lease import LEASES
from deployer.cluster.objects import Live, get, list_all
from deployer.errors import ClusterError
from deployer.retry import with_retries

_CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)


@dataclass(frozen=True)
class Found:
    """Inventories by id, and what could not be read or looked at: a `warnings` line each."""

    inventories: Mapping[str, Inventory]
    warnings: tuple[str, ...] = ()


def read(cluster: Cluster, application: str, namespace: str) -> Inventory:
    """Read an application's inventory: one request.

    Args:
        cluster: where.
        application: its name.
        namespace: its destination's; `""` where it has none.

    Returns:
        The inventory; an empty one where there is none yet.

    Raises:
        ClusterError: the cluster cannot be reached, or the inventory is not ours or malformed.
    """
    none = empty(application, namespace)
    live = get(cluster, _CONFIG_MAPS, none.namespace, none.name)
    return parse(live) if live else none


def write(cluster: Cluster, before: Inventory, after: Inventory) -> Inventory:
    """Write an inventory, if it differs from what is there, in one request.

    It names the resourceVersion that it was made from, and the server refuses it once that is another.

    Args:
        cluster: where.
        before: what was read, or written last.
        after: what is to be there; made from `before`.

    Returns:
        What is there now, to make the next one from.

    Raises:
        ClusterError: with status 409 where somebody else wrote in between, and the plan is to be made anew;
            else the cluster cannot be reached or refuses.
    """
    if after == before:
        return before

    def ask() -> Inventory:
        try:
            return parse((update if after.resource_version else create)(cluster, _CONFIG_MAPS, document(after)))
        except ClusterError as error:
            if error.status != 409 and not (error.status == 404 and after.resource_version):
                raise
        now = read(cluster, after.application, after.namespace)
        if now.resource_version and now == after:
            return now  # by ourselves: the answer to that was lost
        raise ClusterError(
            f"cluster {cluster.name}: somebody else wrote ConfigMap {after.name} in namespace {after.namespace}, the "
            f"inventory of application {after.application}, in between; sync again",
            status=409,
        )

    return with_retries(ask)


def discard(cluster: Cluster, inventory: Inventory) -> None:
    """Remove an inventory, if it is as it was when it was read, or written last, and then the Lease beside it.

    Raises:
        ClusterError: with status 409 where somebody wrote in between; else the cluster cannot be reached or refuses.
    """
    for resource, version in ((_CONFIG_MAPS, inventory.resource_version), (LEASES, "")):
        live = get(cluster, resource, inventory.namespace, inventory.name)
        if live and version in ("", live["metadata"]["resourceVersion"]):
            remove(cluster, resource, live, "Background")
        elif live:
            told = f"somebody else wrote ConfigMap {inventory.name} in namespace {inventory.namespace} in between"
            raise ClusterError(f"cluster {cluster.name}: {told}; delete again", status=409)


def find(cluster: Cluster, namespaces: Collection[str], ids: Collection[str] | None = None) -> Found:
    """Find the inventories of ours in a cluster, whatever configuration they are of.

    It is one request, and none where no ids are wanted; where the account may not list ConfigMaps everywhere, one more
    for each namespace.

    Args:
        cluster: where.
        namespaces: where to look if the account may not look everywhere.
        ids: the ids that are wanted; None means all.

    Returns:
        What was found. Other tools' are left out. One of ours that is malformed is a warning, and so is a namespace
        where the account may not list ConfigMaps either. A history that cannot be read is a warning of its inventory.

    Raises:
        ClusterError: the cluster cannot be reached, or refuses for another reason.
    """
    if ids is not None and not ids:
        return Found({})
    selector = f"{PARENT} in ({','.join(sorted(ids))})" if ids else PARENT
    lives, warnings = _list(cluster, namespaces, selector)
    inventories = {}
    for live in filter(is_ours, lives):
        try:
            one = parse(live)
        except ClusterError as error:
            warnings.append(f"cluster {cluster.name}: {error}")
        else:
            inventories[one.id] = one
    return Found(inventories, tuple(warnings))


def _list(cluster: Cluster, namespaces: Collection[str], selector: str) -> tuple[list[Live], list[str]]:
    """List ConfigMaps everywhere, or where that is not allowed in each namespace; and say where not even there."""
    found, refused = [], []
    try:
        return list_all(cluster, _CONFIG_MAPS, "", selector), []
    except ClusterError as error:
        if error.status != 403:
            raise
    for namespace in sorted(namespaces):
        try:
            found += list_all(cluster, _CONFIG_MAPS, namespace, selector)
        except ClusterError as error:
            if error.status != 403:
                raise
            refused.append(f"inventories in namespace {namespace} stay unknown: {error}")
    return found, refused
