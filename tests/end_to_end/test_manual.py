"""Applications that a person syncs: a push and the schedule only tell their commit how they stand."""

import json
import subprocess
from collections.abc import Callable

from tests.end_to_end.reconciling import history, inventory, push_unheard, said
from tests.world import Bench, config_map

Run = Callable[..., subprocess.CompletedProcess[str]]


def state(bench: Bench, commit: str) -> object:
    """All that the deployer could have written."""
    return bench.versions("configmaps"), inventory(bench), bench.statuses(commit)


def test_a_push_tells_what_is_out_of_sync_and_a_person_syncs(bench: Bench, deployer: Run) -> None:
    bench.configure(automated=False)
    first = bench.push({f"{name}.yaml": config_map(name) for name in "abc"})
    bench.world.github.wait_for_delivery(first)
    assert bench.statuses(first) == [("pending", "out of sync: 3 to create")]
    assert deployer("sync", bench.name).returncode == 0
    assert bench.statuses(first)[-1][0] == "success"

    second = bench.push({f"{name}.yaml": config_map(name, "2") for name in "ab"})
    delivery = bench.world.github.wait_for_delivery(second)
    outcome = {"application": bench.name, "outcome": "out of sync"}
    assert (delivery.status, json.loads(delivery.body)) == (200, {"applications": [outcome]})
    told = [("pending", "out of sync: 2 to change")]
    assert bench.statuses(second) == told
    before = state(bench, second)
    for _ in range(2):
        assert bench.reconcile() == "out of sync"
    assert state(bench, second) == before
    assert bench.live("configmap", "a")["data"] == {"key": "1"}

    assert deployer("sync", bench.name).returncode == 0
    assert bench.live("configmap", "a")["data"] == {"key": "2"}
    assert (history(bench)[0]["revision"], history(bench)[0]["why"]) == (second, "deployer sync")
    assert bench.statuses(second)[:1] == told
    assert [one for one, _ in bench.statuses(second)][1:] == ["pending", "success"]
    before = state(bench, second)
    for _ in range(2):
        assert bench.reconcile() == "in sync"
    assert state(bench, second) == before


def test_drift_and_lost_deliveries_are_told_and_left(bench: Bench, deployer: Run) -> None:
    bench.configure(automated=False)
    commit = push_unheard(bench, {"a.yaml": config_map("a")})
    assert bench.reconcile() == "out of sync"
    assert bench.statuses(commit) == [("pending", "out of sync: 1 to create")]
    assert deployer("sync", bench.name).returncode == 0

    patch = json.dumps({"data": {"key": "2"}})
    bench.kubectl("patch", "configmap", "a", "-n", bench.name, "--type=merge", "-p", patch)
    before = bench.versions("configmaps")
    for _ in range(2):
        assert bench.reconcile() == "out of sync"
    assert bench.versions("configmaps") == before
    assert bench.statuses(commit)[-2:][0][0] == "success"
    assert bench.statuses(commit)[-1] == ("pending", "out of sync: 1 to change")
    assert any('ConfigMap/a data.key "1" → "2" by kubectl-patch' in line for line in said(bench, "WARNING"))

    assert deployer("sync", bench.name).returncode == 0
    assert bench.live("configmap", "a")["data"] == {"key": "1"}
    assert bench.reconcile() == "in sync"
    assert bench.statuses(commit)[-1][0] == "success"
