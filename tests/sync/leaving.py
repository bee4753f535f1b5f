"""Objects that left Git, as a cluster has them, and what becomes of one."""

from typing import Any

from deployer.cluster.discovery import Resource
from deployer.cluster.inventory import MEMBER
from deployer.manifest import Manifest
from deployer.sync.prune import Pruning, leavers
from deployer.sync.targets import Target, nothing_forbidden

OURS, THEIRS = "applyset-ours-v1", "applyset-theirs-v1"
SAYS = "argocd.argoproj.io/sync-options"
KEEP = "helm.sh/resource-policy"
ON = Pruning(enabled=True)
APPLIED = [{"manager": "deployer", "operation": "Apply", "time": "2026-01-01T00:00:00Z"}]
GROUPS = {
    "ClusterRole": "rbac.authorization.k8s.io",
    "CustomResourceDefinition": "apiextensions.k8s.io",
    "Deployment": "apps",
}
CLUSTER_WIDE = ("ClusterRole", "CustomResourceDefinition", "Namespace")


def live(kind: str = "ConfigMap", name: str = "a", id: str = OURS, **metadata: Any) -> Target:  # noqa: A002
    group, namespaced = GROUPS.get(kind, ""), kind not in CLUSTER_WIDE
    body = {
        "apiVersion": f"{group}/v1" if group else "v1",
        "kind": kind,
        "metadata": {
            "name": name,
            **({"namespace": "shop"} if namespaced else {}),
            "labels": {MEMBER: id},
            "managedFields": APPLIED,
            **metadata,
        },
    }
    return Target(Manifest(body, "the cluster"), Resource(group, "v1", kind, f"{kind.lower()}s", namespaced))


def kept(one: Target, pruning: Pruning = ON) -> str:
    (leaver,) = leavers([one], (), OURS, pruning, nothing_forbidden)
    return leaver.kept.removeprefix("left Git; ").removeprefix("not pruned: ")
