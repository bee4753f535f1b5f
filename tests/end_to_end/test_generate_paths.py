"""A push that touches nothing of an application starts nothing, whatever else it starts."""

import json
import time
from pathlib import Path

from tests.world import Bench, config_map


def watch(bench: Bench, paths: str) -> None:
    """Have only changes of some paths concern the application, whose own is `k8s`."""
    bench.configure(path="k8s")
    file = Path(bench.world.exports["DEPLOYER_CONFIG"]) / f"{bench.name}.yaml"
    document = json.loads(file.read_text())
    document["metadata"]["annotations"]["argocd.argoproj.io/manifest-generate-paths"] = paths
    file.write_text(json.dumps(document))


def test_only_what_touches_its_paths_is_deployed(bench: Bench) -> None:
    watch(bench, ".;/shared/*.txt")
    # Of a new branch nobody knows what it touches.
    assert bench.settled(bench.push({"README.md": "1", "k8s/a.yaml": config_map("a", "1")}))[0] == "success"

    unheard = bench.push({"README.md": "2", "shared/deep/x.txt": "2"})
    why = f"touches none of application {bench.name}'s argocd.argoproj.io/manifest-generate-paths: k8s; shared/*.txt"
    deadline = time.monotonic() + 20
    while why not in bench.log():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert bench.statuses(unheard) == []
    assert bench.reconcile() == "succeeded", "the commit learns it in the end"
    assert bench.statuses(unheard)[-1][0] == "success"

    assert bench.settled(bench.push({"shared/x.txt": "3"}))[0] == "success"
    assert bench.settled(bench.push({"README.md": "4", "k8s/a.yaml": config_map("a", "4")}))[0] == "success"
    assert bench.live("configmap", "a")["data"] == {"key": "4"}

    # Nor does anybody know it of a forced push: this one takes back the last change.
    bench.clone.git("reset", "-q", "--hard", "HEAD~1")
    commit = bench.clone.commit("only the README", {"README.md": "5"})
    bench.clone.push("--force", "main")
    assert bench.settled(commit)[0] == "success"
    assert bench.live("configmap", "a")["data"] == {"key": "1"}
