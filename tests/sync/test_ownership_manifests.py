"""Real manifests, written by others: right after they are applied, none of them needs a request."""

import contextlib
from pathlib import Path

import pytest

from deployer.cluster.connection import Cluster, connect
from deployer.cluster.objects import get
from deployer.errors import ClusterError
from deployer.manifest import Manifest
from deployer.source import Directory
from deployer.sync.engine import Engine
from deployer.sync.options import Options
from deployer.sync.ownership import Mismatch, mismatches
from deployer.sync.secret_data import as_applied
from local.world import World
from tests.local.kubectl import Kubectl
from tests.rendering.rendered import render
from tests.sync.helpers import ignore
from tests.world import MANIFESTS, disown

BOUTIQUE = MANIFESTS / "online-boutique" / "kubernetes-manifests"
KUBE_PROMETHEUS = MANIFESTS / "kube-prometheus" / "manifests"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not MANIFESTS.exists(), reason="needs the real manifests in ../shared/manifests"),
]


def source(folder: Path) -> list[Manifest]:
    """The manifests of a folder as a sync applies them: each object has a label of ours."""
    files = {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*.yaml")
        if file.name != "kustomization.yaml"
    }
    return [Manifest(labelled(one), one.place) for one in render(files, Directory(recurse=True))]


def labelled(one: Manifest) -> dict[str, object]:
    metadata = one.body["metadata"]
    labels = {**(metadata.get("labels") or {}), "example.com/part-of": "test"}
    return {**as_applied(one.body), "metadata": {**metadata, "labels": labels}}


def left_over(cluster: Cluster, namespace: str, folder: Path) -> tuple[int, dict[str, list[Mismatch]]]:
    """Apply a folder and read it back: how many objects there are, and which are not unchanged, and why."""
    writing = Engine(cluster, Options(namespace, create_namespace=True, wait=False), ignore)
    writing.run(source(folder))
    found = {}
    for target in writing.plan.targets:
        live = get(cluster, target.resource, target.key.namespace, target.key.name)
        assert live
        if reasons := list(mismatches(target.manifest.body, live)):
            found[f"{target.key.namespace} {target.key}"] = reasons
    return len(writing.plan.targets), found


def test_online_boutique(staging: Cluster, namespace: str) -> None:
    assert left_over(staging, namespace, BOUTIQUE) == (35, {})


def test_kube_prometheus(world: World, namespace: str) -> None:
    # Into the cluster that no other test deletes namespaces in: while its APIService is unavailable, none of them ends.
    disown(Kubectl(world.clusters["production"].admin_kubeconfig))
    production = connect("production", world.clusters["production"].deployer_kubeconfig.encode(), "the-secret")
    try:
        assert left_over(production, namespace, KUBE_PROMETHEUS) == (131, {})
    finally:
        for path in (
            "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io",
            f"/api/v1/namespaces/{namespace}",
        ):
            with contextlib.suppress(ClusterError):  # the test may have failed before
                production.request("DELETE", path)
        production.close()
