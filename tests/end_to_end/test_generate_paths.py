"""What touches nothing of an application, since it was synced last, starts nothing, whatever else it starts."""

import json
from pathlib import Path

from tests.end_to_end.reconciling import push_unheard
from tests.world import Bench, config_map


def watch(bench: Bench, paths: str) -> None:
    """Have only changes of some paths concern the application, whose own is `k8s`."""
    bench.configure(path="k8s")
    file = Path(bench.world.exports["DEPLOYER_CONFIG"]) / f"{bench.name}.yaml"
    document = json.loads(file.read_text())
    document["metadata"]["annotations"]["argocd.argoproj.io/manifest-generate-paths"] = paths
    file.write_text(json.dumps(document))


def delivered(bench: Bench, files: dict[str, str], *options: str) -> str:
    """Commit files, push, and wait until the function has answered; returns the commit."""
    commit = bench.clone.commit(f"change {bench.name}", files)
    bench.clone.push(*options, "main")
    assert bench.world.github.wait_for_delivery(commit).succeeded
    return commit


def test_only_what_touches_its_paths_is_deployed(bench: Bench) -> None:
    watch(bench, ".;/shared/*.txt")
    assert bench.settled(bench.push({"README.md": "1", "k8s/a.yaml": config_map("a", "1")}))[0] == "success"
    before = bench.versions()

    for files in ({"README.md": "2", "shared/deep/x.txt": "2"}, {"k8s-old/a.yaml": config_map("a", "2")}):
        assert bench.statuses(delivered(bench, files)) == [], "nothing is synced, and nothing said"
    assert bench.versions() == before

    assert bench.settled(bench.push({"shared/x.txt": "3"}))[0] == "success"
    assert bench.settled(bench.push({"README.md": "4", "k8s/a.yaml": config_map("a", "4")}))[0] == "success"
    assert bench.live("configmap", "a")["data"] == {"key": "4"}


def test_a_change_whose_push_was_lost_is_not_lost(bench: Bench) -> None:
    watch(bench, ".")
    assert bench.settled(bench.push({"k8s/a.yaml": config_map("a", "1")}))[0] == "success"
    push_unheard(bench, {"k8s/a.yaml": config_map("a", "2")})
    # The push that is heard of touches none of the paths: the application is compared with what was synced last.
    assert bench.settled(bench.push({"README.md": "2"}))[0] == "success"
    assert bench.live("configmap", "a")["data"] == {"key": "2"}


def test_a_forced_push_that_takes_back_a_change_touches_it(bench: Bench) -> None:
    watch(bench, ".")
    first = bench.push({"k8s/a.yaml": config_map("a", "1")})
    assert bench.settled(first)[0] == "success"
    assert bench.settled(bench.push({"k8s/a.yaml": config_map("a", "2")}))[0] == "success"
    bench.clone.git("reset", "-q", "--hard", first)
    assert bench.settled(delivered(bench, {"README.md": "3"}, "--force"))[0] == "success"
    assert bench.live("configmap", "a")["data"] == {"key": "1"}
    # What is deployed is no commit of the branch after the next one, which so is synced; it writes nothing.
    before = bench.versions()
    bench.clone.git("reset", "-q", "--hard", first)
    state, description = bench.settled(delivered(bench, {"README.md": "4"}, "--force"))
    assert (state, "nothing to change" in description) == ("success", True), description
    assert bench.versions() == before
