"""Real manifests, written by others, pushed to the world."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.world import MANIFESTS, Bench

BOUTIQUE = MANIFESTS / "online-boutique" / "kubernetes-manifests"
KUBE_PROMETHEUS = MANIFESTS / "kube-prometheus" / "manifests"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not MANIFESTS.exists(), reason="needs the real manifests in ../shared/manifests"),
]


def copy_boutique(folder: Path) -> None:
    for file in BOUTIQUE.glob("*.yaml"):
        if file.name != "kustomization.yaml":
            shutil.copy(file, folder)


def test_online_boutique(bench: Bench) -> None:
    bench.configure(timeout=120)
    copy_boutique(bench.clone.folder)
    requests = len(bench.world.github.requests)
    commit = bench.push({})
    state, description = bench.settled(commit)
    assert (state, description.split(", healthy")[0]) == ("success", "35 objects in staging: 35 created"), description
    deployments = json.loads(bench.kubectl("get", "deployments", "-n", bench.name, "-o", "json"))["items"]
    assert len(deployments) == 12
    assert all(one["status"]["readyReplicas"] >= 1 for one in deployments)
    # The ref, the tree, and the 11 files; the test itself asks for statuses.
    read = [path for _, path in bench.world.github.requests[requests:] if "/status" not in path]
    assert [path.split("/")[-2] for path in read] == ["heads", "trees", ""]

    before, owners = bench.versions("services,serviceaccounts"), managed(bench)
    time.sleep(1.1)  # managedFields count whole seconds
    text = (BOUTIQUE / "adservice.yaml").read_text()
    changed = text.replace("terminationGracePeriodSeconds: 5", "terminationGracePeriodSeconds: 7", 1)
    assert changed != text
    state, description = bench.settled(bench.push({"adservice.yaml": changed}))
    assert state == "success"
    assert "35 objects in staging: 1 changed, healthy" in description
    assert bench.versions("services,serviceaccounts") == before
    after = managed(bench)
    assert {name for name in after if after[name] != owners[name]} == {"adservice"}


def managed(bench: Bench) -> dict[str, list[str]]:
    """When each Deployment was written by the deployer."""
    text = bench.kubectl("get", "deployments", "-n", bench.name, "-o", "json", "--show-managed-fields")
    return {
        one["metadata"]["name"]: [
            entry["time"] for entry in one["metadata"]["managedFields"] if entry["manager"] == "deployer"
        ]
        for one in json.loads(text)["items"]
    }


def test_kube_prometheus_in_one_sync(bench: Bench, deployer: Callable[..., CompletedProcess[str]]) -> None:
    # Into the cluster that no other test deletes namespaces in: while its APIService is unavailable, none of them ends.
    bench.configure("production", timeout=20, directory={"recurse": True})
    shutil.copytree(KUBE_PROMETHEUS, bench.clone.folder, dirs_exist_ok=True)
    commit = bench.push({})
    bench.world.github.wait_for_delivery(commit)
    assert bench.statuses(commit)[-1][0] == "pending", "the rollout outlives the request"
    state, description = bench.reconciled(commit)
    assert state == "failure"
    named = "1 of 131 objects not healthy after 20 s: APIService/v1beta1.metrics.k8s.io: "
    assert description.startswith(named), description
    definitions = bench.kubectl("get", "crd", "-o", "name").split()
    assert sum("monitoring.coreos.com" in one for one in definitions) == 10
    kinds = "prometheuses,alertmanagers,servicemonitors,prometheusrules"
    assert len(bench.kubectl("get", kinds, "-n", "monitoring", "-o", "name").split()) == 23

    # Again, as its developer would look for what is wrong: nothing is written, and only that one is not healthy.
    done = deployer("sync", bench.name, "--timeout", "1", "-o", "json")
    assert done.returncode == 1, done.stderr
    objects = json.loads(done.stdout)["objects"]
    assert len(objects) == 131
    assert [one["kind"] for one in objects if one["health"] != "Healthy"] == ["APIService"]
    assert {one["action"] for one in objects} == {"unchanged"}
    bench.kubectl("delete", "apiservice", "v1beta1.metrics.k8s.io")
