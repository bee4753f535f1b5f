"""Somebody who changes back what is healed: the deployer gives way for longer and longer, and writes little of it."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from deployer.cluster.connection import Cluster
from tests.end_to_end.reconciling import history, last_synced, push_unheard, said
from tests.world import Bench, config_map, deployment

Run = Callable[..., subprocess.CompletedProcess[str]]


@contextmanager
def controller(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Sets a field again and again, whoever has set it to something else."""
    ended = threading.Event()

    def run() -> None:
        path, body = f"/api/v1/namespaces/{namespace}/configmaps/a", {"data": {"key": "theirs"}}
        while not ended.wait(0.05):
            query = {"fieldManager": "their-controller"}
            cluster.request("PATCH", path, query=query, body=body, content_type="application/merge-patch+json")

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def reconciled_against_them(bench: Bench) -> str:
    """Reconcile, once they have set the field."""
    while bench.live("configmap", "a")["data"]["key"] != "theirs":
        pass
    return bench.reconcile()


def test_who_changes_it_back_is_fought_with_pauses_and_in_one_line_of_the_history(
    bench: Bench, staging: Cluster
) -> None:
    assert bench.deploy({"a.yaml": config_map("a", "ours")}, self_heal=True)[0] == "success"
    commit, told = bench.clone.head(), bench.statuses(bench.clone.head())
    first = history(bench)
    with controller(staging, bench.name):
        assert reconciled_against_them(bench) == "succeeded", "the first time at once"
        for heals, pause in enumerate((2, 6, 18, 54, 162, 300, 300), 1):
            last_synced(bench, pause - 60)
            assert reconciled_against_them(bench) == "out of sync"
            times = "1 time" if heals == 1 else f"{heals} times"
            assert said(bench, "INFO")[-1] == f"out of sync: 1 to change; healed {times} in a row, and not again yet"
            last_synced(bench, pause)
            assert reconciled_against_them(bench) == "succeeded"
            assert history(bench)[1:] == first
            assert (history(bench)[0]["why"], history(bench)[0]["heals"]) == ("drift", heals)
        last_synced(bench, 601)
        assert reconciled_against_them(bench) == "succeeded"
    assert history(bench)[0]["heals"] == 0, "after so long a peace it is the first time again"
    assert any('data.key "ours" → "theirs" by their-controller at ' in line for line in said(bench, "WARNING"))
    assert bench.statuses(commit) == told


def test_a_fight_during_a_rollout_does_not_put_off_its_end(bench: Bench, staging: Cluster, deployer: Run) -> None:
    bench.configure(timeout=60, self_heal=True)
    commit = push_unheard(bench, {"web.json": deployment("web", "nginx:never"), "a.yaml": config_map("a", "ours")})
    assert deployer("sync", bench.name, "--no-wait").returncode == 0
    last_synced(bench, 30)
    begun = _as_it_began(bench)
    with controller(staging, bench.name):
        assert reconciled_against_them(bench) == "unfinished"
        assert _as_it_began(bench) == begun, "the rollout began when it began"
        last_synced(bench, 60)
        assert reconciled_against_them(bench) == "failed"
    assert [one["result"] for one in history(bench)] == ["failed"]
    state, description = bench.statuses(commit)[-1]
    assert (state, description[:47]) == ("failure", "1 of 2 objects not healthy after 60 s: Deployme")


def _as_it_began(bench: Bench) -> list[dict[str, Any]]:
    """The history but for whose operation it was that looked at a rollout last."""
    return [{**one, "operation": ""} for one in history(bench)]
