"""No job applies a commit that GitHub must verify and does not, whoever asks, and whatever the inventory says."""

from dataclasses import replace
from pathlib import Path

import pytest

from deployer.annotations import REQUIRE_VERIFIED
from deployer.cluster import inventory_store
from deployer.cluster.connection import Cluster
from deployer.cluster.hold import Hold
from deployer.cluster.operation import Operation
from deployer.job import Action, JobOptions
from deployer.queue.jobs import Ended
from deployer.settings import Settings
from tests.queue.helpers import configure, lines
from tests.queue.running import Running
from tests.sync.standing import ago, entry
from tests.world import Bench, config_map, deployment

DONE, STAYS = Ended("succeeded"), Ended("stays")
REFUSED = ("failure", "not deployed: not signed")
REQUIRED = {REQUIRE_VERIFIED: "true"}
NO_PAUSE = 40.0
"""Seconds that are too few for a push to wait until those after it have come."""


@pytest.fixture
def key(bench: Bench) -> Path:
    return bench.known_key()


@pytest.fixture
def running(running: Running) -> Running:
    """Of an application that deploys only what GitHub verifies."""
    configure(running.bench, running.settings, "a", annotations=REQUIRED)
    return running


def unsigned(bench: Bench, value: str) -> str:
    return bench.push({"a/a.yaml": config_map("a", value)})


def signed(bench: Bench, key: Path, value: str) -> str:
    return bench.push({"a/a.yaml": config_map("a", value)}, key)


def value(bench: Bench) -> str:
    return str(bench.live("configmap", "a")["data"]["key"])


def deploy_unsigned(bench: Bench, settings: Settings, running: Running, value: str = "1") -> str:
    """Have a commit be live that is not signed, as before the annotation came."""
    configure(bench, settings, "a")
    commit = unsigned(bench, value)
    assert running("sync") == DONE
    configure(bench, settings, "a", annotations=REQUIRED)
    return commit


@pytest.mark.parametrize("action", ["push", "reconcile", "sync"])
def test_what_is_not_signed_stays_out_and_what_is_goes_live(
    bench: Bench, running: Running, key: Path, action: Action
) -> None:
    commit = unsigned(bench, "1")
    assert running(action) == STAYS
    assert running("reconcile") == STAYS
    assert running.status(commit)[0] == "failure"
    assert REFUSED[1] in (running.status(commit)[1] or "")
    assert bench.kubectl("get", "namespace", bench.name, "--ignore-not-found") == ""
    commit = signed(bench, key, "2")
    assert running(action) == DONE
    assert (running.status(commit)[0], value(bench)) == ("success", "2")


def test_the_present_commit_is_healed_while_one_that_is_not_signed_stays_out(
    bench: Bench, settings: Settings, running: Running, key: Path
) -> None:
    configure(bench, settings, "a", annotations=REQUIRED, automated={"selfHeal": True})
    present = signed(bench, key, "1")
    assert running() == DONE
    commit = unsigned(bench, "2")
    assert running(seconds=NO_PAUSE) == STAYS
    bench.kubectl("patch", "configmap", "a", "-n", bench.name, "--type=merge", "-p", '{"data": {"key": "hand"}}')
    assert running("reconcile") == DONE
    assert value(bench) == "1"
    assert {one["revision"] for one in running.history()} == {present}
    assert running.status(commit) == REFUSED


def test_what_is_there_and_not_signed_is_left_as_it_is(
    bench: Bench, settings: Settings, running: Running, key: Path
) -> None:
    commit = deploy_unsigned(bench, settings, running)
    configure(bench, settings, "a", annotations=REQUIRED, automated={"selfHeal": True})
    bench.kubectl("patch", "configmap", "a", "-n", bench.name, "--type=merge", "-p", '{"data": {"key": "hand"}}')
    assert running("reconcile") == running("sync") == STAYS
    assert value(bench) == "hand"
    assert running.status(commit)[0] == "failure"
    signed(bench, key, "2")
    assert running("reconcile") == DONE
    assert value(bench) == "2"


