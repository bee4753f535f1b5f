"""Which kinds a cluster knows, in two requests (KEP-3352, aggregated discovery)."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from deployer.cluster.connection import Cluster
from deployer.errors import ClusterError

_ACCEPT = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json"  # what an older server answers with, instead of a bare 406
)


@dataclass(frozen=True)
class Resource:
    """How objects of one kind are addressed."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool


@dataclass(frozen=True)
class Discovery:
    """Every kind that a cluster serves, by (group, version, kind), and the group versions that do not answer."""

    resources: Mapping[tuple[str, str, str], Resource]
    stale: frozenset[tuple[str, str]] = frozenset()

    def find(self, group: str, version: str, kind: str) -> Resource | None:
        """The resource for a kind, or None where the cluster does not know it."""
        return self.resources.get((group, version, kind))

    def any_version(self, group: str, kind: str) -> Resource | None:
        """The resource for a kind in the version that the cluster prefers, or None where it does not know the kind."""
        return next((one for one in self.resources.values() if (one.group, one.kind) == (group, kind)), None)


def discover(cluster: Cluster) -> Discovery:
    """Ask a cluster for all of its kinds.

    Raises:
        ClusterError: the cluster cannot be reached, does not tell its kinds, or is older than Kubernetes 1.27.
    """
    with ThreadPoolExecutor(2) as pool:
        core, groups = pool.map(lambda path: cluster.request("GET", path, accept=_ACCEPT), ("/api", "/apis"))
    if not core.get("kind") == groups.get("kind") == "APIGroupDiscoveryList":
        raise ClusterError(f"cluster {cluster.name} has no aggregated discovery: Kubernetes 1.27 or newer is needed")
    try:
        return parse_discovery(core, groups)
    except (AttributeError, KeyError, TypeError) as error:
        told = f"cluster {cluster.name} answered GET /api or /apis with a malformed list of its kinds"
        raise ClusterError(f"{told}: check what stands between it and the deployer") from error


def parse_discovery(*lists: Mapping[str, Any]) -> Discovery:
    """Read APIGroupDiscoveryLists.

    Args:
        lists: the answers of `/api` and `/apis`.

    Returns:
        Their resources; subresources and kinds that cannot be patched and read are left out.
    """
    resources: dict[tuple[str, str, str], Resource] = {}
    stale = set()
    for group, version, entry in _versions(*lists):
        if entry.get("freshness") == "Stale":
            stale.add((group, version))
        for item in entry.get("resources") or []:
            kind = (item.get("responseKind") or {}).get("kind", "")
            if kind and {"get", "patch"} <= set(item.get("verbs") or []):
                resource = Resource(group, version, kind, item["resource"], item.get("scope") == "Namespaced")
                resources.setdefault((group, version, kind), resource)
    return Discovery(resources, frozenset(stale))


def _versions(*lists: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for listing in lists:
        for group in listing.get("items") or []:
            for version in group.get("versions") or []:
                yield (group.get("metadata") or {}).get("name", ""), version["version"], version
