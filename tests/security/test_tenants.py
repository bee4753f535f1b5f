"""One tenant deploys into another's namespace (Argo CD CVE-2026-77459, KEP-3659): the operator forbids it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.world import Bench, config_map


@pytest.fixture
def tenant(bench: Bench) -> Iterator[Bench]:
    """An application whose project allows its own namespace, and of what is cluster-wide its Namespace only."""
    spec: dict[str, Any] = {
        "sourceRepos": [bench.clone.url],
        "destinations": [{"name": "staging", "namespace": bench.name}],
        "clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": bench.name}],
        "namespaceResourceBlacklist": [{"group": "", "kind": "ResourceQuota"}],
    }
    config = Path(bench.world.exports["DEPLOYER_CONFIG"])
    project = config / f"{bench.name}-project.yaml"
    bench.configure()
    application = config / f"{bench.name}.yaml"
    document = json.loads(application.read_text())
    document["spec"]["project"] = bench.name
    metadata = {"name": bench.name}
    project.write_text(
        json.dumps({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": metadata, "spec": spec})
    )
    application.write_text(json.dumps(document))
    yield bench
    application.unlink()
    project.unlink()


ROLE = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: evil}\nrules: []\n"
QUOTA = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: evil}\nspec: {}\n"


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (config_map("evil").replace("name: evil", "name: evil\n  namespace: default"), "the namespace 'default'"),
        (ROLE, "does not allow ClusterRole.rbac.authorization.k8s.io evil"),
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: evil}\n", "does not allow Namespace evil"),
        (QUOTA, "does not allow ResourceQuota evil"),
    ],
    ids=["another namespace", "cluster-wide rights", "a namespace", "a kind that is denied"],
)
def test_what_the_project_does_not_allow_stops_all(tenant: Bench, manifest: str, said: str) -> None:
    commit = tenant.push({"a.yaml": config_map("a"), "b.yaml": manifest})
    assert tenant.settled(commit)[0] == "failure"
    told = tenant.logged(commit)
    assert f"project {tenant.name} does not allow" in told
    assert said in told
    assert tenant.kubectl("get", "namespace", tenant.name, "--ignore-not-found") == ""


def test_what_the_project_allows_goes_live(tenant: Bench) -> None:
    assert tenant.settled(tenant.push({"a.yaml": config_map("a")}))[0] == "success"


@pytest.mark.parametrize(
    ("field", "change"),
    [("source", {"repoURL": "https://github.com/evil/x"}), ("destination", {"namespace": "default"})],
)
def test_a_repository_cannot_leave_its_project(tenant: Bench, field: str, change: dict[str, str]) -> None:
    """What a repository may touch stands in the operator's configuration; a document that says more is not loaded."""
    application = Path(tenant.world.exports["DEPLOYER_CONFIG"]) / f"{tenant.name}.yaml"
    good = application.read_text()
    document = json.loads(good)
    document["spec"][field] |= change
    application.write_text(json.dumps(document))
    try:
        delivery = tenant.world.github.wait_for_delivery(tenant.push({"a.yaml": config_map("a")}))
    finally:
        application.write_text(good)
    assert delivery.status == 500
    assert f"project {tenant.name} does not allow" in tenant.log()
