"""`status` and `history` of what really happened: a push, an edit by hand, a rollout, an application that vanished."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.world import Bench, config_map, deployment

Run = Callable[..., subprocess.CompletedProcess[str]]
FILES = {"a.yaml": config_map("a"), "web.json": deployment("web", replicas=3)}


def status(deployer: Run, *names: str) -> tuple[int, dict[str, Any]]:
    """The exit status of `deployer status -o json`, and each application by its name."""
    done = deployer("status", *names, "-o", "json")
    assert done.stdout, done.stderr
    return done.returncode, {one["application"]: one for one in json.loads(done.stdout)["applications"]}


def test_what_was_changed_by_hand_is_told_until_it_is_healed(bench: Bench, deployer: Run) -> None:
    bench.configure()
    assert bench.settled(commit := bench.push(FILES))[0] == "success"
    edit = json.dumps({"spec": {"replicas": 5}})
    bench.kubectl(
        *("patch", "deployment", "web", "-n", bench.name, "--field-manager=kubectl-edit", "--type=merge", "-p", edit)
    )
    since = datetime.now(UTC)
    bench.kubectl("delete", "configmap", "a", "-n", bench.name)
    done = deployer("status", bench.name)
    assert done.returncode == 1
    cells = done.stdout.splitlines()[0].split("\t")
    assert cells[:6] == [bench.name, "staging", commit[:7], "OutOfSync", "Missing", "2"]
    times = {f"{moment:%H:%M}" for moment in (since, datetime.now(UTC))}
    edited = {f"Deployment/web spec.replicas 3 → 5 by kubectl-edit at {moment}" for moment in times}
    assert edited & set(cells[7].split("; "))
    assert "ConfigMap/a is missing" in cells[7].split("; ")

    assert deployer("sync", bench.name).returncode == 0
    code, found = status(deployer, bench.name)
    assert (code, found[bench.name]["sync"], found[bench.name]["drift"]) == (0, "Synced", [])
    assert found[bench.name]["last"]["id"] == 2


def test_a_new_commit_is_no_drift(bench: Bench, deployer: Run) -> None:
    bench.configure()
    assert bench.settled(first := bench.push(FILES))[0] == "success"
    bench.configure(automated=False)
    second = bench.push({"a.yaml": config_map("a", "2"), "b.yaml": config_map("b"), "web.json": deployment("web")})
    code, found = status(deployer, bench.name)
    one = found[bench.name]
    assert (code, one["sync"], one["deployed"], one["revision"]) == (1, "OutOfSync", first, second)
    assert one["drift"] == []
    assert one["changes"] == {"created": 1, "updated": 2, "pruned": 0, "kept": 0}


def test_an_application_that_vanished_is_orphaned_and_nothing_of_it_is_touched(bench: Bench, deployer: Run) -> None:
    bench.configure()
    assert bench.settled(commit := bench.push(FILES))[0] == "success"
    before = bench.versions()
    (Path(bench.world.exports["DEPLOYER_CONFIG"]) / f"{bench.name}.yaml").unlink()
    code, found = status(deployer, bench.name)
    one = found[bench.name]
    assert code == 0, "what is orphaned does not count"
    assert (one["sync"], one["health"], one["cluster"], one["deployed"]) == ("orphaned", None, "staging", commit)
    found_by = one["message"].split("`kubectl ")[1].rstrip("`").split()
    assert {"deployment.apps/web", "configmap/a"} <= set(bench.kubectl(*found_by, "-o", "name").split())
    assert status(deployer)[1][bench.name]["sync"] == "orphaned"
    done = deployer("history", bench.name, "-o", "json")
    assert done.stdout, done.stderr
    history = json.loads(done.stdout)
    assert (history["orphaned"], [one["revision"] for one in history["history"]]) == (True, [commit])
    assert bench.versions() == before


def test_where_it_went_before_it_is_orphaned(bench: Bench, deployer: Run) -> None:
    bench.deploy({"a.yaml": config_map("a")})
    bench.deploy({"a.yaml": config_map("a", "2")}, cluster="production")
    done = deployer("status", "-o", "json")
    found = [one for one in json.loads(done.stdout)["applications"] if one["application"] == bench.name]
    assert [(one["cluster"], one["sync"]) for one in found] == [("production", "Synced"), ("staging", "orphaned")]
    bench.kubectl("delete", "namespace", bench.name, "--wait=false")
    bench.configure()  # where the bench cleans up
