"""An application with its inventory in a real cluster, for the tests of its members."""

from dataclasses import replace
from typing import Any

from deployer.cluster import inventory_store
from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.inventory import Inventory
from deployer.cluster.objects import list_all
from deployer.sync.options import Options
from deployer.sync.owner import Owner
from deployer.sync.prune import Pruning
from deployer.sync.result import Progress, SyncResult
from deployer.sync.run import sync
from tests.sync.helpers import ignore, manifest, manifests

CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
LEASE = Resource("coordination.k8s.io", "v1", "Lease", "leases", namespaced=True)
SERVICES = Resource("", "v1", "Service", "services", namespaced=True)
PRUNE = Pruning(enabled=True)
ONE, TWO = "1" * 40, "2" * 40
SERVICE = manifest("v1", "Service", "web", spec={"selector": {"app": "web"}, "ports": [{"port": 80}]})


class App:
    """An application named like its namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.owner = Owner(namespace, namespace, ONE, "a push", "somebody")

    def sync(
        self,
        *documents: str | dict[str, Any],
        pruning: Pruning = PRUNE,
        progress: Progress = ignore,
        revision: str = ONE,
        dry_run: bool = False,
        timeout: float = 30,
        wait: bool = True,
        **owner: Any,
    ) -> SyncResult:
        options = Options(
            self.namespace,
            create_namespace=True,
            timeout=timeout,
            dry_run=dry_run,
            owner=replace(self.owner, revision=revision, **owner),
            pruning=pruning,
            wait=wait,
        )
        return sync(self.cluster, manifests(*documents), options, progress)

    def inventory(self) -> Inventory:
        return inventory_store.read(self.cluster, self.namespace, self.namespace)

    def names(self, namespace: str = "") -> set[str]:
        """The ConfigMaps that are there, but for Kubernetes' own and the inventory."""
        found = {one["metadata"]["name"] for one in list_all(self.cluster, CONFIG_MAP, namespace or self.namespace)}
        return found - {"kube-root-ca.crt", f"deployer-{self.namespace}"}

    def make(self, name: str, namespace: str = "", labels: Any = None) -> None:
        """A ConfigMap of somebody else's."""
        namespace = namespace or self.namespace
        body = {"metadata": {"name": name, "namespace": namespace, "labels": labels or {}}}
        path, query = f"/api/v1/namespaces/{namespace}/configmaps", {"fieldManager": "kubectl-create"}
        self.cluster.request("POST", path, query=query, body=body)

    def make_namespace(self, name: str) -> None:
        self.cluster.request("POST", "/api/v1/namespaces", body=manifest("v1", "Namespace", name))


def actions(result: SyncResult) -> dict[str, str]:
    return {str(one.key): one.action for one in result.objects}


def messages(result: SyncResult) -> dict[str, str]:
    return {str(one.key): one.message for one in result.objects if one.message}
