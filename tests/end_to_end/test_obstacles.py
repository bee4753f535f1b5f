"""What stands in a sync's way: it is told in the server's words, nothing is lost, and the next sync goes on."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from deployer.cluster.history import parse_history
from tests.end_to_end.admission import Admission
from tests.local.kubectl import Kubectl
from tests.world import Bench, config_map

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def kubectl(bench: Bench) -> Kubectl:
    """The administrator of the bench's cluster."""
    return Kubectl(bench.world.clusters["staging"].admin_kubeconfig)


@pytest.fixture
def app(bench: Bench) -> Bench:
    """An application that waits for `deployer sync`."""
    bench.configure(automated=False)
    return bench


def inventory(app: Bench) -> dict[str, Any]:
    data: dict[str, Any] = app.live("configmap", f"deployer-{app.name}")["data"]
    return data


def results(app: Bench) -> list[str]:
    """How the syncs in the history ended, the newest first."""
    assert inventory(app)["operation"] == ""
    return [entry.result for entry in parse_history(inventory(app)["history"])[0]]


def members(app: Bench) -> set[str]:
    return {name.partition("/")[2] for name in app.versions("configmaps")} - {"kube-root-ca.crt"}


def test_a_namespace_that_is_being_deleted(app: Bench, kubectl: Kubectl, deployer: Run) -> None:
    app.push({"a.yaml": config_map("a"), "b.yaml": config_map("b")})
    assert deployer("sync", app.name).returncode == 0
    kubectl("patch", "namespace", app.name, "-p", '{"metadata": {"finalizers": ["example.org/held"]}}')
    kubectl("delete", "namespace", app.name, "--wait=false")
    kubectl.until(lambda found: not found["items"], "configmaps", "-n", app.name)

    done = deployer("sync", app.name)
    assert done.returncode == 1
    assert f"unable to create new content in namespace {app.name} because it is being terminated" in done.stderr
    assert "nothing was changed in the cluster" in done.stderr

    kubectl("patch", "namespace", app.name, "-p", '{"metadata": {"finalizers": null}}')
    kubectl("wait", "--for=delete", f"namespace/{app.name}", "--timeout=30s")
    done = deployer("sync", app.name)
    assert done.returncode == 0, done.stderr
    assert members(app) == {"a", "b"}
    assert set(results(app)) == {"succeeded"}


def limit(app: Bench, kubectl: Kubectl, more: int) -> None:
    """Let the namespace have so many ConfigMaps more than it has."""
    there = len(kubectl.get("configmaps", "-n", app.name)["items"])
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "few", "namespace": app.name},
        "spec": {"hard": {"count/configmaps": str(there + more)}},
    }
    kubectl.apply(quota)
    # It is enforced once a controller has counted.
    wanted = {"hard": {"count/configmaps": str(there + more)}, "used": {"count/configmaps": str(there)}}
    kubectl.until(lambda found: found.get("status") == wanted, "resourcequota", "few", "-n", app.name)


@pytest.fixture
def deployed(app: Bench, deployer: Run) -> Bench:
    """The application, deployed with `a` and `old`; its next commit has another `a`, four ConfigMaps more, no `old`."""
    app.push({"a.yaml": config_map("a"), "old.yaml": config_map("old")})
    assert deployer("sync", app.name).returncode == 0
    app.clone.git("rm", "-q", "old.yaml")
    app.push({"a.yaml": config_map("a", "2"), **{f"{name}.yaml": config_map(name) for name in NEW}})
    return app


NEW = {"b", "c", "d", "e"}


def test_a_quota_that_is_used_up_is_told_before_anything_is_written(
    deployed: Bench, kubectl: Kubectl, deployer: Run
) -> None:
    before = deployed.versions("configmaps")
    limit(deployed, kubectl, 0)
    done = deployer("sync", deployed.name, "--prune", "-o", "json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    exceeded = (
        "exceeded quota: few, requested: count/configmaps=1, used: count/configmaps=4, limited: count/configmaps=4"
    )
    assert {one["name"] for one in told["objects"] if exceeded in one["message"]} == NEW
    assert {one["name"]: one["action"] for one in told["objects"]}["a"] == "skipped"
    assert exceeded in told["message"]
    assert deployed.versions("configmaps") == before
    assert results(deployed) == ["failed", "succeeded"]

    kubectl("delete", "resourcequota", "few", "-n", deployed.name)
    assert deployer("sync", deployed.name, "--prune").returncode == 0
    assert members(deployed) == {"a", *NEW}


def test_a_quota_that_is_enough_for_each_but_not_for_all_stops_the_sync_half_way(
    deployed: Bench, kubectl: Kubectl, deployer: Run
) -> None:
    # A dry-run uses nothing up (apiserver, plugin/resourcequota, "dry-run"), so each new object passes it.
    limit(deployed, kubectl, 2)
    done = deployer("sync", deployed.name, "--prune", "-o", "json")
    assert done.returncode == 1
    actions = {one["name"]: one["action"] for one in json.loads(done.stdout)["objects"]}
    assert actions["a"] == "updated"
    assert sorted(actions[name] for name in NEW) == ["created", "created", "failed", "failed"]
    assert "exceeded quota: few" in json.loads(done.stdout)["message"]
    # What is said is what is there: nothing is pruned after half an apply, and the history tells of it.
    created = {name for name in NEW if actions[name] == "created"}
    assert members(deployed) == {"a", "old", *created}
    assert results(deployed) == ["failed", "succeeded"]

    kubectl("delete", "resourcequota", "few", "-n", deployed.name)
    done = deployer("sync", deployed.name, "--prune", "-o", "json")
    assert done.returncode == 0, done.stderr
    actions = {one["name"]: one["action"] for one in json.loads(done.stdout)["objects"]}
    assert actions == {
        "a": "unchanged",
        "old": "pruned",
        **{n: "unchanged" if n in created else "created" for n in NEW},
    }
    assert members(deployed) == {"a", *NEW}
    assert results(deployed) == ["succeeded", "failed", "succeeded"]


