"""What the tests of a plan share: kinds that a cluster knows, manifests, and a model of the server that keeps them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from deployer.cluster.discovery import Discovery, Resource
from deployer.cluster.inventory import Inventory
from deployer.cluster.objects import Live
from deployer.cluster.operation import Operation
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.live import Members
from deployer.sync.options import Options
from deployer.sync.owner import Owner, label
from deployer.sync.plan import Plan, plan, wanted
from deployer.sync.targets import Target

DEFINITIONS = "apiextensions.k8s.io"
KINDS = {
    one.kind: one
    for one in (
        Resource("", "v1", "ConfigMap", "configmaps", namespaced=True),
        Resource("", "v1", "Secret", "secrets", namespaced=True),
        Resource("", "v1", "Namespace", "namespaces", namespaced=False),
        Resource("apps", "v1", "Deployment", "deployments", namespaced=True),
        Resource(DEFINITIONS, "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False),
    )
}
WIDGET = Resource("example.com", "v1", "Widget", "widgets", namespaced=True)
OWNER = Owner("shop", "web", revision="1a2b3c4d" * 5)
SHOP = Options("web", owner=OWNER)
OPERATION = Operation(OWNER.revision, datetime(2026, 1, 2, 12, tzinfo=UTC), "ada", "a push", id="0a1b2c3d")
NOON = "2026-01-02T12:00:00Z"

_ITEMS_OF = {"containers": ("name",), "ports": ("containerPort", "protocol"), "env": ("name",)}
"""Lists whose items are owned one by one, by the fields that are their key."""


def discovery(*more: Resource) -> Discovery:
    return Discovery({(one.group, one.version, one.kind): one for one in (*KINDS.values(), *more)})


def made(kind: str, name: str, namespace: str = "", **fields: Any) -> Manifest:
    """A manifest; `annotations` are its metadata's."""
    resource = WIDGET if kind == "Widget" else KINDS[kind]
    metadata: dict[str, Any] = {"name": name, **({"namespace": namespace} if namespace else {})}
    if annotations := fields.pop("annotations", None):
        metadata["annotations"] = annotations
    version = f"{resource.group}/{resource.version}" if resource.group else resource.version
    return Manifest({"apiVersion": version, "kind": kind, "metadata": metadata, **fields}, f"{name}.yaml")


def widgets() -> Manifest:
    """The definition of the kind Widget."""
    spec = {
        "group": WIDGET.group,
        "scope": "Namespaced",
        "names": {"kind": WIDGET.kind, "plural": WIDGET.plural},
        "versions": [{"name": WIDGET.version, "served": True}],
    }
    return made("CustomResourceDefinition", f"{WIDGET.plural}.{WIDGET.group}", spec=spec)


def planned(
    manifests: Sequence[Manifest],
    live: Mapping[ObjectKey, Live],
    options: Options = SHOP,
    inventory: Inventory | None = None,
    members: Members | None = None,
    known: Discovery | None = None,
) -> Plan:
    """The plan for manifests; without `members`, they are the live objects that have the owner's label."""
    members = members or members_of(live.values(), options)
    return plan(
        wanted(manifests, known or discovery(), options, inventory, OPERATION), live, members, options, inventory
    )


def members_of(lives: Iterable[Live], options: Options = SHOP) -> Members:
    """What a list by the owner's label would find."""
    mine = options.owner.id if options.owner else None
    return Members(found=[target(live) for live in lives if label(live) == mine])


def target(live: Live) -> Target:
    """A live object as a list brings it."""
    resource = WIDGET if live["kind"] == "Widget" else KINDS[live["kind"]]
    return Target(Manifest(live, "the cluster"), resource)


def stored(body: Mapping[str, Any]) -> dict[str, Any]:
    """An object as a server keeps it that was never there before, and that we apply: we own exactly its leaves."""
    metadata = {name: value for name, value in body["metadata"].items() if name not in ("name", "namespace")}
    rest = {name: value for name, value in body.items() if name not in ("apiVersion", "kind", "metadata")}
    ours = {
        "manager": "deployer",
        "operation": "Apply",
        "apiVersion": body["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": _leaves({**({"metadata": metadata} if metadata else {}), **rest}),
        "time": NOON,
    }
    identity = {"uid": f"uid-of-{body['metadata']['name']}", "resourceVersion": "7", "creationTimestamp": NOON}
    return {**body, "metadata": {**body["metadata"], **identity, "managedFields": [ours]}}


def applied(plan: Plan) -> dict[ObjectKey, Live]:
    """What is there once a plan's objects are applied."""
    return {one.key: stored(one.manifest.body) for one in (*plan.ahead, *plan.targets)}


def _leaves(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {f"f:{key}": _leaves(inner, key) for key, inner in value.items()}
    if isinstance(value, list) and name in _ITEMS_OF:
        return {_item(item, _ITEMS_OF[name]): {".": {}, **_leaves(item)} for item in value}
    return {}


def _item(item: Mapping[str, Any], keys: Sequence[str]) -> str:
    return "k:" + json.dumps({key: item[key] for key in keys}, separators=(",", ":"))
