"""Fields that cannot be changed, a kind each in a real cluster: refused as a change, accepted as a new object."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.objects import apply
from deployer.cluster.replacing import is_immutable, recreate, replace, try_create
from deployer.errors import ClusterError
from tests.cluster.anew import CONTAINERS, OURS, applied, job, manifest, remove, resource, widgets
from tests.cluster.helpers import make_namespace


@pytest.fixture
def place(staging: Cluster, namespace: str) -> str:
    """A namespace that is there."""
    make_namespace(staging, namespace)
    return namespace


@pytest.fixture
def version(staging: Cluster) -> Iterator[str]:
    """The version of a kind with a rule for changes."""
    with widgets(staging) as version:
        yield version


def workload(app: str, **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": app}}, "spec": CONTAINERS}
    return {"spec": {"selector": {"matchLabels": {"app": app}}, "template": template, **spec}}


def claim(mode: str) -> dict[str, Any]:
    return {"spec": {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}}}


def role(name: str) -> dict[str, Any]:
    return {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}}


def address(ip: str) -> dict[str, Any]:
    return {"spec": {"selector": {"app": "web"}, "ports": [{"port": 80}], **({"clusterIP": ip} if ip else {})}}


def told_to(command: str) -> dict[str, Any]:
    return {"spec": {"containers": [{**CONTAINERS["containers"][0], "command": [command]}]}}


CASES = {
    "Job": ("batch/v1", {"spec": job("")["spec"]}, {"spec": job("", image="nginx:1.29.4")["spec"]}),
    "Deployment": ("apps/v1", workload("a"), workload("b")),
    "DaemonSet": ("apps/v1", workload("a"), workload("b")),
    "StatefulSet": ("apps/v1", workload("a"), workload("a", serviceName="other")),
    "Service": ("v1", address(""), address("None")),
    "Pod": ("v1", told_to("a"), told_to("b")),
    "PersistentVolumeClaim": ("v1", claim("ReadWriteOnce"), claim("ReadWriteMany")),
    "Secret": ("v1", {"immutable": True, "data": {"a": "YQ=="}}, {"immutable": True, "data": {"a": "Yg=="}}),
    "ConfigMap": ("v1", {"immutable": True, "data": {"a": "a"}}, {"immutable": True, "data": {"a": "b"}}),
    "RoleBinding": ("rbac.authorization.k8s.io/v1", role("view"), role("edit")),
    "StorageClass": ("storage.k8s.io/v1", {"provisioner": "a/a"}, {"provisioner": "b/b"}),
    "PriorityClass": ("scheduling.k8s.io/v1", {"value": 1}, {"value": 2}),
    "IngressClass": ("networking.k8s.io/v1", {"spec": {"controller": "a/a"}}, {"spec": {"controller": "b/b"}}),
    "Widget": ("", {"size": 2}, {"size": 1}),
}


@pytest.mark.parametrize("kind", CASES)
def test_it_is_told_tried_and_made_anew(
    staging: Cluster, place: str, kind: str, request: pytest.FixtureRequest
) -> None:
    group_version, before, after = CASES[kind]
    group_version = group_version or request.getfixturevalue("version")
    name = "only" if kind == "Widget" else place
    first, second = (manifest(group_version, kind, name, place, **fields) for fields in (before, after))
    live = applied(staging, first)
    try:
        for error in (refused_apply(staging, second), refused_replacement(staging, first, second)):
            assert is_immutable(error), error
        assert try_create(staging, resource(second), second, live=live)["metadata"]["name"] == name
        made = recreate(staging, resource(second), second, live, owner_label=OURS, propagation="Background", timeout=20)
        assert made["metadata"]["uid"] != live["metadata"]["uid"]
    finally:
        remove(staging, first)


def refused_apply(cluster: Cluster, body: Any) -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        apply(cluster, resource(body), body, dry_run=True)
    return caught.value


def refused_replacement(cluster: Cluster, first: Any, body: Any) -> ClusterError:
    """The refusal of a replacement, which may meet a controller's write before."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        live = applied(cluster, first)
        with pytest.raises(ClusterError) as caught:
            replace(cluster, resource(body), body, live, dry_run=True)
        if caught.value.status != 409:
            break
    return caught.value


def test_what_is_wrong_in_itself_is_refused_as_a_new_object_too(staging: Cluster, place: str) -> None:
    body = manifest("v1", "Service", "web", place, **address(""))
    applied(staging, body)
    body["spec"]["ports"] = [{"port": 123456}]
    assert is_immutable(refused_apply(staging, body))  # it may be
    with pytest.raises(ClusterError, match=r'^Service "web" is invalid: .*123456'):
        try_create(staging, resource(body), body)


@pytest.mark.parametrize(
    ("status", "words", "told"),
    [
        (422, "size: it may only grow", True),
        (403, 'admission webhook "a.b" denied the request: spec.a: field is immutable', True),
        (400, "validation failed: Immutable fields changed (-old +new): spec", True),
        (403, "exceeded quota: a", False),
        (400, "strict decoding error", False),
        (404, "immutable", False),
        (409, "immutable", False),
        (500, "immutable", False),
    ],
)
def test_what_may_be_about_a_field_that_cannot_be_changed(status: int, words: str, told: bool) -> None:
    assert is_immutable(ClusterError(words, status=status)) is told
