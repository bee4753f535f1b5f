"""Inventories in their cluster: read one, write one. No write is ever made over somebody else's."""

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.guarded import create, update
from deployer.cluster.inventory import Inventory, document, empty, parse
from deployer.cluster.objects import get
from deployer.errors import ClusterError
from deployer.retry import with_retries

_CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)


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
