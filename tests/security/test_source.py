"""What goes wrong with sources, as it really happened to deployers; each test is named after its case."""

import sys
import urllib.request

import pytest

from tests.door import peak_memory
from tests.world import Bench, config_map


def test_links_out(bench: Bench) -> None:
    """https://github.com/argoproj/argo-cd/security/advisories/GHSA-q4w5-4gq2-98vm (CVE-2022-31036)."""
    bench.configure()
    (bench.clone.folder / "values.yaml").symlink_to("../../../../../../etc/passwd")
    state, description = bench.settled(bench.push({"a.yaml": config_map("a")}))
    assert state == "error"
    assert "the link values.yaml leaves the repository" in description
    assert bench.kubectl("get", "namespace", bench.name, "--ignore-not-found") == ""


def test_truncated_tree_taken_for_the_whole(bench: Bench) -> None:
    """What is missing from half a tree looks as if it had been deleted, and a deployer that prunes would delete it."""
    bench.configure(path="k8s", directory={"recurse": True})
    files = {f"k8s/{folder}/{name}.yaml": config_map(f"{folder}{name}") for folder in "abc" for name in "xyz"}
    github = bench.world.github
    before = github.most_tree_entries
    github.most_tree_entries = 4
    try:
        state, description = bench.settled(bench.push({**files, "z.txt": "last"}))
    finally:
        github.most_tree_entries = before
    assert state == "success", description
    assert "9 objects in staging: 9 created" in description


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level + 1}: &a{level + 1} [{', '.join([f'*a{level}'] * 9)}]\n" for level in range(9)
)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells how much memory was taken")
def test_yaml_alias_bombs_cycles_and_nesting(bench: Bench) -> None:
    """A file of some hundred bytes grew ninefold a level, 100,000 brackets ended libyaml, a flat list took 100 MB."""
    bench.configure()
    attacks = {
        "bomb": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: b}}\n{BOMB}",
        "cycle": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: &a {a: *a}\n",
        "nesting": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: " + "[" * 100_000,
        "flat list": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: [" + "0," * 292_000 + "]\n",
    }
    url = bench.world.exports["DEPLOYER_LOCAL_WEBHOOK_URL"]
    before = peak_memory(url)
    for name, attack in attacks.items():
        assert len(attack) < 600_000
        state, description = bench.settled(bench.push({"a.yaml": config_map("a"), "b.yaml": attack}))
        assert state == "failure", name
        assert "b.yaml" in description or "ConfigMap/b" in description, description
    after = peak_memory(url)
    assert before.keys() == after.keys(), "a process has died"
    assert max(after.values()) < 300
    assert bench.kubectl("get", "configmap", "a", "-n", bench.name, "--ignore-not-found") == ""


def test_commit_of_a_fork_reachable_by_sha(bench: Bench) -> None:
    """GitHub serves the commits of forks as the parent's own, to whoever asks for their SHA; a forged push names one.

    https://trufflesecurity.com/blog/anyone-can-access-deleted-and-private-repo-data-github
    """
    bench.configure()
    good = bench.push({"a.yaml": config_map("a", "good")})
    assert bench.settled(good)[0] == "success"
    github = bench.world.github
    github.fork(bench.repository, "mallory")
    evil = bench.clone.commit("evil", {"a.yaml": config_map("a", "evil"), "b.yaml": config_map("b")})
    bench.clone.git("push", "-q", f"{github.git_url}/mallory/{bench.name}.git", "main")
    request = urllib.request.Request(
        f"{github.api_url}/repos/{bench.repository}/git/trees/{evil}",
        headers={"Authorization": f"Bearer {bench.world.exports['DEPLOYER_LOCAL_GITHUB_TOKEN']}"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200, "it can be read as if it were the repository's own"

    payload = {**github.wait_for_delivery(good).payload, "after": evil}
    status, answered = bench.send(payload)
    assert (status, answered["applications"][0]["outcome"]) == (200, "succeeded")
    assert bench.live("configmap", "a")["data"]["key"] == "good"
    assert bench.statuses(evil) == [], "nobody looked at it"
    assert len(bench.statuses(good)) == 2, "it was the ref's commit that was looked at again, and found there"
    assert bench.kubectl("get", "configmap", "b", "-n", bench.name, "--ignore-not-found") == ""
