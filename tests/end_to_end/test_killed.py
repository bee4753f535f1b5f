"""A sync that was stopped, wherever it was: the next one finishes it, and the end is as if nothing had happened."""

import json
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench import relay
from deployer.cluster.connection import Cluster
from deployer.cluster.history import parse_history
from deployer.cluster.inventory import applyset_id
from deployer.sync.options import Options
from deployer.sync.owner import Owner
from deployer.sync.run import sync
from local.leash import Leash
from tests.end_to_end.killing import killed, undisturbed
from tests.local.kubectl import Kubectl
from tests.sync.helpers import ignore, manifest, manifests
from tests.world import Bench, config_map, deployment

Run = Callable[..., subprocess.CompletedProcess[str]]

POINTS = 20
ROUND_TRIP = 0.02
"""Seconds to the API server and back, so that most of the time a request is under way, as in life."""

ALLOWED = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
KEPT = {f"kept-{number}": manifest("v1", "ConfigMap", f"kept-{number}", data={"key": "1"}) for number in range(3)}
BEFORE = {
    **KEPT,
    **{f"changed-{number}": manifest("v1", "ConfigMap", f"changed-{number}", data={"key": "1"}) for number in range(4)},
    **{f"old-{number}": manifest("v1", "ConfigMap", f"old-{number}") for number in range(3)},
    "old-secret": manifest("v1", "Secret", "old", data={"key": "MQ=="}),
    "old-account": manifest("v1", "ServiceAccount", "old"),
    "old-role": manifest("rbac.authorization.k8s.io/v1", "Role", "old", rules=ALLOWED),
}
AFTER = {
    **KEPT,
    **{f"changed-{number}": manifest("v1", "ConfigMap", f"changed-{number}", data={"key": "2"}) for number in range(4)},
    **{f"new-{number}": manifest("v1", "ConfigMap", f"new-{number}") for number in range(4)},
    "new-secret": manifest("v1", "Secret", "new", stringData={"key": "2"}),
    "new-service": manifest("v1", "Service", "new", spec={"ports": [{"port": 80}]}),
    "new-policy": manifest("networking.k8s.io/v1", "NetworkPolicy", "new", spec={"podSelector": {}}),
    "new-limit": manifest("v1", "LimitRange", "new", spec={"limits": [{"type": "Pod", "max": {"cpu": "4"}}]}),
}
KINDS = "configmaps,secrets,serviceaccounts,roles,services,networkpolicies,limitranges,leases"


class Fleet:
    """Applications of one repository, each with a namespace of its name, in the cluster `staging`, seen from afar."""

    def __init__(self, bench: Bench, staging: Cluster, names: list[str]) -> None:
        self.names = names
        self._bench, self._staging = bench, staging
        self._kubectl = Kubectl(bench.world.clusters["staging"].admin_kubeconfig)

    def begin(self) -> None:
        """Bring all of them to what they were before; in each namespace there is something of somebody else's, too.

        Only then are they configured: they are not to be looked at because of the pushes.
        """
        first = self._bench.push({f"{name}.json": json.dumps(body) for name, body in BEFORE.items()})
        self._bench.clone.git("rm", "-q", *(f"{name}.json" for name in BEFORE.keys() - AFTER.keys()))
        second = self._bench.push({f"{name}.json": json.dumps(body) for name, body in AFTER.items()})
        self._bench.world.github.wait_for_delivery(second)
        config = Path(self._bench.world.exports["DEPLOYER_CONFIG"])
        document = json.loads((config / f"{self._bench.name}.yaml").read_text())
        for name in self.names:
            self._begin(name, first)
            document["metadata"]["name"] = document["spec"]["destination"]["namespace"] = name
            document["spec"]["destination"]["name"] = "far"
            (config / f"{name}.yaml").write_text(json.dumps(document))

    def _begin(self, name: str, revision: str) -> None:
        options = Options(name, create_namespace=True, wait=False, owner=Owner(name, name, revision))
        result = sync(self._staging, manifests(*BEFORE.values()), options, ignore)
        assert result.outcome == "unfinished", result.message
        path = f"/api/v1/namespaces/{name}/configmaps"
        self._staging.request("POST", path, body=manifest("v1", "ConfigMap", "foreign", name, data={"key": "1"}))

    def undisturbed(self, name: str) -> list[float]:
        return undisturbed(self._bench, name, "--no-wait", "--prune")

    def killed(self, name: str, line: int, seconds: float) -> None:
        killed(self._bench, line, seconds, name, "--no-wait", "--prune")

    def objects(self) -> dict[str, list[dict[str, Any]]]:
        """All that is there, by namespace."""
        text = self._kubectl("get", KINDS, "-A", "-o", "json", "--show-managed-fields")
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in self.names}
        for one in json.loads(text)["items"]:
            if one["metadata"]["namespace"] in found:
                found[one["metadata"]["namespace"]].append(one)
        return found


def told(objects: list[dict[str, Any]], application: str) -> list[dict[str, Any]]:
    """Objects but for what is another each time: identities, times, addresses, and the application's name."""
    text = json.dumps([_told(one) for one in objects if one["kind"] != "Lease"])
    text = text.replace(applyset_id(f"deployer-{application}", application), "ID").replace(application, "NAME")
    nameless: list[dict[str, Any]] = json.loads(text)
    return nameless


