"""Only commits whose signature GitHub verifies are deployed; the others are told why not."""

import subprocess
from collections.abc import Callable

from tests.end_to_end.reconciling import history
from tests.local.github.helpers import signing_key
from tests.world import Bench, config_map

UNSIGNED = ("failure", "not deployed: not signed")


def value(bench: Bench) -> str:
    return str(bench.live("configmap", "a")["data"]["key"])


def test_an_unsigned_push_stays_out_and_is_told_so_and_a_signed_one_goes_live(
    bench: Bench, deployer: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    key = bench.known_key()
    bench.configure(require_verified=True, self_heal=True)
    unsigned = bench.push({"a.yaml": config_map("a", "1")})
    delivery = bench.world.github.wait_for_delivery(unsigned)
    assert (delivery.status, '"outcome":"stays"' in delivery.body) == (200, True)
    assert bench.statuses(unsigned) == [UNSIGNED]
    assert bench.reconcile() == "stays"
    assert bench.statuses(unsigned) == [UNSIGNED], "said once"
    assert bench.kubectl("get", "namespace", bench.name, "--ignore-not-found") == ""

    live = bench.push({"a.yaml": config_map("a", "2")}, key)
    assert bench.settled(live)[0] == "success"
    bench.logged(live)
    unsigned = bench.push({"a.yaml": config_map("a", "3")})
    assert bench.settled(unsigned) == UNSIGNED
    bench.kubectl("patch", "configmap", "a", "-n", bench.name, "--type=merge", "-p", '{"data": {"key": "hand"}}')
    assert bench.reconcile() == "succeeded"
    assert value(bench) == "2", "what is deployed is healed"
    assert {one["revision"] for one in history(bench)} == {live}

    for command in (["sync"], ["sync", "--local"], ["sync", "--dry-run"]):
        done = deployer(*command, bench.name)
        assert (done.returncode, "error: not deployed: not signed" in done.stderr) == (1, True), done.stderr
    assert value(bench) == "2"


def test_who_reads_a_commit_that_is_not_signed_may_render_it_and_is_told_that_no_sync_would_change_anything(
    bench: Bench, deployer: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    bench.configure(require_verified=True)
    commit = bench.push({"a.yaml": config_map("a", "1")})
    assert bench.settled(commit) == UNSIGNED
    done = deployer("render", bench.name)
    assert (done.returncode, "kind: ConfigMap" in done.stdout) == (0, True), done.stderr
    done = deployer("diff", bench.name)
    assert (done.returncode, "error: not deployed: not signed" in done.stderr) == (2, True), done.stderr
    done = deployer("delete", bench.name, "--yes")
    told = f"error: {bench.name} cannot be deployed at {commit[:7]}, which is not signed (deployer/require-verified); "
    assert (done.returncode, told in done.stderr, "--no-hooks" in done.stderr) == (1, True, True), done.stderr


def test_a_commit_is_deployed_once_its_key_is_uploaded(bench: Bench) -> None:
    key, public = signing_key(bench.clone.folder.parent / "key")
    bench.configure(require_verified=True)
    commit = bench.push({"a.yaml": config_map("a", "1")}, key)
    assert bench.settled(commit) == ("failure", "not deployed: signed with a key that no GitHub account has")
    assert bench.reconcile() == "stays"
    bench.world.github.signers.add("ada@example.com", public)
    assert bench.reconcile() == "succeeded"
    assert bench.statuses(commit)[-1][0] == "success"
    assert value(bench) == "1"


def test_a_signed_commit_still_waits_for_its_checks(bench: Bench) -> None:
    bench.configure(require_verified=True, require_checks="build")
    commit = bench.push({"a.yaml": config_map("a", "1")}, bench.known_key())
    assert bench.world.github.wait_for_delivery(commit).succeeded
    assert bench.statuses(commit) == [("pending", "waiting for build")]
    bench.world.github.statuses.add(bench.repository, commit, {"state": "success", "context": "build"})
    assert bench.reconcile() == "succeeded"
    assert value(bench) == "1"
