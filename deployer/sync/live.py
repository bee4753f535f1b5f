"""What an application has in its cluster: one LIST a kind, by the label of its members."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Discovery, Resource
from deployer.cluster.inventory import MEMBER, GroupKind, Inventory
from deployer.cluster.objects import Live, list_all
from deployer.errors import ClusterError
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.targets import Target


@dataclass
class Members:
    """The live members of an application.

    `found` are those that the lists brought, with the resource that they were listed as; `refused` are the targets of
    kinds that could not be listed, with the reason. `unseen` are kinds whose members stay unknown.
    """

    found: list[Target] = field(default_factory=list)
    refused: dict[ObjectKey, str] = field(default_factory=dict)
    unseen: dict[GroupKind, str] = field(default_factory=dict)

    def live(self, targets: Iterable[Target]) -> dict[ObjectKey, Live]:
        """The live objects of targets, but for those that were listed in another version than the target's."""
        wanted = {(target.key, target.resource) for target in targets}
        return {one.key: one.manifest.body for one in self.found if (one.key, one.resource) in wanted}


def list_members(
    cluster: Cluster,
    pool: ThreadPoolExecutor,
    discovery: Discovery,
    inventory: Inventory,
    targets: Sequence[Target],
    lists: Mapping[Resource, Sequence[Live]],
) -> Members:
    """List each kind of the inventory and of the source, all of them at once.

    Args:
        cluster: where.
        pool: sends the requests.
        discovery: what the cluster knows.
        inventory: says which kinds and namespaces the members may have.
        targets: the source's; their kinds and namespaces count, too.
        lists: what is known already, of all namespaces.

    Returns:
        What was found. A member in a namespace that neither names is none: whoever can write a label somewhere must
        not make the deployer delete things there.

    Raises:
        ClusterError: a kind that only the inventory has cannot be listed.
    """
    namespaces = {inventory.namespace, *inventory.namespaces, *(target.key.namespace for target in targets)} - {""}
    members = Members()
    resources = {target.resource: None for target in targets if not target.promised and not target.late}
    known = {GroupKind(one.group, one.kind) for one in resources}
    for kind in sorted(inventory.group_kinds - known):
        if resource := discovery.any_version(*kind):
            resources[resource] = None
        elif any(group == kind.group for group, _ in discovery.stale):
            members.unseen[kind] = f"the API {kind.group} does not answer: look at its APIService"
        # Else the kind is gone, and all of its objects are gone with it.
    selector = f"{MEMBER}={inventory.id}"
    unlisted = [one for one in resources if one not in lists]
    running = {one: pool.submit(list_within, cluster, one, namespaces, selector) for one in unlisted}
    for resource in resources:
        wanting = [target.key for target in targets if target.resource == resource]
        try:
            items = lists[resource] if resource in lists else running[resource].result()
            members.found += _within(items, resource, namespaces)
        except ClusterError as error:
            kind = GroupKind(resource.group, resource.kind)
            if error.status == 403 and not resource.namespaced:
                # An account may be given objects by their names, which a list has not: those are read one by one.
                members.unseen[kind] = str(error)
            elif wanting:
                members.refused.update(dict.fromkeys(wanting, str(error)))
            else:
                raise
    return members


def list_within(cluster: Cluster, resource: Resource, namespaces: Collection[str], selector: str) -> list[Live]:
    """List the objects of a kind: everywhere with one request, or where that is not allowed in some namespaces.

    Args:
        cluster: where.
        resource: the kind.
        namespaces: where to look if the account may not look everywhere; what is found elsewhere is found, too.
        selector: the labels.

    Raises:
        ClusterError: the cluster cannot be reached, or refuses there, too.
    """
    try:
        return list_all(cluster, resource, "", selector)
    except ClusterError as error:
        if error.status != 403 or not resource.namespaced:
            raise
    return [one for namespace in sorted(namespaces) for one in list_all(cluster, resource, namespace, selector)]


def _within(items: Iterable[Live], resource: Resource, namespaces: Collection[str]) -> Iterable[Target]:
    version = f"{resource.group}/{resource.version}" if resource.group else resource.version
    for item in items:
        # The items of a list do not say of what kind they are; the list does.
        one = Target(Manifest({**item, "apiVersion": version, "kind": resource.kind}, "the cluster"), resource)
        if not resource.namespaced or one.key.namespace in namespaces:
            yield one
