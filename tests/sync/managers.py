"""Other field managers at work on an object, as people, tools and controllers are."""

import json
from collections.abc import Mapping
from typing import Any

from deployer.cluster.connection import APPLY, Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.objects import Live, apply, get, same
from deployer.cluster.paths import object_path

CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
SERVICE = Resource("", "v1", "Service", "services", namespaced=True)
DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments", namespaced=True)
_RESOURCES = {one.kind: one for one in (CONFIG_MAP, SERVICE, DEPLOYMENT)}

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"


def copy(body: Any) -> Any:
    """A deep copy of a JSON value."""
    return json.loads(json.dumps(body))


def patch(cluster: Cluster, body: Mapping[str, Any], change: Any, manager: str, content_type: str = MERGE) -> Live:
    """Change the object that a manifest names, as another manager."""
    query = {"fieldManager": manager, **({"force": "true"} if content_type == APPLY else {})}
    return cluster.request("PATCH", _path(body), query=query, body=change, content_type=content_type)


def ours(cluster: Cluster, body: Mapping[str, Any], *, dry_run: bool = False) -> Live:
    """Apply an object as the deployer does."""
    return apply(cluster, _RESOURCES[body["kind"]], body, dry_run=dry_run)


def read(cluster: Cluster, body: Mapping[str, Any]) -> Live:
    """The live object that a manifest names."""
    live = get(cluster, _RESOURCES[body["kind"]], body["metadata"]["namespace"], body["metadata"]["name"])
    assert live
    return live


def remove(cluster: Cluster, body: Mapping[str, Any]) -> None:
    """Delete the object that a manifest names."""
    cluster.request("DELETE", _path(body))


def left_alone(cluster: Cluster, body: Mapping[str, Any]) -> tuple[Live, bool]:
    """The live object, and whether the server says that an apply would leave it as it is, owners included."""
    while True:
        live, tried = read(cluster, body), ours(cluster, body, dry_run=True)
        if live["metadata"]["resourceVersion"] == tried["metadata"]["resourceVersion"]:
            return live, same(_in_order(live), _in_order(tried))


def _in_order(live: Live) -> Live:
    """The same with its owners in one order: the server's goes by times, which it renews where it writes nothing."""
    entries = sorted(live["metadata"].get("managedFields") or [], key=lambda one: (one["manager"], one["operation"]))
    return {**live, "metadata": {**live["metadata"], "managedFields": entries}}


def _path(body: Mapping[str, Any]) -> str:
    return object_path(_RESOURCES[body["kind"]], body["metadata"]["namespace"], body["metadata"]["name"])
