"""GitHub is down, or takes no statuses: what is to be deployed is, and the commit is told of it later."""

import time

import pytest

from tests.end_to_end.ci import Ci
from tests.end_to_end.reconciling import history
from tests.world import Bench, config_map, deployment


def wait_for(bench: Bench, value: str) -> None:
    """Wait until the cluster has a value."""
    deadline = time.monotonic() + 60
    while f'"key": "{value}"' not in bench.kubectl("get", "configmaps", "-n", bench.name, "-o", "json"):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("status", [503, 403])
def test_a_commit_that_could_not_be_told_is_told_later(bench: Bench, status: int) -> None:
    assert bench.deploy({"a.yaml": config_map("a", "1")})[0] == "success"
    with bench.world.github.outage(f"{bench.repository}/statuses", status, method="POST"):
        commit = bench.push({"a.yaml": config_map("a", "2")})
        wait_for(bench, "2")
        bench.logged(commit)
        assert bench.world.github.wait_for_delivery(commit, timeout=60).payload["after"] == commit
    assert bench.statuses(commit) == []
    assert bench.reconcile() == "in sync"
    (told,) = bench.statuses(commit)
    assert told == ("success", "in sync: 1 object in staging")
    assert len(history(bench)) == 2


def test_a_commit_whose_failure_could_not_be_told_is_told_later(bench: Bench) -> None:
    assert bench.deploy({"a.yaml": config_map("a", "1")})[0] == "success"
    with bench.world.github.outage(f"{bench.repository}/statuses", method="POST"):
        commit = bench.push({"web.json": deployment("web", "INVALID//image")})
        assert bench.world.github.wait_for_delivery(commit, timeout=60).payload["after"] == commit
    assert bench.statuses(commit) == []
    state, description = bench.reconciled(commit)
    assert state == "failure"
    assert "InvalidImageName" in description


def test_statuses_can_be_neither_read_nor_written(bench: Bench) -> None:
    assert bench.deploy({"a.yaml": config_map("a", "1")})[0] == "success"
    with bench.world.github.outage("/status(es)?"):
        commit = bench.push({"a.yaml": config_map("a", "2")})
        wait_for(bench, "2")
        assert bench.reconcile() == "failed"
    assert bench.reconciled(commit)[0] == "success"


def test_a_push_while_all_of_github_is_down_is_made_good(bench: Bench) -> None:
    assert bench.deploy({"a.yaml": config_map("a", "1")})[0] == "success"
    with bench.world.github.outage():
        commit = bench.push({"a.yaml": config_map("a", "2")})
        delivery = bench.world.github.wait_for_delivery(commit, timeout=60)
        assert '"outcome":"failed"' in delivery.body
        assert bench.reconcile() == "failed"
        assert bench.live("configmap", "a")["data"] == {"key": "1"}
    assert bench.reconciled(commit)[0] == "success"
    assert bench.live("configmap", "a")["data"] == {"key": "2"}


def test_checks_that_cannot_be_read_keep_a_commit_out_until_they_can(bench: Bench) -> None:
    ci = Ci(bench)
    bench.configure(require_checks="build")
    with bench.world.github.outage("/check-runs$", method="GET"):
        commit = bench.push({"a.yaml": config_map("a", "1")})
        assert bench.world.github.wait_for_delivery(commit, timeout=60).status == 200
        ci.check(commit)
        assert bench.reconcile() == "failed"
        assert bench.versions("configmaps") == {}
    assert bench.reconciled(commit)[0] == "success"


def test_a_deployment_that_could_not_be_told_is_live_and_the_next_one_is_told_so(bench: Bench) -> None:
    ci = Ci(bench)
    bench.configure(automated=False)
    commit = bench.push({"a.yaml": config_map("a", "1")})
    wish = {"ref": commit, "environment": bench.name, "required_contexts": [], "auto_merge": False}
    with (
        bench.world.github.outage(f"{bench.repository}/deployments/[0-9]+/statuses", method="POST"),
        bench.delivered("deployment") as deliveries,
    ):
        ci.ask("/deployments", wish)
    assert '"outcome":"failed"' in deliveries[0].body, "who has asked could not be told that it begins"
    assert bench.versions("configmaps") == {}
    with bench.delivered("deployment"):
        number = ci.ask("/deployments", wish)["id"]
    assert ci.ask(f"/deployments/{number}/statuses")[0]["state"] == "success"
    assert bench.statuses(commit)[-1][0] == "success"
