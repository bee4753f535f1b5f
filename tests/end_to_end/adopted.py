"""What the tests of adoption share: objects as people write them, and the two who write them."""

import json
from typing import Any

from deployer.cluster.connection import Cluster
from deployer.sync.options import Options
from deployer.sync.owner import Owner
from deployer.sync.prune import Pruning
from deployer.sync.result import SyncResult
from deployer.sync.run import sync
from tests.local.kubectl import Kubectl
from tests.sync.helpers import ignore, manifest, manifests
from tests.world import Bench

LABELS = {"app": "web"}
CONTAINER = {
    "name": "web",
    "image": "nginx:1.29.3",
    "args": ["-c", "/etc/nginx/nginx.conf"],
    # The lists that client-side and server-side apply have always told apart differently: by one key, and by two.
    "ports": [
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "containerPort": 53},
        {"name": "http", "containerPort": 80},
    ],
    "env": [{"name": "COLOUR", "value": "red"}, {"name": "SIZE", "value": "1"}],
    "resources": {"requests": {"cpu": "0.1", "memory": "128Mi"}, "limits": {"memory": "0.25Gi"}},
    "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 5},
    "volumeMounts": [{"name": "config", "mountPath": "/etc/nginx"}],
}


def web(**spec: Any) -> dict[str, Any]:
    """A Deployment; a keyword is a field of its spec."""
    pod = {"containers": [CONTAINER], "volumes": [{"name": "config", "configMap": {"name": "config"}}]}
    template = {"metadata": {"labels": LABELS}, "spec": pod}
    body = manifest("apps/v1", "Deployment", "web", spec={"selector": {"matchLabels": LABELS}, "template": template})
    body["spec"] |= spec
    return body


def named(api_version: str, kind: str, name: str, **fields: Any) -> dict[str, Any]:
    body = manifest(api_version, kind, name, **fields)
    body["metadata"] |= {"labels": {"app": "web", "tier": "front"}, "annotations": {"example.org/team": "shop"}}
    return body


CONFIG = named("v1", "ConfigMap", "config", data={"nginx.conf": "worker_processes 1;\n"})
PORTS = [
    {"name": "dns", "port": 53, "protocol": "UDP"},
    {"name": "dns-tcp", "port": 53},
    {"name": "http", "port": 80, "targetPort": "http"},
]
SERVICE = named("v1", "Service", "web", spec={"selector": LABELS, "ports": PORTS})
SECRET = named("v1", "Secret", "login", stringData={"user": "ada"}, data={"password": "c2VjcmV0"})


def made(kubectl: Kubectl, bench: Bench, way: tuple[str, ...], *bodies: dict[str, Any], verb: str = "apply") -> None:
    """What somebody applied with kubectl, or created."""
    objects = {"apiVersion": "v1", "kind": "List", "items": list(bodies)}
    kubectl(verb, *way, "-n", bench.name, "-f", "-", stdin=json.dumps(objects))


def synced(staging: Cluster, bench: Bench, *bodies: dict[str, Any], dry_run: bool = False) -> SyncResult:
    """A sync of the application that has these objects."""
    owner, pruning = Owner(bench.name, bench.name, "1" * 40), Pruning(True)
    options = Options(bench.name, wait=False, dry_run=dry_run, owner=owner, pruning=pruning)
    result = sync(staging, manifests(*bodies), options, ignore)
    assert result.outcome == "unfinished", result.message
    return result


def actions(result: SyncResult) -> set[str]:
    return {one.action for one in result.objects}


def owners(live: dict[str, Any]) -> set[str]:
    """Who owns fields of an object, but for Kubernetes' own controllers, which own its status."""
    return {
        f"{one['manager']} {one['operation']}"
        for one in live["metadata"]["managedFields"]
        if one["manager"] not in ("kube-controller-manager", "kwok-controller")
    }
