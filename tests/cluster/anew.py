"""What the tests of replaced and recreated objects share: manifests, how they are addressed, other writers."""

import contextlib
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.objects import Live, apply, get
from deployer.cluster.paths import object_path
from deployer.errors import ClusterError

_NAMESPACED = {
    "v1": "ConfigMap Secret Service Pod PersistentVolumeClaim ServiceAccount",
    "apps/v1": "Deployment StatefulSet DaemonSet",
    "batch/v1": "Job CronJob",
    "rbac.authorization.k8s.io/v1": "RoleBinding",
}
_CLUSTER = {
    "v1": "Namespace PersistentVolume",
    "storage.k8s.io/v1": "StorageClass",
    "scheduling.k8s.io/v1": "PriorityClass",
    "networking.k8s.io/v1": "IngressClass IPAddress",
    "apiregistration.k8s.io/v1": "APIService",
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
    "rbac.authorization.k8s.io/v1": "ClusterRole",
}
_SCOPES = ((_NAMESPACED, True), (_CLUSTER, False))


def _addressed(version: str, kind: str, *, namespaced: bool) -> Resource:
    group, _, name = version.rpartition("/")
    return Resource(group, name, kind, f"{kind.lower()}{'es' if kind.endswith('s') else 's'}", namespaced)


RESOURCES = {
    (version, kind): _addressed(version, kind, namespaced=namespaced)
    for kinds, namespaced in _SCOPES
    for version, names in kinds.items()
    for kind in names.split()
}
OURS = ("applyset.kubernetes.io/part-of", "applyset-x-v1")
CONTAINERS = {"containers": [{"name": "web", "image": "nginx:1.29.3"}]}


def resource(body: Any) -> Resource:
    """How an object is addressed."""
    version, kind = body["apiVersion"], body["kind"]
    return RESOURCES.get((version, kind)) or _addressed(version, kind, namespaced=True)


def manifest(version: str, kind: str, name: str, namespace: str = "", **fields: Any) -> dict[str, Any]:
    """An object that bears our label; a namespaced one is in the namespace."""
    there = RESOURCES.get((version, kind))
    place = {"namespace": namespace} if there is None or there.namespaced else {}
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "labels": dict([OURS]), **place},
        **fields,
    }


def job(namespace: str, name: str = "migrate", image: str = "nginx:1.29.3", **spec: Any) -> dict[str, Any]:
    """A Job that succeeds."""
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "migrate", "image": image}]}}
    return manifest("batch/v1", "Job", name, namespace, spec={"template": template, **spec})


def applied(cluster: Cluster, body: Any) -> Live:
    return apply(cluster, resource(body), body, dry_run=False)


def read(cluster: Cluster, body: Any) -> Live | None:
    return get(cluster, resource(body), body["metadata"].get("namespace") or "", body["metadata"]["name"])


def there(cluster: Cluster, body: Any) -> Live:
    live = read(cluster, body)
    assert live
    return live


def write(cluster: Cluster, body: Any, change: Any, manager: str = "somebody") -> Live:
    """Change an object as somebody else."""
    return cluster.request(
        "PATCH",
        _path(body),
        query={"fieldManager": manager},
        body=change,
        content_type="application/merge-patch+json",
    )


def remove(cluster: Cluster, body: Any) -> None:
    with contextlib.suppress(ClusterError):  # it may not be there
        write(cluster, body, {"metadata": {"finalizers": []}})
        cluster.request("DELETE", _path(body))


def _path(body: Any) -> str:
    return object_path(resource(body), body["metadata"].get("namespace") or "", body["metadata"]["name"])


@contextmanager
def widgets(cluster: Cluster) -> Iterator[str]:
    """The version of a kind `Widget` for a test: it has a `size` that does not shrink, and only certain names."""
    group = f"a{uuid.uuid4().hex[:8]}.example.com"
    grows = {"rule": "self >= oldSelf", "message": "it may only grow"}
    schema = {
        "type": "object",
        "properties": {"size": {"type": "integer", "x-kubernetes-validations": [grows]}},
        "x-kubernetes-validations": [{"rule": "self.metadata.name in ['only', 'other']", "message": "not this name"}],
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    body = manifest("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"widgets.{group}", spec=spec)
    applied(cluster, body)
    widget = manifest(f"{group}/v1", "Widget", "only", "default")
    deadline = time.monotonic() + 20
    while True:
        try:
            apply(cluster, resource(widget), widget, dry_run=True)
            break
        except ClusterError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    try:
        yield f"{group}/v1"
    finally:
        remove(cluster, body)
