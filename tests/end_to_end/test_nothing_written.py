"""When nothing changed, `reconcile` writes nothing at all: not to the cluster, and not to GitHub."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.end_to_end.reconciling import last_synced
from tests.world import Bench, config_map, deployment

SECRET = json.dumps(
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": "one"}}
)
SERVICE = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
)
FILES = {"a.yaml": config_map("a"), "s.json": SECRET, "service.json": SERVICE, "web.json": deployment("web")}
WATCHED = {
    "configmaps": "/api/v1",
    "secrets": "/api/v1",
    "services": "/api/v1",
    "events": "/api/v1",
    "deployments": "/apis/apps/v1",
    "leases": "/apis/coordination.k8s.io/v1",
}


@contextmanager
def nothing_written(bench: Bench) -> Iterator[None]:
    """See that nothing is written in a block: a Lease that came and went would show, too."""
    places = [f"{root}/namespaces/{bench.name}/{kind}" for kind, root in WATCHED.items()]
    versions = [json.loads(bench.kubectl("get", "--raw", path))["metadata"]["resourceVersion"] for path in places]
    requests = len(bench.world.github.requests)
    yield
    # A query of files is a POST, too.
    assert {verb for verb, path in bench.world.github.requests[requests:] if path != "/graphql"} == {"GET"}
    watches = [
        f"{path}?watch=1&timeoutSeconds=1&resourceVersion={one}" for path, one in zip(places, versions, strict=True)
    ]
    with ThreadPoolExecutor(len(watches)) as pool:
        assert "".join(pool.map(lambda path: bench.kubectl("get", "--raw", path), watches)) == ""


@pytest.mark.parametrize("self_heal", [False, True])
def test_in_sync(bench: Bench, self_heal: bool) -> None:
    assert bench.deploy(FILES, self_heal=self_heal)[0] == "success"
    with nothing_written(bench):
        assert [bench.reconcile() for _ in range(4)] == ["in sync"] * 4


def test_drift_that_nobody_wants_healed(bench: Bench) -> None:
    assert bench.deploy(FILES)[0] == "success"
    bench.kubectl("delete", "configmap", "a", "-n", bench.name)
    with nothing_written(bench):
        assert [bench.reconcile() for _ in range(3)] == ["out of sync"] * 3


def test_drift_that_has_just_been_healed(bench: Bench) -> None:
    assert bench.deploy(FILES, self_heal=True)[0] == "success"
    bench.kubectl("delete", "configmap", "a", "-n", bench.name)
    assert bench.reconcile() == "succeeded"
    bench.kubectl("delete", "configmap", "a", "-n", bench.name)
    last_synced(bench, -60)
    with nothing_written(bench):
        assert [bench.reconcile() for _ in range(3)] == ["out of sync"] * 3


@pytest.mark.parametrize(
    "manifest", ["not: [valid\napiVersion: kind: metadata:", config_map("not_a_name")], ids=["unreadable", "refused"]
)
def test_a_commit_that_cannot_be_deployed(bench: Bench, manifest: str) -> None:
    assert bench.deploy(FILES)[0] == "success"
    assert bench.settled(bench.push({"b.yaml": manifest}))[0] == "failure"
    with nothing_written(bench):
        assert [bench.reconcile() for _ in range(3)] == ["failed"] * 3