def test_nobody_returns_to_what_is_not_signed(bench: Bench, settings: Settings, running: Running, key: Path) -> None:
    before = deploy_unsigned(bench, settings, running)
    commit = signed(bench, key, "2")
    assert running("sync") == DONE
    for number in (0, 1):
        assert running("rollback", options=JobOptions(rollback=number)) == STAYS
        told = f"{running.name} cannot be deployed at {before[:7]}, which is not signed ({REQUIRE_VERIFIED}); push a "
        assert told in (running.status(commit)[1] or "")
    body = {"verification": {"verified": False, "reason": "gpgverify_unavailable"}}
    bench.world.github.fail(f"{bench.repository}/git/commits/{before}", 200, body=body)
    assert running("rollback") == STAYS
    assert f"cannot be deployed at {before[:7]} yet, which waits for GitHub's check" in (
        running.status(commit)[1] or ""
    )
    assert value(bench) == "2"
    assert [one["result"] for one in running.history()] == ["succeeded", "succeeded"], "nothing was tried"
    assert running("reconcile") == Ended("in sync")


def test_an_application_does_not_return_by_itself_to_what_is_not_signed(
    bench: Bench, settings: Settings, running: Running, key: Path, log: pytest.LogCaptureFixture
) -> None:
    before = deploy_unsigned(bench, settings, running)
    configure(bench, settings, "a", annotations=REQUIRED | {"deployer/rollback": "true"}, timeout=0.5)
    commit = bench.push({"a/a.yaml": config_map("a", "2"), "a/web.json": deployment("web", "nginx:never")}, key)
    assert running(seconds=NO_PAUSE) == Ended("failed")
    ((message, _),) = lines(log, "ERROR")
    assert message.startswith("1 of 2 objects not healthy after 0.5 s: Deployment/web: ")
    assert f"not rolled back: {running.name} cannot be deployed at {before[:7]}, which is not signed (" in message
    assert (running.status(commit)[0], value(bench)) == ("failure", "2")


@pytest.mark.parametrize("action", ["push", "reconcile"])
def test_a_hold_that_anybody_may_have_forged_applies_nothing(
    bench: Bench, running: Running, key: Path, staging: Cluster, log: pytest.LogCaptureFixture, action: Action
) -> None:
    other = unsigned(bench, "evil")
    commit = signed(bench, key, "1")
    assert running() == DONE
    inventory = inventory_store.read(staging, running.name, bench.name)
    hold = Hold(other, commit, ago(5), "mallory", "deployer rollback")
    inventory_store.write(staging, inventory, replace(inventory, hold=hold))
    log.clear()
    assert running(action, seconds=NO_PAUSE) == (STAYS if action == "push" else Ended("failed"))
    assert value(bench) == "1"
    told = f"{running.name} cannot be deployed at {other[:7]}, which is not signed ({REQUIRE_VERIFIED}); push a "
    assert [message for message, _ in lines(log) if message.startswith(told)]
    if action == "push":
        assert running.status(commit)[0] == "failure"
    assert running("sync") == DONE, "which lets go of it"


@pytest.mark.parametrize("under_way", [False, True])
def test_a_history_that_anybody_may_have_forged_applies_nothing(
    bench: Bench, running: Running, key: Path, staging: Cluster, under_way: bool
) -> None:
    signed(bench, key, "1")
    assert running() == DONE
    commit = unsigned(bench, "evil")
    inventory = inventory_store.read(staging, running.name, bench.name)
    operation = Operation(commit, ago(5), "mallory", "a push", paused=ago(1)) if under_way else None
    forged = replace(inventory, history=(entry("unfinished", commit), *inventory.history), operation=operation)
    inventory_store.write(staging, inventory, forged)
    # A push finds that it is rolling out already, and does nothing about it.
    assert running(seconds=NO_PAUSE) == (STAYS if under_way else Ended("unfinished"))
    assert running("reconcile") == running("sync") == STAYS
    assert value(bench) == "1"


def test_the_hooks_of_a_deletion_are_of_a_signed_commit(bench: Bench, running: Running, key: Path) -> None:
    signed(bench, key, "1")
    assert running() == DONE
    unsigned(bench, "2")
    assert running("delete") == STAYS
    assert value(bench) == "1"
    assert running("delete", options=JobOptions(hooks=False)) == DONE
    assert "ConfigMap/a" not in bench.versions("configmaps")


def test_a_rollout_goes_on_while_one_that_is_not_signed_stays_out(bench: Bench, running: Running, key: Path) -> None:
    commit = bench.push({"a/web.json": deployment("web", "nginx:slow")}, key)
    assert running(seconds=0) == Ended("unfinished")
    newer = bench.push({"a/web.json": deployment("web")})
    assert running(before=commit, after=newer, seconds=NO_PAUSE) == STAYS
    assert running("reconcile") == DONE
    assert running.status(commit)[0] == "success", "it has its own end"
    assert running.status(newer) == REFUSED
