"""What leaves Git leaves the cluster: by a push, by a command, with an approval, and after a sync that was killed."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.cluster.inventory import applyset_id
from local.kubectl import KUBECTL
from tests.world import Bench, config_map

Run = Callable[..., subprocess.CompletedProcess[str]]
SERVICE = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
)


def pruning(bench: Bench, *, on: bool = True) -> None:
    """Configure the application with automated.prune."""
    bench.configure()
    place = Path(bench.world.exports["DEPLOYER_CONFIG"]) / f"{bench.name}.yaml"
    document = json.loads(place.read_text())
    document["spec"]["syncPolicy"]["automated"] = {"prune": on}
    place.write_text(json.dumps(document))


def member_names(bench: Bench) -> set[str]:
    """What kubectl finds by the label."""
    label = f"applyset.kubernetes.io/part-of={applyset_id(f'deployer-{bench.name}', bench.name)}"
    return set(bench.kubectl("get", "configmaps,services", "-n", bench.name, "-l", label, "-o", "name").split())


def remove(bench: Bench, *names: str) -> str:
    """Push a commit that has these files no more."""
    bench.clone.git("rm", "-q", *names)
    return bench.push({"README.md": ", ".join(names)})


def test_a_push_prunes_what_left_git(bench: Bench) -> None:
    pruning(bench)
    first = bench.push({"a.yaml": config_map("a"), "web.json": SERVICE})
    assert bench.settled(first)[0] == "success"
    assert member_names(bench) == {"configmap/a", "service/web"}
    state, description = bench.settled(remove(bench, "web.json"))
    assert (state, description.partition(", healthy")[0]) == ("success", "1 object in staging: 1 pruned")
    assert member_names(bench) == {"configmap/a"}
    assert "service/web" not in bench.kubectl("get", "services", "-n", bench.name, "-o", "name")


def test_kubectl_leaves_the_set_to_us(bench: Bench, tmp_path: Path) -> None:
    pruning(bench)
    assert bench.settled(bench.push({"a.yaml": config_map("a")}))[0] == "success"
    (tmp_path / "b.yaml").write_text(config_map("b"))
    config = bench.world.exports["DEPLOYER_LOCAL_KUBECONFIG_STAGING"]
    apply = ["apply", "-n", bench.name, "--prune", "-f", str(tmp_path / "b.yaml")]
    applied = subprocess.run(
        [KUBECTL, "--kubeconfig", config, *apply, f"--applyset=configmaps/deployer-{bench.name}"],
        env={**os.environ, "KUBECTL_APPLYSET": "true"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert applied.returncode != 0
    assert 'is managed by tooling "deployer" instead of "kubectl"' in applied.stderr
    assert member_names(bench) == {"configmap/a"}


def test_without_automated_prune_the_command_prunes(bench: Bench, deployer: Run) -> None:
    pruning(bench, on=False)
    assert bench.settled(bench.push({"a.yaml": config_map("a"), "b.yaml": config_map("b")}))[0] == "success"
    _, description = bench.settled(remove(bench, "b.yaml"))
    assert "2 objects in staging: nothing to change, 1 left Git but not pruned" in description
    assert member_names(bench) == {"configmap/a", "configmap/b"}

    shown = deployer("diff", bench.name)
    assert (shown.returncode, shown.stdout) == (
        0,
        "2 objects in staging: 1 left Git but not pruned\n",
    )
    done = deployer("sync", bench.name)
    assert "skipped\tConfigMap/b" in done.stdout
    assert "left Git; not pruned: automated.prune is off" in done.stdout
    done = deployer("sync", bench.name, "--prune", "-o", "json")
    assert done.returncode == 0, done.stderr
    objects = {one["name"]: one["action"] for one in json.loads(done.stdout)["objects"]}
    assert objects == {"a": "unchanged", "b": "pruned"}
    assert member_names(bench) == {"configmap/a"}


def test_much_is_pruned_only_with_a_persons_approval(bench: Bench, deployer: Run) -> None:
    pruning(bench)
    many = {f"{number}.yaml": config_map(f"c-{number}") for number in range(6)}
    assert bench.settled(bench.push({"a.yaml": config_map("a"), **many}))[0] == "success"
    commit = remove(bench, *many)
    state, description = bench.settled(commit)
    assert state == "failure"
    assert "6 of 7 objects would be pruned, more than 50 %; if meant: `deployer sync" in description
    assert len(member_names(bench)) == 7
    refused = deployer("diff", bench.name)
    assert refused.returncode == 2
    assert "--approve-prune" in refused.stderr
    assert "► ConfigMap/c-0 (namespace" in refused.stdout
    assert deployer("sync", bench.name, "--approve-prune", commit[:7]).returncode == 0
    assert member_names(bench) == {"configmap/a"}


def test_diff_shows_what_would_be_pruned(bench: Bench, deployer: Run) -> None:
    pruning(bench)
    assert bench.settled(bench.push({"a.yaml": config_map("a"), "b.yaml": config_map("b")}))[0] == "success"
    bench.configure(automated=False)  # the push changes nothing
    with bench.delivered("push"):
        remove(bench, "b.yaml")
    pruning(bench)
    shown = deployer("diff", bench.name)
    assert shown.returncode == 1, shown.stderr
    assert f"► ConfigMap/b (namespace {bench.name}) pruned\n--- live\n+++ desired\n@@ -1," in shown.stdout
    assert shown.stdout.endswith("1 object in staging: 1 to prune\n")
    (gone,) = [
        one for one in json.loads(deployer("diff", bench.name, "-o", "json").stdout)["objects"] if one["changes"]
    ]
    assert (gone["name"], gone["action"], gone["changes"][0]["path"], gone["changes"][0]["desired"]) == (
        *("b", "pruned", ""),
        None,
    )
    assert member_names(bench) == {"configmap/a", "configmap/b"}


def test_a_name_of_the_deployers_own_is_refused(bench: Bench) -> None:
    state, description = bench.deploy({"a.yaml": config_map(f"deployer-{bench.name}")})
    assert state == "failure"
    assert "has the name of what the deployer itself keeps" in description


def test_an_object_of_another_application_is_refused(bench: Bench, deployer: Run) -> None:
    assert bench.deploy({"a.yaml": config_map("a", "1")})[0] == "success"
    config = Path(bench.world.exports["DEPLOYER_CONFIG"])
    document = json.loads((config / f"{bench.name}.yaml").read_text())
    document["metadata"]["name"] = f"{bench.name}-2"
    document["spec"]["syncPolicy"].pop("automated", None)
    second = config / f"{bench.name}-2.yaml"
    second.write_text(json.dumps(document))
    try:
        done = deployer("sync", f"{bench.name}-2")
    finally:
        second.unlink()
    assert done.returncode == 1
    assert f"ConfigMap/a: belongs to application {bench.name}" in done.stderr


@pytest.mark.parametrize("at", ["applying 40 ConfigMap", "pruning"])
def test_a_sync_that_was_killed_is_finished_by_the_next(bench: Bench, deployer: Run, at: str) -> None:
    bench.configure(automated=False)
    old = {f"old-{number}.yaml": config_map(f"old-{number}") for number in range(5)}
    bench.push({"web.json": SERVICE, **old})
    assert deployer("sync", bench.name).returncode == 0
    new = {f"new-{number}.yaml": config_map(f"new-{number}") for number in range(40)}
    bench.clone.git("rm", "-q", *old)
    commit = bench.push(new)
    with tempfile.TemporaryFile("w+") as out:
        killed = subprocess.Popen(
            [sys.executable, "-m", "deployer", "sync", bench.name, "--prune"],
            env={**os.environ, **bench.world.exports},
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert killed.stderr
        for line in killed.stderr:
            if at in line:
                break
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
    inventory = bench.live("configmap", f"deployer-{bench.name}")
    assert commit in inventory["data"]["operation"]

    done = deployer("sync", bench.name, "--prune")
    assert done.returncode == 0, done.stderr
    assert member_names(bench) == {"service/web", *(f"configmap/new-{number}" for number in range(40))}
    data = bench.live("configmap", f"deployer-{bench.name}")["data"]
    assert data["operation"] == ""
    assert [one["result"] for one in json.loads(data["history"])] == ["succeeded", "succeeded"]
    assert deployer("sync", bench.name, "--prune").returncode == 0
