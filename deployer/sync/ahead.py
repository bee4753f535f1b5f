"""What a cluster can be asked before the manifests are known: beside GitHub, which takes as long."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from deployer.cluster import inventory_store
from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Discovery, Resource, discover
from deployer.cluster.inventory import MEMBER, Inventory
from deployer.cluster.objects import Live, list_all
from deployer.errors import ClusterError
from deployer.sync.owner import Owner
from deployer.sync.timing import timed


@dataclass(frozen=True)
class Ahead:
    """The kinds of a cluster, an application's inventory, and its members of the kinds that this names.

    A kind that could not be listed everywhere is not among `lists`.
    """

    discovery: Discovery
    inventory: Inventory
    lists: Mapping[Resource, Sequence[Live]] = field(default_factory=dict)


def ask_ahead(
    cluster: Cluster, pool: ThreadPoolExecutor, owner: Owner, durations: dict[str, float], impersonate: str = ""
) -> Ahead:
    """Ask a cluster for what needs no manifest.

    Args:
        cluster: where.
        pool: sends the requests.
        owner: whose inventory and members.
        durations: gets the seconds by step.
        impersonate: as whom the members are listed; `""` is whoever the credentials are of.

    Raises:
        ClusterError: it cannot be reached, or the inventory is not ours or malformed.
    """
    with timed(durations, "discovery"):
        reading = pool.submit(inventory_store.read, cluster, owner.application, owner.namespace)
        discovery = discover(cluster)
        inventory = reading.result()
    kinds = (discovery.any_version(*kind) for kind in sorted(inventory.group_kinds))
    resources = [resource for resource in kinds if resource]

    def listed(resource: Resource) -> list[Live] | None:
        try:
            return list_all(cluster.acting_as(impersonate), resource, "", f"{MEMBER}={inventory.id}")
        except ClusterError:
            return None  # whoever needs it asks again, and sees why, or where else to look

    with timed(durations, "live"):
        lists = zip(resources, pool.map(listed, resources), strict=True)
        return Ahead(discovery, inventory, {one: items for one, items in lists if items is not None})
