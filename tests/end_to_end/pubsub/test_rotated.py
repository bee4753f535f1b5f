"""Credentials that are exchanged in the middle of a sync, and those before taken away: it goes on with the new ones."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from local.github.tokens import ALL_PERMISSIONS
from tests.end_to_end.pubsub.queued import DEPLOYER_TOKEN, TOKEN, QueuedBench, configure_cluster, files, until
from tests.end_to_end.reconciling import make_ready
from tests.end_to_end.staged import job, turn
from tests.local.kubectl import Kubectl

NEW_TOKEN = "ghs_new"
SECRET = "projects/local/secrets/turning-kubeconfig"


class Turning:
    """The cluster `turning`, which is `staging`, with accounts that come and go."""

    def __init__(self, bench: QueuedBench, folder: Path) -> None:
        self._bench, self._folder = bench, folder
        self._plane = bench.world.clusters["staging"]
        self._kubectl = Kubectl(self._plane.admin_kubeconfig)
        self._document = configure_cluster(Path(bench.world.exports["DEPLOYER_CONFIG"]), "turning", SECRET)
        bench.world.exports["DEPLOYER_LOCAL_KUBECONFIG_TURNING"] = str(self._plane.admin_kubeconfig)

    def begin(self, name: str) -> None:
        """Have the kubeconfig's next version be that of a new account, which may do everything."""
        self._kubectl("create", "serviceaccount", name, "-n", "deployer")
        binding = ("create", "clusterrolebinding", name, "--clusterrole=cluster-admin")
        self._kubectl(*binding, f"--serviceaccount=deployer:{name}")
        config = yaml.safe_load(self._plane.deployer_kubeconfig)
        config["users"][0]["user"] = {"token": self._kubectl("create", "token", name, "-n", "deployer").strip()}
        (self._folder / name).write_text(yaml.safe_dump(config))
        self._bench.world.secret_manager.put(SECRET, (self._folder / name).read_bytes())

    def revoke(self, name: str) -> None:
        """Take an account away, and wait until its token is refused: the API server keeps that in mind for 10 s."""
        self._kubectl("delete", "serviceaccount", name, "-n", "deployer")
        asked = Kubectl(self._folder / name)
        until(lambda: "Unauthorized" in asked.run("get", "namespaces").stderr, "the token is refused")

    def end(self, *names: str) -> None:
        """Forget the cluster and its accounts."""
        self._document.unlink()
        self._kubectl("delete", "serviceaccount", *names, "-n", "deployer", "--ignore-not-found")
        self._kubectl("delete", "clusterrolebinding", *names, "--ignore-not-found")


@pytest.fixture
def turning(bench: QueuedBench, tmp_path: Path) -> Iterator[Turning]:
    turning = Turning(bench, tmp_path)
    turning.begin("first")
    yield turning
    turning.end("first", "second")


def test_credentials_may_be_exchanged_while_a_sync_is_under_way(bench: QueuedBench, turning: Turning) -> None:
    """Its hook does not end until both the cluster's and GitHub's are others."""
    world = bench.world
    bench.configure("turning", timeout=120)
    commit = bench.pushed({**files(1), "before.json": turn(job("before", "busybox:never"), hook="PreSync")})

    def waits() -> bool:
        with suppress(AssertionError):  # the namespace is not there yet
            return bool(bench.kubectl("get", "pods", "-n", bench.name, "-o", "name"))
        return False

    until(waits, "the hook runs")
    turning.begin("second")
    turning.revoke("first")
    world.github.tokens.add(NEW_TOKEN, permissions=ALL_PERMISSIONS)
    world.secret_manager.put(TOKEN, NEW_TOKEN.encode())
    world.github.tokens.revoke(DEPLOYER_TOKEN)
    assert not bench.jobs.drained(0), "it is still under way"
    make_ready(bench)
    assert bench.settled(commit)[0] == "success"
    bench.ends_at(commit, [1], syncs=1)
    mine = [one.status for one in bench.jobs.sent if one.message.ordering_key == bench.name]
    assert mine == [200], "it is one sync"
    assert bench.said("ERROR") == []
