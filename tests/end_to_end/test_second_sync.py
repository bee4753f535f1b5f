"""A second sync writes nothing and tries nothing, for real manifests, whatever the server makes of them."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from subprocess import CompletedProcess
from typing import Any

import pytest

from deployer.cluster.inventory import GROUP_KINDS, MEMBER, applyset_id
from tests.world import MANIFESTS, Bench, disown

BOUTIQUE = MANIFESTS / "online-boutique" / "kubernetes-manifests"
KUBE_PROMETHEUS = MANIFESTS / "kube-prometheus" / "manifests"
Run = Callable[..., CompletedProcess[str]]

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not MANIFESTS.exists(), reason="needs the real manifests in ../shared/manifests"),
]


def inventory(bench: Bench) -> dict[str, Any]:
    """The application's inventory, as the cluster has it."""
    return bench.live("configmap", f"deployer-{bench.name}")


def kinds(inventory: dict[str, Any]) -> list[str]:
    """The kinds of its members, as kubectl takes them: `Deployment.apps`."""
    names: str = inventory["metadata"]["annotations"][GROUP_KINDS]
    return names.split(",")


def versions(bench: Bench) -> dict[str, str]:
    """The resourceVersion of each member and of the inventory, once no controller writes them any more."""
    found = inventory(bench)
    selector = f"{MEMBER}={applyset_id(f'deployer-{bench.name}', bench.name)}"
    before: dict[str, str] = {}
    deadline = time.monotonic() + 60
    while True:
        text = bench.kubectl("get", ",".join(kinds(found)), "-A", "-l", selector, "-o", "json")
        now = {
            f"{one['kind']}/{one['metadata'].get('namespace')}/{one['metadata']['name']}": one["metadata"][
                "resourceVersion"
            ]
            for one in [*json.loads(text)["items"], found]
        }
        if now == before:
            return now
        assert time.monotonic() < deadline, now.items() ^ before.items()
        before = now
        time.sleep(0.5)


def writes_nothing(bench: Bench, deployer: Run, members: int) -> None:
    before = versions(bench)
    assert len(before) == members + 1
    for _ in range(2):
        done = deployer("sync", bench.name, "--no-wait", "-o", "json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert {one["action"] for one in told["objects"]} == {"unchanged"}
        assert len(told["objects"]) == members
        # Discovery, the inventory, and a list a kind: nothing is tried, and nothing written.
        assert told["requests"]["cluster"] == 2 + 1 + len(kinds(inventory(bench)))
        assert versions(bench) == before


def test_online_boutique(bench: Bench, deployer: Run) -> None:
    bench.configure(timeout=120)
    for file in BOUTIQUE.glob("*.yaml"):
        if file.name != "kustomization.yaml":
            shutil.copy(file, bench.clone.folder)
    commit = bench.push({})
    bench.world.github.wait_for_delivery(commit)
    state, description = bench.reconciled(commit)  # where the rollout has outlived the request
    assert state == "success", description
    writes_nothing(bench, deployer, 35)


@pytest.fixture
def monitored(bench: Bench) -> Iterator[Bench]:
    """An application in the cluster that no other test deletes namespaces in.

    Other tests have kube-prometheus there, too, and it is never removed: with its APIService, no Namespace ends.
    """
    bench.configure("production", automated=False, directory={"recurse": True})
    disown(bench.kubectl)
    yield bench
    bench.kubectl("delete", "apiservice", "v1beta1.metrics.k8s.io", "--ignore-not-found")
    disown(bench.kubectl)


def test_kube_prometheus(monitored: Bench, deployer: Run) -> None:
    shutil.copytree(KUBE_PROMETHEUS, monitored.clone.folder, dirs_exist_ok=True)
    monitored.world.github.wait_for_delivery(monitored.push({}))
    done = deployer("sync", monitored.name, "--no-wait")
    assert done.returncode == 0, done.stderr
    writes_nothing(monitored, deployer, 131)