def _told(one: dict[str, Any]) -> dict[str, Any]:
    metadata = {k: v for k, v in one["metadata"].items() if k not in ("uid", "resourceVersion", "creationTimestamp")}
    entries = [{k: v for k, v in entry.items() if k != "time"} for entry in metadata.get("managedFields", ())]
    metadata["managedFields"] = sorted(entries, key=json.dumps)
    body = {**one, "metadata": metadata}
    if "clusterIP" in body.get("spec", {}):
        body["spec"] = {key: value for key, value in body["spec"].items() if key not in ("clusterIP", "clusterIPs")}
    if "history" in body.get("data", {}):
        history, warning = parse_history(body["data"]["history"])
        assert not warning
        body["data"] = {**body["data"], "history": [(entry.revision, entry.result, entry.error) for entry in history]}
    return body


@pytest.fixture
def fleet(bench: Bench, staging: Cluster, tmp_path: Path) -> Iterator[Fleet]:
    config = Path(bench.world.exports["DEPLOYER_CONFIG"])
    bench.configure(automated=False)
    names = [f"{bench.name}-{number:02}" for number in range(POINTS + 3)]
    with Leash(tmp_path / "leash") as leash:
        plane = bench.world.clusters["staging"]
        (port,) = relay.start(leash, ROUND_TRIP, [int(plane.url.rpartition(":")[2])])
        secret = tmp_path / "far.kubeconfig"
        secret.touch(mode=0o600)
        secret.write_text(plane.deployer_kubeconfig.replace(plane.url, f"https://127.0.0.1:{port}"))
        cluster = {
            "apiVersion": "deployer/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": "far"},
            "spec": {"kubeconfig": {"secret": f"file:{secret}"}},
        }
        (config / "far.yaml").write_text(yaml.safe_dump(cluster))
        yield Fleet(bench, staging, names)
    for name in ("far", *names):
        (config / f"{name}.yaml").unlink(missing_ok=True)
    bench.kubectl("delete", "namespace", *names, "--wait=false", "--ignore-not-found")


def test_twenty_syncs_killed_at_random_points_are_finished_by_the_next(
    bench: Bench, fleet: Fleet, deployer: Run
) -> None:
    fleet.begin()
    before = fleet.objects()
    (bystander, *calm), killed = fleet.names[:3], fleet.names[3:]
    # A moment is told by what the sync has said last, and not by the clock alone, which a busy machine makes slow.
    draw = random.Random(5)
    with ThreadPoolExecutor(2) as pool:
        pauses, _ = pool.map(fleet.undisturbed, calm)
        lines = [number * len(pauses) // POINTS for number in range(POINTS)]
        list(pool.map(fleet.killed, killed, lines, [draw.random() * pauses[line] for line in lines]))
    found = fleet.objects()
    under_way = [name for name in killed if operation(found[name], name)]
    assert POINTS // 4 < len(under_way) < POINTS, "some were killed while they wrote, and some were not"

    # A Lease whose holder was killed is not free at once: they wait side by side.
    with ThreadPoolExecutor(6) as pool:
        for done in pool.map(lambda name: deployer("sync", name, "--no-wait", "--prune"), killed):
            assert done.returncode == 0, done.stderr
    after = fleet.objects()
    expected = told(after[calm[0]], calm[0])
    assert len(expected) == len(AFTER) + len(["the inventory", "foreign", "kube-root-ca.crt", "default"])
    for name in (*calm, *killed):
        assert told(after[name], name) == expected, name
        assert foreign(after[name]) == foreign(before[name])
    assert after[bystander] == before[bystander]
    # Where it was killed once all was done, the Lease stays, and is free, until there is something to write again.
    assert not [one for name in (*calm, *under_way) for one in after[name] if one["kind"] == "Lease"]


def operation(objects: list[dict[str, Any]], application: str) -> str:
    """What an application's inventory says is under way."""
    place = ("ConfigMap", f"deployer-{application}")
    (found,) = (one["data"]["operation"] for one in objects if (one["kind"], one["metadata"]["name"]) == place)
    return str(found)


def foreign(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """What is somebody else's in a namespace."""
    (found,) = (one for one in objects if one["metadata"]["name"] == "foreign")
    return found


SLOW = {
    "applying": {f"{number}.yaml": config_map(f"c-{number}") for number in range(40)},
    "waiting": {"web.json": deployment("web", "nginx:never")},
}


@pytest.mark.parametrize("at", SLOW)
def test_a_sync_that_is_asked_to_end_says_so_and_lets_the_next_go_on(bench: Bench, deployer: Run, at: str) -> None:
    bench.configure(automated=False, timeout=120)
    commit = bench.push(SLOW[at])
    bench.world.github.wait_for_delivery(commit)  # which tells the commit what is out of sync
    with bench.syncing(lambda line: f"{at} [" in line or f"{at} 40" in line) as process:
        start = time.monotonic()
        process.terminate()
        process.communicate(timeout=20)
    assert time.monotonic() - start < 5
    assert process.returncode != 0
    state, description = bench.statuses(commit)[-1]
    assert (state, "was stopped" in description) == ("error", True), (state, description)

    # Nobody waits for a Lease that nobody holds any more.
    start = time.monotonic()
    bench.push({"web.json": deployment("web")} if at == "waiting" else {})
    done = deployer("sync", bench.name, "--prune")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - start < 10
    assert bench.live("configmap", f"deployer-{bench.name}")["data"]["operation"] == ""
