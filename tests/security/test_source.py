"""What goes wrong with sources, as it really happened to deployers; each test is named after its case."""

import urllib.request

from tests.world import Bench, config_map


def test_links_out(bench: Bench) -> None:
    """https://github.com/argoproj/argo-cd/security/advisories/GHSA-q4w5-4gq2-98vm (CVE-2022-31036)."""
    bench.configure()
    (bench.clone.folder / "values.yaml").symlink_to("../../../../../../etc/passwd")
    state, description = bench.settled(bench.push({"a.yaml": config_map("a")}))
    assert state == "error"
    assert "the link values.yaml leaves the repository" in description
    assert bench.kubectl("get", "namespace", bench.name, "--ignore-not-found") == ""


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
    assert len(bench.statuses(good)) == 4, "it was the ref's commit that was looked at again"
    assert bench.kubectl("get", "configmap", "b", "-n", bench.name, "--ignore-not-found") == ""