@pytest.mark.parametrize(("more", "refused"), [(0, "deployer-"), (1, "a")])
def test_an_inventory_counts_too(app: Bench, kubectl: Kubectl, deployer: Run, more: int, refused: str) -> None:
    kubectl("create", "namespace", app.name)
    kubectl.until(lambda found: len(found["items"]) == 1, "configmaps", "-n", app.name)
    limit(app, kubectl, more)
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    app.push({"s.json": json.dumps(service), **({"a.yaml": config_map("a")} if more else {})})
    done = deployer("sync", app.name)
    assert done.returncode == 1
    assert f'configmaps "{refused}' in done.stderr
    assert "exceeded quota: few" in done.stderr
    assert kubectl.get("leases", "-n", app.name)["items"] == []

    kubectl("delete", "resourcequota", "few", "-n", app.name)
    done = deployer("sync", app.name)
    assert done.returncode == 0, done.stderr
    assert kubectl.get("services", "-n", app.name)["items"][0]["metadata"]["name"] == "s"


@pytest.fixture
def admission(deployed: Bench, kubectl: Kubectl, tmp_path: Path) -> Iterator[Admission]:
    """A webhook that judges the application's ConfigMaps."""
    with Admission(tmp_path) as admission:
        kubectl.apply(admission.configuration(deployed.name))
        deadline = time.monotonic() + 20
        probe = ("create", "configmap", "probe", "-n", deployed.name, "--from-literal=key=bad", "--dry-run=server")
        while kubectl.run(*probe).returncode == 0:  # the API server does not ask yet
            assert time.monotonic() < deadline
            time.sleep(0.05)
        admission.asked.clear()
        yield admission
        kubectl("delete", "validatingwebhookconfiguration", deployed.name)


def test_an_admission_webhook_that_rejects(deployed: Bench, admission: Admission, deployer: Run) -> None:
    before = deployed.versions("configmaps")
    deployed.push({"c.yaml": config_map("c", "bad")})
    done = deployer("sync", deployed.name, "--prune")
    assert done.returncode == 1
    words = 'admission webhook "taste.example.org" denied the request: nothing bad in here'
    assert f"ConfigMap/c: {words}" in done.stderr
    assert "nothing was changed in the cluster" in done.stderr
    assert deployed.versions("configmaps") == before
    assert {name for name, dry_run in admission.asked if not dry_run} <= {f"deployer-{deployed.name}"}
    assert results(deployed) == ["failed", "succeeded"]

    deployed.push({"c.yaml": config_map("c", "good")})
    done = deployer("sync", deployed.name, "--prune")
    assert done.returncode == 0, done.stderr
    assert members(deployed) == {"a", *NEW}


def running(app: Bench) -> subprocess.Popen[str]:
    """A sync under way."""
    return subprocess.Popen(
        [sys.executable, "-m", "deployer", "sync", app.name, "--prune", "-o", "json"],
        env={**os.environ, **app.world.exports},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until_it_says(process: subprocess.Popen[str], text: str) -> None:
    assert process.stderr
    assert any(text in line for line in process.stderr), f"it never said {text!r}"


def test_two_syncs_at_once(deployed: Bench, kubectl: Kubectl, admission: Admission) -> None:
    # The second comes while the first has written half: that one's last object waits for the webhook until then.
    deployed.push({"e.yaml": config_map("e", "slow")})
    with running(deployed) as first:
        until_it_says(first, "applying")
        with running(deployed) as second:
            until_it_says(second, "taking Lease")
            admission.open.set()
            done = [(one.communicate(timeout=60)[0], one.returncode) for one in (first, second)]
    assert [code for _, code in done] == [0, 0], done
    assert members(deployed) == {"a", *NEW}
    assert deployed.live("configmap", "a")["data"] == {"key": "2"}
    assert kubectl.get("leases", "-n", deployed.name)["items"] == []
    # One of them has done it all; the other has seen that nothing is left to do, and has nothing to record.
    changed = [
        sorted(one["action"] for one in json.loads(out)["objects"] if one["action"] != "unchanged") for out, _ in done
    ]
    assert sorted(changed) == [[], ["created"] * 4 + ["pruned", "updated"]]
    assert results(deployed) == ["succeeded", "succeeded"]


def test_two_first_syncs_at_once(app: Bench, deployer: Run) -> None:
    """There is no namespace yet, and no inventory: neither of the two may take the other's for foreign."""
    app.push({f"{name}.yaml": config_map(name) for name in NEW})
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(deployer, "sync", app.name) for _ in range(2)]
        done = [one.result() for one in both]
    assert [one.returncode for one in done] == [0, 0], [one.stderr for one in done]
    assert members(app) == NEW
    # Whoever makes the namespace need not be the first to take the Lease in it: then both have changed something.
    assert results(app) in (["succeeded"], ["succeeded", "succeeded"])
