"""A sync waits for kinds that are not Kubernetes' own, and fails with them, as their controllers say."""

from collections.abc import Iterator
from typing import Any

import pytest

from deployer.cluster.connection import connect
from deployer.cluster.discovery import Resource
from deployer.cluster.paths import object_path
from deployer.sync.definitions import await_definitions
from deployer.sync.result import Step, SyncResult
from local.world import World
from tests.sync.app import App
from tests.sync.helpers import manifest

GATEWAY_API, ARGO = "gateway.networking.k8s.io", "argoproj.io"
KINDS = {
    one.kind: one
    for one in (
        Resource(GATEWAY_API, "v1", "GatewayClass", "gatewayclasses", False),
        Resource(GATEWAY_API, "v1", "Gateway", "gateways", True),
        Resource(GATEWAY_API, "v1", "HTTPRoute", "httproutes", True),
        Resource(GATEWAY_API, "v1", "GRPCRoute", "grpcroutes", True),
        Resource(GATEWAY_API, "v1", "BackendTLSPolicy", "backendtlspolicies", True),
        Resource(ARGO, "v1alpha1", "Workflow", "workflows", True),
    )
}


def definition(kind: Resource) -> dict[str, Any]:
    """As small as it may be: anything goes in spec and status, and status is a subresource."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": anything}}},
    }
    body = manifest(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        f"{kind.plural}.{kind.group}",
        spec={
            "group": kind.group,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "names": {"plural": kind.plural, "kind": kind.kind},
            "versions": [version],
        },
    )
    # Groups of Kubernetes' own domain need a word on who has approved them.
    body["metadata"]["annotations"] = {"api-approved.kubernetes.io": "unapproved, for a test"}
    return body


@pytest.fixture(scope="module", autouse=True)
def kinds(world: World) -> Iterator[None]:
    """The kinds, in the cluster for the time of these tests."""
    cluster = connect("staging", world.clusters["staging"].deployer_kubeconfig.encode(), "the-secret")
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for kind in KINDS.values():
        cluster.request("POST", path, body=definition(kind))
    await_definitions(cluster, (), KINDS.values(), 30)
    yield
    for kind in KINDS.values():
        cluster.request("DELETE", f"{path}/{kind.plural}.{kind.group}")
    cluster.close()


def status(kind: str, *, well: bool) -> dict[str, Any]:
    """What the kind's controller writes in the end."""
    if kind == "Workflow":
        return {"phase": "Succeeded"} if well else {"phase": "Failed", "message": "child 'a' failed"}
    accepted = {"type": "Accepted", "status": "True" if well else "False", "reason": "Accepted" if well else "Invalid"}
    said = {"conditions": [{**accepted, "message": "so it is", "observedGeneration": 1}]}
    if kind in ("HTTPRoute", "GRPCRoute"):
        return {"parents": [{"parentRef": {"name": "web"}, **said}]}
    return {"ancestors": [{"ancestorRef": {"name": "web"}, **said}]} if kind == "BackendTLSPolicy" else said


def synced(app: App, kind: Resource, *, well: bool) -> tuple[SyncResult, list[str]]:
    """A sync of one object, of which its controller tells once it is waited for; and what was said meanwhile."""
    said: list[str] = []
    version = f"{kind.group}/{kind.version}"
    path = object_path(kind, app.namespace if kind.namespaced else "", app.namespace)

    def react(step: Step) -> None:
        if step.message.startswith("waiting ["):
            if not said:
                change = {"status": status(kind.kind, well=well)}
                app.cluster.request("PATCH", f"{path}/status", body=change, content_type="application/merge-patch+json")
            said.append(step.message)

    body = manifest(version, kind.kind, app.namespace, spec={})
    return app.sync(body, progress=react, timeout=30 if well else 1.5), said


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_sync_waits_until_they_are_healthy(app: App, kind: Resource) -> None:
    result, said = synced(app, kind, well=True)
    assert (result.outcome, result.message, result.health) == ("succeeded", "", "Healthy")
    assert said[0].endswith(("no controller has told of its latest change yet", "it has not begun yet"))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_sync_fails_with_them(app: App, kind: Resource) -> None:
    result, _ = synced(app, kind, well=False)
    assert (result.outcome, result.health) == ("failed", "Degraded")
    assert f"{kind.kind}/{app.namespace}: " in result.message
    assert result.message.endswith(("Invalid: so it is", "Failed: child 'a' failed"))
